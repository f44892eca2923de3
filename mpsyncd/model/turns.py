"""Turns of the loop for tasks that compute: however many of them are at it, the loop looks at its sockets after every one or two.

With `asyncio.sleep(0)` each of a hundred tasks would get its step between two looks, and whoever asks for the time of day waits for all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from weakref import WeakKeyDictionary


class _Line:
    """Who waits for a turn in one loop, first come, first served."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._resting = False

    async def turn(self) -> None:
        if self._resting or self._waiting:
            waiting: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append(waiting)
            if len(self._waiting) == 1:
                self._loop.call_soon(self._next)
            await waiting
            return
        self._resting = True
        try:
            await asyncio.sleep(0)
        finally:
            self._resting = False

    def _next(self) -> None:
        """Wake one, and come back for the next when the loop has been round."""
        while self._waiting:
            first = self._waiting.popleft()
            if not first.done():
                first.set_result(None)
                break
        if self._waiting:
            self._loop.call_soon(self._next)


_LINES: WeakKeyDictionary[asyncio.AbstractEventLoop, _Line] = WeakKeyDictionary()


async def turn() -> None:
    """Let the loop go round; to be called after every millisecond or so of computing."""
    loop = asyncio.get_running_loop()
    line = _LINES.get(loop)
    if line is None:
        line = _LINES[loop] = _Line(loop)
    await line.turn()
