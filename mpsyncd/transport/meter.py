"""What all kinds of limits have in common: pure arithmetic over instants that are handed in. No clock, no waiting, no storage.

Instants are seconds of the monotonic clock; what is stored is converted to seconds since the epoch, because the former mean nothing after
a restart.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mpsyncd.model.rate import Rate
    from mpsyncd.transport.ledger import State

NEVER = math.inf
SLOW = 10.0
"""Seconds from which on a limit is debited in the ledger before each request."""


class Moment(NamedTuple):
    """One instant on both clocks, in seconds."""

    mono: float
    wall: float

    def to_wall(self, mono: float) -> float:
        """The same instant for the ledger."""
        return mono + self.wall - self.mono

    def to_mono(self, wall: float) -> float:
        """An instant from the ledger on this process's clock."""
        return wall - self.wall + self.mono


class Said(NamedTuple):
    """What the headers of an answer say of its limit; None where they are silent. `reset_at` is monotonic, `asked` when we asked."""

    asked: float
    limit: int | None
    remaining: int | None
    reset_at: float | None


class Meter(ABC):
    """How much of one limit is left.

    `durable`: debited in the ledger before each request. `weighs`: counts `Request.cost` and not requests.
    `margin`: seconds by which every debit is on the safe side already.
    `spare` says that a request may use what is reserved for the live lane.
    """

    durable: bool
    weighs = False
    margin = 0.0

    @abstractmethod
    def ready_at(self, now: Moment, weight: int, *, spare: bool) -> float:
        """The earliest instant at which a request of this weight may go; NEVER when only the end of another can tell."""

    @abstractmethod
    def take(self, now: Moment, weight: int) -> None:
        """Debit a request that goes now."""

    @abstractmethod
    def forecast(self, now: Moment, count: int, *, spare: bool) -> float:
        """The instant at which the last of `count` requests, asked for one after the other from now on, may go."""

    @abstractmethod
    def available(self, now: Moment) -> int:
        """How many requests could go at once."""

    async def admit(self) -> None:
        """Wait for whatever else guards this limit; at once in all but the fast buckets."""
        return

    def moved(self, taken: Moment, now: Moment, weight: int) -> None:  # noqa: B027 - most kinds have nothing to move
        """A request debited at `taken` was really written at `now`; connecting may have taken a while."""

    def give_back(self) -> None:  # noqa: B027
        """A request ended."""

    def charge(self, now: Moment, weight: int) -> None:
        """Debit a penalty."""
        self.take(now, weight)

    def heed(self, now: Moment, said: Said) -> None:  # noqa: B027
        """Tighten to what the vendor's headers say."""

    def refused(self, now: Moment, until: float) -> None:  # noqa: B027
        """The vendor refused a request: one may go at `until`, and no more than that."""

    def dump(self, now: Moment) -> State:
        """What to keep for the next process."""
        _ = now
        return {}

    @abstractmethod
    def load(self, now: Moment, state: State) -> None:
        """Go on from what a process kept. Raises KeyError, TypeError or ValueError when it is of another kind."""

    @abstractmethod
    def retune(self, rate: Rate, now: Moment) -> None:
        """Go on with another limit of the same kind: every debit stays, and there is no burst in exchange for the change."""

    @abstractmethod
    def spent(self, now: Moment) -> None:
        """Begin as if everything had just been used: a process died and nobody knows."""
