"""A token bucket in virtual time. Knows no clock: every call says what time it is."""

import math
from dataclasses import dataclass

_TINY = 1e-6


@dataclass(frozen=True, slots=True)
class Limit:
    """One row of a vendor's table: the bucket holds `burst`, and one more request is allowed every `interval` seconds."""

    interval: float
    burst: int

    @classmethod
    def per(cls, period: float, *, limit: int, burst: int) -> "Limit":
        """`limit` requests in `period` seconds, with a bucket of `burst`."""
        return cls(period / limit, burst)

    def faster(self, times: float) -> "Limit":
        """The same bucket, refilled `times` as fast."""
        return Limit(self.interval / times, self.burst)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`retry` and `reset`: seconds until one request, and until the whole burst, is allowed again."""

    allowed: bool
    remaining: int
    retry: float
    reset: float


class Bucket:
    """Starts full. A refused request takes nothing."""

    def __init__(self, limit: Limit, *, now: float) -> None:
        self._limit = limit
        self._tokens = float(limit.burst)
        self._at = now

    def take(self, now: float) -> Verdict:
        """Spend one token at `now` (seconds on any steady scale), or say how long to wait for one."""
        limit = self._limit
        gained = max(0.0, now - self._at) / limit.interval
        self._tokens = min(float(limit.burst), self._tokens + gained)
        self._at = max(now, self._at)
        allowed = self._tokens >= 1 - _TINY
        if allowed:
            self._tokens = max(0.0, self._tokens - 1)
        return Verdict(
            allowed=allowed,
            remaining=math.floor(self._tokens + _TINY) if allowed else 0,
            retry=0.0 if allowed else (1 - self._tokens) * limit.interval,
            reset=(limit.burst - self._tokens) * limit.interval,
        )

    def charge(self, tokens: int) -> int:
        """Take tokens for a request that was let in already, into debt if need be; what is left of the burst."""
        self._tokens -= tokens
        return max(0, math.floor(self._tokens + _TINY))
