"""Carries the letters of webhooks: a task of the shell that looks what is due and posts it. Decides nothing about letters."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import aiohttp

from mpsyncd.sandbox.core import Core
from mpsyncd.sandbox.kaiten.post import Letter

_TICK, _IDLE = 0.02, 0.1
_AT_ONCE = 16
_PATIENCE = aiohttp.ClientTimeout(total=10)
_HEADERS = {"Content-Type": "application/json", "User-Agent": "Kaiten"}


class Postman:
    """Posts what is due from :meth:`start` to :meth:`stop`; letters in hand are dropped then."""

    def __init__(self, core: Core, *, clock: Callable[[], datetime]) -> None:
        self._core = core
        self._clock = clock
        self._walk: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin the round."""
        self._walk = asyncio.create_task(self._deliver())

    async def stop(self) -> None:
        """End it, if it was begun."""
        if self._walk is not None:
            self._walk.cancel()
            await asyncio.wait([self._walk])

    async def _deliver(self) -> None:
        """Letters leave in their order, so many at once; the world moves even when nobody asks it anything."""
        post, free = self._core.kaiten.post, asyncio.Semaphore(_AT_ONCE)
        async with aiohttp.ClientSession(timeout=_PATIENCE, headers=_HEADERS) as http, asyncio.TaskGroup() as under_way:
            while True:
                if post.hooked:
                    now = self._clock()
                    self._core.companies.advance(now)
                    for letter in post.take(now):
                        await free.acquire()
                        under_way.create_task(self._post(http, letter)).add_done_callback(lambda _: free.release())
                await asyncio.sleep(_TICK if post.hooked else _IDLE)

    async def _post(self, http: aiohttp.ClientSession, letter: Letter) -> None:
        status: int | None = None
        try:
            async with http.post(letter.url, data=letter.body) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError):
            pass
        self._core.kaiten.post.note(letter, status=status, now=self._clock())
