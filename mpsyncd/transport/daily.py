"""The calendar-day counter: at most `limit` requests per day of the vendor's zone, a share of them kept for the live lane.

The vendor's midnight and ours are not the same instant: within `_SKEW` of it a request counts for both days, and yesterday's end is not
used before its new day has surely begun.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mpsyncd.transport.meter import Meter, Moment, Said

if TYPE_CHECKING:
    from mpsyncd.model.rate import Rate
    from mpsyncd.transport.ledger import State

_SKEW = timedelta(seconds=5)


class Daily(Meter):
    """Counts by day; always durable."""

    def __init__(self, rate: Rate) -> None:
        self._used: dict[date, int] = {}
        self.durable = True
        self._set(rate)

    def _set(self, rate: Rate) -> None:
        self._limit = rate.limit
        self._unreserved = rate.limit - math.ceil(rate.limit * rate.reserve)
        self._zone = ZoneInfo(rate.zone)

    def ready_at(self, now: Moment, weight: int, *, spare: bool) -> float:
        return self._from_day(now, weight - 1, spare=spare)

    def take(self, now: Moment, weight: int) -> None:
        days = self._days(now)
        for day in days:
            self._used[day] = self._used.get(day, 0) + weight
        self._used = {day: count for day, count in self._used.items() if day >= min(days)}

    def forecast(self, now: Moment, count: int, *, spare: bool) -> float:
        return self._from_day(now, count - 1, spare=spare)

    def available(self, now: Moment) -> int:
        return max(0, min(self._limit - self._used.get(day, 0) for day in self._days(now)))

    def used(self, now: Moment) -> int:
        """Requests of the current day."""
        return self._used.get(min(self._days(now)), 0)

    def heed(self, now: Moment, said: Said) -> None:
        """Headers speak of the second, not of the day."""

    def dump(self, now: Moment) -> State:
        _ = now
        return {"days": {day.isoformat(): count for day, count in self._used.items()}}

    def load(self, now: Moment, state: State) -> None:
        _ = now
        self._used = {date.fromisoformat(day): int(count) for day, count in state["days"].items()}

    def retune(self, rate: Rate, now: Moment) -> None:
        _ = now
        self._set(rate)

    def spent(self, now: Moment) -> None:
        """Nothing: each request was debited before it was sent."""

    def _days(self, now: Moment) -> list[date]:
        """The day that a request of this instant counts for, or two around midnight."""
        wall = datetime.fromtimestamp(now.wall, UTC)
        return sorted({(wall + skew).astimezone(self._zone).date() for skew in (-_SKEW, _SKEW)})

    def _from_day(self, now: Moment, ahead: int, *, spare: bool) -> float:
        """When there is room for one more request behind `ahead` others."""
        # A reserve of everything would never let anybody else through.
        allowed = self._limit if spare or self._unreserved <= 0 else self._unreserved
        days = self._days(now)
        room = min(allowed - self._used.get(day, 0) for day in days)
        if ahead < room:
            return now.mono
        left = ahead - max(0, room)
        day = days[0] + timedelta(days=1)
        while left >= (room := max(0, allowed - self._used.get(day, 0))):
            left -= room
            day += timedelta(days=1)
        begins = datetime.combine(day, datetime.min.time(), self._zone).astimezone(UTC) + _SKEW
        return max(now.mono, now.to_mono(begins.timestamp()))
