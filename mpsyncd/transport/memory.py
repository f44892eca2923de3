"""One entry of the ledger: who wrote it, when, what a meter and a closing remember. Decides how much of it can be believed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsyncd.transport.ledger import Ledger, State
    from mpsyncd.transport.meter import Moment

_CLOCK_SET_BACK = 2.0


class Memory:
    """Reads an entry once per tenancy, writes it whole and one write after the other.

    A tenancy ends when the last user of a scope goes (`stale`): another daemon may work it before we come back, then its entry counts.
    """

    def __init__(self, ledger: Ledger, *, name: str, author: str) -> None:
        self._ledger = ledger
        self._name = name
        self._author = author
        self._lock = asyncio.Lock()
        self.stale = True
        self.claimed = False

    async def recall(self, apply: Callable[[State], None]) -> None:
        """Hand the entry to `apply` unless it is our own of this life."""
        async with self._lock:
            if not self.stale:
                return
            state = await self._ledger.load(self._name)
            if state is not None and state.get("by") != self._author:
                apply(state)
                self.claimed = False
            self.stale = False

    async def keep(self, now: Callable[[], Moment], state: Callable[[Moment], dict[str, Any]]) -> None:
        """Write the entry as it is at the time of writing."""
        async with self._lock:
            moment = now()
            await self._ledger.save(self._name, self.entry(moment, state(moment)))
            self.claimed = True

    def entry(self, moment: Moment, state: State) -> dict[str, Any]:
        """A state with who tells it and when."""
        return {**state, "by": self._author, "at": moment.wall}


def set_back(state: State, now: Moment) -> bool:
    """Whether the wall clock was set back since the entry was written, which makes its instants useless."""
    return float(state.get("at", now.wall)) > now.wall + _CLOCK_SET_BACK


def closed_until(state: State, now: Moment) -> float | None:
    """Until when (monotonic) the entry says closed; never longer than it was when written."""
    until = state.get("closed_until")
    if until is None:
        return None
    shift = min(0.0, now.wall - float(state.get("at", now.wall)))
    return now.to_mono(float(until) + shift)
