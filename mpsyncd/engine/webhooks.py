"""Deliveries of webhooks, processed: which shops have some waiting, and one reader for each while it lasts.

What must survive is in the database: a delivery is pending there until all that it touches was read again and committed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import structlog

from mpsyncd.engine.rereading import Reader
from mpsyncd.model.errors import LeaseLost, MpsyncdError, StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from uuid import UUID

    from mpsyncd.model.clock import Clock
    from mpsyncd.model.feed import Lease
    from mpsyncd.model.request import Api
    from mpsyncd.model.shop import Shop
    from mpsyncd.model.stream import Stream
    from mpsyncd.model.webhook import Delivery, Outcome, Receive, Reread

log = structlog.get_logger(__name__)

POLL, IDLE_POLL = timedelta(milliseconds=250), timedelta(seconds=5)
"""How soon deliveries are found that another daemon took, and those whose time came; and the first webhook of all."""
_REST = timedelta(seconds=30)


class Inbox(Protocol):
    """Deliveries and what comes of them. Every method may raise StorageUnavailable; those that take a lease raise LeaseLost."""

    async def waiting(self, daemon: UUID) -> Sequence[tuple[Shop, Lease]] | None:
        """Held, working shops with deliveries that can be processed now; None when no shop at all takes webhooks."""
        ...

    async def take(self, shop_id: int, *, without: Collection[int], limit: int) -> Sequence[Delivery]:
        """The oldest deliveries that can be processed now, but for some; none of a shop that is not worked any more."""
        ...

    async def open_run(self, lease: Lease, shop_id: int, now: datetime) -> int:
        """Write down a run by webhook and return its id."""
        ...

    async def commit(
        self,
        lease: Lease,
        *,
        shop_id: int,
        run_id: int,
        stream: Stream | None = None,
        rereads: Sequence[Reread] = (),
        due: Collection[str] = (),
        outcomes: Sequence[Outcome] = (),
    ) -> None:
        """In one transaction: rows of one stream that were read again, streams that are due as a whole, outcomes of deliveries.

        A stream is due now, or a while after it was read last. While it is being read, its deliveries are put off instead.
        """
        ...

    async def close_run(self, run_id: int, now: datetime, *, failed: Mapping[str, str]) -> None:
        """Close the run; `failed` are its streams that could not be read, with the reason."""
        ...


class Connect(Protocol):
    """Opens the way to a shop's source, before all scheduled reads."""

    def __call__(self, shop: Shop) -> AbstractAsyncContextManager[Api]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """What is needed of a source that sends webhooks."""

    receive: Receive
    streams: Mapping[str, Stream]


class Webhooks:
    """One per daemon; `run` is one of its root tasks."""

    def __init__(self, *, daemon: UUID, sources: Mapping[str, Listening], inbox: Inbox, connect: Connect, clock: Clock) -> None:
        self._daemon = daemon
        self._sources = sources
        self._inbox = inbox
        self._connect = connect
        self._clock = clock
        self._wanted = asyncio.Event()
        self._readers: dict[int, Reader] = {}
        self._tasks: dict[asyncio.Task[None], int] = {}
        self._rests: dict[int, datetime] = {}
        self._poll = POLL

    def wake(self, shop_ids: Collection[int] | None = None) -> None:
        """Deliveries of these shops came in here, or (None) anything may have happened. Who is at work already needs no look around."""
        if shop_ids is None or not self._readers.keys() >= set(shop_ids):
            self._wanted.set()
        for shop_id in self._readers.keys() & set(shop_ids or ()):
            self._readers[shop_id].wake()

    async def run(self) -> None:
        """Process until cancelled; whatever is not committed then is processed by the next daemon."""
        try:
            while True:
                self._wanted.clear()
                try:
                    await self._look()
                except StorageUnavailable as error:
                    log.debug("chore_postponed", chore="webhooks", error=str(error))
                await self._nap()
        finally:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)

    async def _look(self) -> None:
        now = self._clock.now()
        self._rests = {shop_id: until for shop_id, until in self._rests.items() if until > now}
        waiting = await self._inbox.waiting(self._daemon)
        self._poll = IDLE_POLL if waiting is None else POLL
        for shop, lease in waiting or ():
            if shop.shop_id in self._readers:
                self._readers[shop.shop_id].wake()
            elif shop.source in self._sources and shop.shop_id not in self._rests:
                self._start(shop, lease)

    def _start(self, shop: Shop, lease: Lease) -> None:
        source = self._sources[shop.source]
        reader = Reader(shop, lease, inbox=self._inbox, receive=source.receive, streams=source.streams, clock=self._clock)
        task = asyncio.create_task(self._read(shop, reader), name=f"webhooks-{shop.shop_id}")
        self._readers[shop.shop_id] = reader
        self._tasks[task] = shop.shop_id
        task.add_done_callback(self._ended)

    async def _read(self, shop: Shop, reader: Reader) -> None:
        try:
            with structlog.contextvars.bound_contextvars(shop=shop.shop_id):
                async with self._connect(shop) as api:
                    await reader.run(api)
        except LeaseLost:
            log.info("lease_lost", shop=shop.shop_id)
        except MpsyncdError as error:
            log.warning("webhooks_interrupted", shop=shop.shop_id, error=str(error))
            self._rests[shop.shop_id] = self._clock.now() + _REST

    def _ended(self, task: asyncio.Task[None]) -> None:
        shop_id = self._tasks.pop(task)
        del self._readers[shop_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("webhooks_crashed", shop=shop_id, error=repr(error), exc_info=error)
            self._rests[shop_id] = self._clock.now() + _REST

    async def _nap(self) -> None:
        sleeper = asyncio.ensure_future(self._clock.sleep(self._poll))
        woken = asyncio.ensure_future(self._wanted.wait())
        try:
            await asyncio.wait({sleeper, woken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            woken.cancel()
