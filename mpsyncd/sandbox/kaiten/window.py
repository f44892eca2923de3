"""The vendor's limit: so many requests within a sliding second for each token (kaiten.md §2). Knows no clock."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """`reset`: the moment, in seconds of the epoch, from which the window is empty again."""

    allowed: bool
    remaining: int
    reset: float


class Window:
    """`limit` requests in any `span` seconds. A refused request counts for nothing."""

    def __init__(self, *, limit: int, span: float) -> None:
        self.limit = limit
        self._span = span
        self._passed: deque[float] = deque()

    def take(self, now: float) -> Passage:
        """Let a request in at `now`, or not."""
        while self._passed and self._passed[0] <= now - self._span:
            self._passed.popleft()
        allowed = len(self._passed) < self.limit
        if allowed:
            self._passed.append(now)
        return Passage(allowed=allowed, remaining=self.limit - len(self._passed), reset=self._passed[-1] + self._span)
