"""One gate per rate, scope value and variant of key, shared by all shops that have them: a line by priority in front of a meter.

Only the head of the line goes, and while it goes (`busy`) nobody else does. What a dead process may have used is never used again.
"""

from __future__ import annotations

import bisect
import math
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from mpsyncd.transport.closure import Closure
from mpsyncd.transport.kinds import meter
from mpsyncd.transport.memory import closed_until, set_back
from mpsyncd.transport.meter import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsyncd.model.rate import Rate
    from mpsyncd.transport.ledger import Ledger, State
    from mpsyncd.transport.meter import Moment
    from mpsyncd.transport.ticket import Ticket

_BY_ORDER = attrgetter("order")
_LONG = 10.0


class Gate:
    """The limiter of one rate."""

    def __init__(
        self, rate: Rate, *, published: Rate, source: str, value: str, variant: str, ledger: Ledger, author: str, now: Callable[[], Moment]
    ) -> None:
        self.rate = rate
        self.published = published
        self.source = source
        self.value = value
        self.variant = variant
        self.name = name = f"{source}:{rate.name}:{rate.scope}:{value}:{variant}"
        self.meter = meter(rate)
        self.door = Closure(name=name, title=rate.name, ledger=ledger, author=author, now=now)
        self.busy: Ticket | None = None
        self._now = now
        self._line: list[Ticket] = []
        self._today = (0, 0)

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return len(self._line)

    async def prepare(self) -> None:
        """Recall what was used before this life; write down that a fast gate is in use, so that a crash does not make it full again."""
        if self.door.memory.stale:
            await self.door.memory.recall(self._recalled)
        if not (self.meter.durable or self.door.memory.claimed):
            await self.keep()

    def _recalled(self, state: State) -> None:
        now = self._now()
        until = closed_until(state, now)
        if until is not None:
            self.door.until = max(self.door.until, until)
        try:
            unknown = state.get("in_use", False) or set_back(state, now)
            if unknown or state.get("kind") != self.rate.kind.value:
                self.meter.spent(now)
            else:
                self.meter.load(now, state)
        except (KeyError, TypeError, ValueError):
            self.meter.spent(now)

    def retune(self, rate: Rate) -> None:
        """Go on with another limit; who stands in line stays there, and what was used stays used."""
        if rate == self.rate:
            return
        self.rate = rate
        self.meter.retune(rate, self._now())
        self.door.memory.claimed = False  # the entry in the ledger tells of another arithmetic
        self.nudge()

    async def keep(self) -> None:
        """Write down what the next life has to know."""
        await self.door.memory.keep(self._now, lambda moment: self._state(moment, in_use=True))

    def last_words(self) -> dict[str, Any]:
        """What a clean end writes down of a fast gate: what was really used."""
        now = self._now()
        return self.door.memory.entry(now, self._state(now, in_use=False))

    def _state(self, moment: Moment, *, in_use: bool) -> dict[str, Any]:
        state = {"kind": self.rate.kind.value, **self.meter.dump(moment)}
        if in_use and not self.meter.durable:
            state["in_use"] = True
        if self.door.until - moment.mono > _LONG:
            state["closed_until"] = moment.to_wall(self.door.until)
        return state

    def join(self, ticket: Ticket) -> None:
        """Stand in line, once."""
        if ticket not in self._line:
            bisect.insort(self._line, ticket, key=_BY_ORDER)
            self.door.wait(ticket)

    def leave(self, ticket: Ticket) -> None:
        """Step out of the line or of the gate; the next one may look."""
        self.door.leave(ticket)
        if self.busy is ticket:
            self.busy = None
        if ticket in self._line:
            self._line.remove(ticket)
        self.nudge()

    def nudge(self) -> None:
        """Wake the head of the line."""
        if self._line and self.busy is None:
            self._line[0].wake.set()

    def turn_of(self, ticket: Ticket) -> bool:
        """Whether it stands at the head and nobody is passing."""
        return self._line[0] is ticket and (self.busy is None or self.busy is ticket)

    def ready_at(self, ticket: Ticket, now: Moment) -> float:
        """When the head of the line may go, as far as this gate knows."""
        return max(self.door.open_at(now), self.meter.ready_at(now, self._weight(ticket), spare=ticket.spare))

    def estimate(self, ticket: Ticket, now: Moment) -> float:
        """When this one may go, whoever stands before it going first."""
        ahead = bisect.bisect_left(self._line, ticket.order, key=_BY_ORDER)
        opens = self.door.open_at(now)
        return max(now.mono if opens == NEVER else opens, self.meter.forecast(now, ahead + 1, spare=ticket.spare))

    def take(self, ticket: Ticket, now: Moment) -> None:
        """Debit. It is no more in line, so that nobody counts it twice who reckons his wait while this is written down."""
        self.meter.take(now, self._weight(ticket))
        self._line.remove(ticket)
        day = math.floor(now.wall / 86400)
        self._today = (day, self._today[1] + 1 if self._today[0] == day else 1)

    def moved(self, ticket: Ticket, taken: Moment, now: Moment) -> None:
        """The request was written later than it was debited."""
        self.meter.moved(taken, now, self._weight(ticket))

    def used_today(self, now: Moment) -> int:
        """Requests of this process on the current day of UTC."""
        return self._today[1] if self._today[0] == math.floor(now.wall / 86400) else 0

    def closed_until(self, now: Moment) -> datetime | None:
        """Until when the vendor closed it."""
        if self.door.until <= now.mono:
            return None
        return datetime.fromtimestamp(now.to_wall(self.door.until), UTC)

    def _weight(self, ticket: Ticket) -> int:
        return ticket.cost if self.meter.weighs else 1
