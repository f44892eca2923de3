"""Concurrency: at most `limit` requests under way. Nothing to keep for the next process: its predecessor's connections are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.transport.meter import NEVER, Meter, Moment

if TYPE_CHECKING:
    from mpsyncd.model.rate import Rate
    from mpsyncd.transport.ledger import State


class Flights(Meter):
    """Counts requests from their grant to the end of their body."""

    def __init__(self, rate: Rate) -> None:
        self._limit = max(1, rate.limit)
        self._flying = 0
        self.durable = False

    def ready_at(self, now: Moment, weight: int, *, spare: bool) -> float:
        _ = weight, spare
        return now.mono if self._flying < self._limit else NEVER

    def take(self, now: Moment, weight: int) -> None:
        _ = now, weight
        self._flying += 1

    def give_back(self) -> None:
        self._flying -= 1

    def charge(self, now: Moment, weight: int) -> None:
        """A penalty does not keep a place."""

    def forecast(self, now: Moment, count: int, *, spare: bool) -> float:
        """Nobody knows how long the others take; the wait is not worth a snooze."""
        _ = count, spare
        return now.mono

    def available(self, now: Moment) -> int:
        _ = now
        return self._limit - self._flying

    def load(self, now: Moment, state: State) -> None:
        """Nothing was kept."""

    def retune(self, rate: Rate, now: Moment) -> None:
        _ = now
        self._limit = max(1, rate.limit)

    def spent(self, now: Moment) -> None:
        """Whoever was under way is gone."""
