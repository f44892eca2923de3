"""One attempt at one feed: slices are read page by page, each page is committed while the next one is fetched.

Knows nothing of schedules and verdicts; every failure leaves as an exception of `model.errors`.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from mpsyncd.engine.slicing import by_shortcut
from mpsyncd.model.errors import BadData, EmptySnapshot, Transient
from mpsyncd.model.page import SliceKind
from mpsyncd.model.run import Mode
from mpsyncd.model.work import Work

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
    from datetime import timedelta
    from typing import TypeVar

    from mpsyncd.engine.ports import Store
    from mpsyncd.model.clock import Clock
    from mpsyncd.model.feed import Feed, Lease
    from mpsyncd.model.page import Page, ParentReader, Slice
    from mpsyncd.model.request import Api
    from mpsyncd.model.stream import Stream
    from mpsyncd.model.work import Committed, NewSlice, OpenSlice

    T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Everything that one attempt needs.

    `deadline` is the longest time without a committed page. `share` bounds what a sweep may remove. `moved` is called after each commit.
    """

    store: Store
    clock: Clock
    lease: Lease
    run_id: int
    feed: Feed
    stream: Stream
    mode: Mode
    deadline: timedelta
    share: float
    moved: Callable[[Committed], None]

    async def slices(self, fresh: Sequence[NewSlice], *, besides: bool = False) -> Sequence[OpenSlice]:
        """Return the slices that an earlier attempt left open; `fresh` ones are written down when there are none, or `besides` them."""
        left = await self.store.open_slices(self.feed)
        if any(by_shortcut(one.slice) not in {None, self._shortcut} for one in left):
            await self.store.drop_slices(self.lease, self.feed)
            left = ()
        if not fresh or (left and not besides):
            return left
        return await self.store.add_slices(self.lease, self.feed, self.run_id, fresh, self.clock.now())

    @property
    def _shortcut(self) -> str | None:
        return None if self.stream.shortcut is None else self.stream.shortcut.capability

    async def read(self, open_slice: OpenSlice, api: Api) -> None:
        """Read one slice to its end and sweep by what it saw, if that was marked."""
        force = self.mode is Mode.FORCED
        work = Work(lease=self.lease, run_id=self.run_id, feed=self.feed, stream=self.stream, open_slice=open_slice, force=force)
        if not open_slice.walked:
            part = replace(open_slice.slice, now=self.clock.now(), parents=self._parents(open_slice.slice))
            async with aclosing(_generator(self.stream, api, part)) as pages:
                await self._pages(work, pages)
        if open_slice.walk_id is not None:
            await self._sweep(work)

    def _parents(self, part: Slice) -> ParentReader | None:
        declared = self.stream.parents
        return None if declared is None else self.store.parents(self.feed.shop_id, declared, since=part.start)

    async def _pages(self, work: Work, pages: AsyncGenerator[Page, None]) -> None:
        page = await self._in_time(anext(pages, None))
        following: asyncio.Future[Page | None] | None = None
        try:
            while page is not None:
                alone = page.last or page.barrier
                following = None if alone else asyncio.ensure_future(anext(pages, None))
                await self._commit(work, page)
                if page.last:
                    return
                page, following = await self._in_time(following or anext(pages, None)), None
        finally:
            await _drop(following)
        message = f"the read of {self.stream.name} ended without a last page; nothing is lost, the slice stays open"
        raise BadData(message)

    async def _commit(self, work: Work, page: Page) -> None:
        try:
            committed = await unbroken(self._in_time(self.store.commit(work, self._bounded(work, page))))
        except EmptySnapshot:
            await self._begin_anew(work.open_slice)
            raise
        finally:
            await page.rows.close()
        self.moved(committed)
        if page.doubt is not None:
            level = log.debug if page.doubt == self.feed.reason else log.warning
            level("read_doubted", doubt=page.doubt)

    def _bounded(self, work: Work, page: Page) -> Page:
        """A first look at what is new that finds nothing is complete up to where its overlap ends."""
        part = work.open_slice.slice
        if not page.last or page.until is not None or part.kind is not SliceKind.SINCE or part.start is None:
            return page
        return replace(page, until=part.start + self.stream.overlap)

    async def _sweep(self, work: Work) -> None:
        try:
            self.moved(await unbroken(self.store.sweep(work, share=self.share)))
        except (EmptySnapshot, BadData):
            await self._begin_anew(work.open_slice)
            raise

    async def _begin_anew(self, open_slice: OpenSlice) -> None:
        """What is not to be trusted is read again: one window of history alone, behind its fellows; else all that the feed has open."""
        part = open_slice.slice
        if part.kind is SliceKind.WINDOW and not part.key.get("manual"):
            await self.store.restart_slice(self.lease, self.feed, part, self.clock.now())
        else:
            await self.store.drop_slices(self.lease, self.feed)

    async def _in_time(self, work: Coroutine[object, object, T] | asyncio.Future[T]) -> T:
        try:
            async with asyncio.timeout(self.deadline.total_seconds()):
                return await work
        except TimeoutError as error:
            minutes = self.deadline.total_seconds() / 60
            message = f"no progress for {minutes:.0f} min while reading {self.stream.name}; the attempt was given up and is repeated later"
            raise Transient(message) from error


async def unbroken(work: Coroutine[object, object, T]) -> T:
    """Await `work`; a cancellation is passed on only after it has ended, so that a commit in hand is never cut."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()
        raise


async def _generator(stream: Stream, api: Api, part: Slice) -> AsyncGenerator[Page, None]:
    """Make sure that whatever `read` returns can be closed, and is: what it has under way must end while there is an Api."""
    read = stream.read if stream.shortcut is None or by_shortcut(part) is None else stream.shortcut.read
    pages = read(api, part)
    try:
        async for page in pages:
            yield page
    finally:
        close = getattr(pages, "aclose", None)
        if close is not None:
            await close()


async def _drop(following: asyncio.Future[Page | None] | None) -> None:
    """End a prefetch that nobody will take, and let go of its body."""
    if following is None:
        return
    if not following.done():
        following.cancel()
        await asyncio.wait({following})
    if not following.cancelled() and following.exception() is None:
        page = following.result()
        if page is not None:
            await page.rows.close()
