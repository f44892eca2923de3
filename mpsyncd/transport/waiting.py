"""How a request waits: asleep, told to people when it takes over a second, given back as a Snooze when it would take too long."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self, TypeAlias

from mpsyncd.model.errors import Snooze
from mpsyncd.transport.words import span

if TYPE_CHECKING:
    from types import TracebackType

    from mpsyncd.model.clock import Clock
    from mpsyncd.model.rate import Rate
    from mpsyncd.model.source import Credentials, Identity, Source
    from mpsyncd.transport.closure import Closure
    from mpsyncd.transport.meter import Moment
    from mpsyncd.transport.ticket import Priority, Ticket

Tell: TypeAlias = Callable[[str | None, datetime | None], None]
"""Takes the reason of a wait and its end, or None and None when it goes on."""

_WORTH_TELLING = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """On whose behalf requests are sent: one feed's attempt. `rates`: what its key may draw on, by name."""

    source: Source
    shop_id: int
    identity: Identity
    credentials: Callable[[], Credentials]
    priority: Priority
    rates: Mapping[str, Rate]
    tell: Tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """What a request waits for. `until`: when to look again, infinite when somebody will wake it; `estimate`: when it will probably go."""

    closure: Closure
    until: float
    estimate: float


async def nap(clock: Clock, delay: timedelta, wake: asyncio.Event) -> None:
    """Sleep for `delay` or until woken."""
    sleeper = asyncio.ensure_future(clock.sleep(delay))
    woken = asyncio.ensure_future(wake.wait())
    try:
        await asyncio.wait({sleeper, woken}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sleeper.cancel()
        woken.cancel()


class Waiting:
    """The wait of one ticket; leaving it tells that it is over."""

    def __init__(self, ticket: Ticket, visitor: Visitor, *, clock: Clock, patience: float) -> None:
        self._ticket = ticket
        self._visitor = visitor
        self._clock = clock
        self._patience = patience
        self._told = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._told:
            self._visitor.tell(None, None)

    async def sleep(self, obstacle: Obstacle, now: Moment) -> None:
        """Wait until it is worth looking again.

        Raises:
            Snooze: the wait is longer than the patience.
        """
        left = 0.0 if math.isinf(obstacle.estimate) else obstacle.estimate - now.mono
        until = datetime.fromtimestamp(now.wall, UTC) + timedelta(seconds=max(0.0, left))
        if left > self._patience:
            raise Snooze(until, self._reason(obstacle, now, left))
        if left > _WORTH_TELLING:
            self._told = True
            self._visitor.tell(self._reason(obstacle, now, left), until)
        if math.isinf(obstacle.until):
            await self._ticket.wake.wait()
        else:
            await nap(self._clock, timedelta(seconds=obstacle.until - now.mono), self._ticket.wake)

    def _reason(self, obstacle: Obstacle, now: Moment, left: float) -> str:
        what = f"waits for {obstacle.closure.title} of shop {self._visitor.shop_id}"
        if obstacle.closure.until > now.mono:
            return f"{what}, closed by the vendor for {span(obstacle.closure.until - now.mono)}"
        return f"{what}, next token in {span(left)}"
