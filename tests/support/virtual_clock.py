"""A clock that moves only when everybody sleeps: weeks pass in milliseconds, in the right order."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class VirtualClock:
    """Sleepers are woken in order of time by `run_until`; nothing waits for real."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = 0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - START).total_seconds()

    async def sleep(self, delay: timedelta) -> None:
        if delay <= timedelta(0):
            await asyncio.sleep(0)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (self._now + delay, self._order, waiter))
        await waiter

    async def settle(self) -> None:
        """Let every task that can run do so."""
        for _ in range(50):
            await asyncio.sleep(0)

    async def advance(self, delay: timedelta) -> None:
        """Move time on, waking sleepers at their exact instants."""
        end = self._now + delay
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, waiter = heapq.heappop(self._sleepers)
            self._now = max(self._now, due)
            if not waiter.done():
                waiter.set_result(None)
            await self.settle()
        self._now = end
