"""Asks the database on behalf of people and watchers who must not wait for ever: a server that hangs answers nothing, not even no."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from mpsyncd.model.errors import StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import timedelta

T = TypeVar("T")


class Question(Generic[T]):
    """One question, asked once at a time: who asks while it is out shares its answer, so that watchers do not use up the connections."""

    def __init__(self, ask: Callable[[], Coroutine[object, object, T]], *, within: timedelta) -> None:
        self._ask = ask
        self._within = within
        self._asked: asyncio.Task[T] | None = None

    async def answer(self) -> T:
        """The answer, or what the question raises.

        Raises:
            StorageUnavailable: there was none in time; the question stays out.
        """
        if self._asked is None or self._asked.done():
            self._asked = asyncio.create_task(self._ask())
        return await in_time(self._asked, self._within)


async def in_time(work: asyncio.Future[T], within: timedelta) -> T:
    """What the work comes to; it is not cut when it takes too long, because cutting waits for the database too.

    Raises:
        StorageUnavailable: it came to nothing in time, and goes on.
    """
    work.add_done_callback(_heard)
    done, _ = await asyncio.wait({work}, timeout=within.total_seconds())
    if not done:
        raise StorageUnavailable(f"PostgreSQL has not answered for {within.total_seconds():g} s; it may hang, or wait for its disk")
    return work.result()


def _heard(task: asyncio.Future[T]) -> None:
    """A failure that nobody waited for is no news: the next question will tell."""
    if not task.cancelled():
        task.exception()
