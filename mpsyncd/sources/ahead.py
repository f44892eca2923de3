"""Several reads under way, taken one after the other. Must not hold more of each than the one thing that comes next."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


async def in_order(
    reads: AsyncGenerator[AsyncGenerator[Thing, None], None], *, ahead: int | Callable[[], int], drop: Callable[[Thing], Awaitable[None]]
) -> AsyncGenerator[tuple[Thing, bool], None]:
    """Yield what the reads yield, in their order, and with each thing whether another read follows the one that it is from.

    The first thing of up to `ahead` reads (a function tells how many by now) is fetched at once. When this ends before its time (an error,
    a cancellation, `aclose`), whatever is under way is cancelled and awaited, and what was fetched for nobody is given to `drop`.
    """
    flights: deque[_Flight[Thing]] = deque()
    try:
        following = await anext(reads, None)
        while following is not None or flights:
            while following is not None and len(flights) < (ahead if isinstance(ahead, int) else ahead()):
                flights.append(_Flight(following))
                following = await anext(reads, None)
            more = following is not None or len(flights) > 1
            while (thing := await flights[0].following()) is not None:
                yield thing, more
            flights.popleft()
    finally:
        for flight in flights:
            flight.cancel()
        for flight in flights:
            await flight.end(drop)
        await reads.aclose()


class _Flight(Generic[Thing]):
    """One read and the fetching of its next thing, which begins with the flight and then when it is asked for."""

    def __init__(self, read: AsyncGenerator[Thing, None]) -> None:
        self._read = read
        self._coming: asyncio.Future[Thing | None] | None = asyncio.ensure_future(anext(read, None))

    async def following(self) -> Thing | None:
        """The next thing, None when there are no more."""
        if self._coming is None:
            self._coming = asyncio.ensure_future(anext(self._read, None))
        thing = await self._coming
        self._coming = None
        return thing

    def cancel(self) -> None:
        """Ask what is under way to end."""
        if self._coming is not None:
            self._coming.cancel()

    async def end(self, drop: Callable[[Thing], Awaitable[None]]) -> None:
        """Wait for that end and let go of what came."""
        if self._coming is not None:
            await asyncio.wait({self._coming})
            if not self._coming.cancelled() and self._coming.exception() is None:
                thing = self._coming.result()
                if thing is not None:
                    await drop(thing)
        await self._read.aclose()
