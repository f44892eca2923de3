"""A door without a limit behind it: the whole of a scope that a vendor closed, or one method that names no rate.

While the answer of a possible refusal is still being read the door is held: nobody goes, and nobody knows yet for how long.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mpsyncd.transport.memory import Memory, closed_until
from mpsyncd.transport.meter import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsyncd.transport.ledger import Ledger, State
    from mpsyncd.transport.meter import Moment
    from mpsyncd.transport.ticket import Ticket

_WORTH_KEEPING = 10.0


class Closure:
    """Open unless held or closed."""

    def __init__(self, *, name: str, title: str, ledger: Ledger, author: str, now: Callable[[], Moment]) -> None:
        self.name = name
        self.title = title
        self.until = -math.inf
        self.refusals = 0
        self.memory = Memory(ledger, name=name, author=author)
        self._now = now
        self._held = 0
        self._waiting: set[Ticket] = set()

    async def prepare(self) -> None:
        """Recall a closing that a former life or another daemon has seen."""
        if self.memory.stale:
            await self.memory.recall(self._recalled)

    def _recalled(self, state: State) -> None:
        until = closed_until(state, self._now())
        if until is not None:
            self.until = max(self.until, until)

    def open_at(self, now: Moment) -> float:
        """When it opens: now, later, or NEVER while nobody knows."""
        return NEVER if self._held else max(now.mono, self.until)

    def hold(self) -> None:
        """Nobody goes until `let_go`."""
        self._held += 1

    def let_go(self) -> None:
        """End of a hold."""
        self._held -= 1
        self.nudge()

    def close(self, until: float) -> None:
        """Closed until that instant; never opens earlier than somebody said before."""
        if self.until <= self._now().mono:
            self.refusals += 1
        self.until = max(self.until, until)
        self.nudge()

    async def keep(self) -> None:
        """Write a long closing down."""
        if self.until - self._now().mono > _WORTH_KEEPING:
            await self.memory.keep(self._now, lambda moment: {"closed_until": moment.to_wall(self.until)})

    def wait(self, ticket: Ticket) -> None:
        """Wake this one when something changes."""
        self._waiting.add(ticket)

    def leave(self, ticket: Ticket) -> None:
        """It waits no more."""
        self._waiting.discard(ticket)

    def nudge(self) -> None:
        """Let everybody who waits look again."""
        for ticket in self._waiting:
            ticket.wake.set()
