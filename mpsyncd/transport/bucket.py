"""The token bucket: `limit` per `per` refill a bucket of `burst`.

The arithmetic is that of GCRA, one number ("theoretical arrival time", `_tat`). Buckets faster than `SLOW` are guarded by aiolimiter as
well: the number here forecasts, `AsyncLimiter` decides. It is made as AsyncLimiter(burst, burst x per / limit), because
AsyncLimiter(limit, per) lets 2 x limit - 1 through in its first period.

The vendor's bucket is filled by arrivals, ours by departures. A request that travels faster than the one before it would find the vendor's
bucket a moment too early, so the last token of a burst comes a little late (which costs nothing in the long run); a bucket of one has no
such room, its interval is stretched by 1 %, at most half a second. What the answer tells of the way is added by `Grant.answered`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from aiolimiter import AsyncLimiter

from mpsyncd.transport.meter import SLOW, Meter, Moment, Said

if TYPE_CHECKING:
    from mpsyncd.model.rate import Rate
    from mpsyncd.transport.ledger import State

_JITTER = 0.1
_STRETCH = 0.01
_STRETCH_MOST = 0.5


class Bucket(Meter):
    """A bucket that starts full."""

    def __init__(self, rate: Rate) -> None:
        self._tat = -math.inf
        self._set(rate)

    def _set(self, rate: Rate) -> None:
        interval = rate.interval.total_seconds()
        self._burst = max(1, rate.burst)
        if self._burst == 1:
            self.margin = min(interval * _STRETCH, _STRETCH_MOST)
            self._interval = interval + self.margin
            self._slack = 0.0
        else:
            self._interval = interval
            self._slack = self.margin = min(_JITTER, interval / 2)
        self._tolerance = (self._burst - 1) * self._interval - self._slack
        self.durable = interval >= SLOW
        span = self._tolerance + self._interval
        self._limiter = None if self.durable else AsyncLimiter(span / self._interval, span)

    async def admit(self) -> None:
        if self._limiter is not None:
            await self._limiter.acquire()

    def ready_at(self, now: Moment, weight: int, *, spare: bool) -> float:
        _ = spare
        weight = min(weight, self._burst)
        return max(now.mono, max(self._tat, now.mono) + (weight - 1) * self._interval - self._tolerance)

    def take(self, now: Moment, weight: int) -> None:
        self._tat = max(self._tat, now.mono) + weight * self._interval

    def moved(self, taken: Moment, now: Moment, weight: int) -> None:
        before = self._tat - weight * self._interval
        self._tat += max(0.0, max(before, now.mono) - max(before, taken.mono))

    def forecast(self, now: Moment, count: int, *, spare: bool) -> float:
        _ = spare
        return max(now.mono, max(self._tat, now.mono) + (count - 1) * self._interval - self._tolerance)

    def available(self, now: Moment) -> int:
        return max(0, math.floor(self._room(now) + 1e-9))

    def _room(self, now: Moment) -> float:
        """Tokens that are there, parts of one included; less than nothing while a debt is paid back."""
        return (now.mono - max(self._tat, now.mono) + self._tolerance + self._slack) / self._interval + 1

    def heed(self, now: Moment, said: Said) -> None:
        if said.remaining is None:
            return
        # The vendor's count is rounded down and as old as the way back: only what is surely less than ours counts.
        most = said.remaining + 1 + (now.mono - said.asked) / self._interval
        self._tat = max(self._tat, now.mono + (self._burst - most) * self._interval)

    def refused(self, now: Moment, until: float) -> None:
        _ = now
        self._tat = max(self._tat, until + self._tolerance)

    def dump(self, now: Moment) -> State:
        return {"tat": now.to_wall(max(self._tat, now.mono))}

    def load(self, now: Moment, state: State) -> None:
        # A slow one was written before it was sent, and nobody knows how long before.
        self._tat = now.to_mono(float(state["tat"])) + (self._slack if self.durable else 0.0)

    def retune(self, rate: Rate, now: Moment) -> None:
        """Tokens that are out stay out, and what a larger bucket has more of comes empty."""
        free, burst = self._room(now), self._burst
        self._set(rate)
        self._tat = now.mono + max(burst - free, self._burst - free, 0.0) * self._interval

    def spent(self, now: Moment) -> None:
        self._tat = max(self._tat, now.mono + self._tolerance + self._interval)
