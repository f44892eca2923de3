"""Which shops this daemon works, and which of their feeds begin a run now.

Holds the leases, follows the shop list, takes requests, starts and ends runs. Everything that must survive is in the database; what is here
is only who is busy with what.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from mpsyncd.engine.planning import kept, plan_feed
from mpsyncd.engine.runner import Run, perform
from mpsyncd.model.errors import LeaseLost, StorageUnavailable
from mpsyncd.model.run import Mode, RunState, Trigger
from mpsyncd.model.shop import ShopStatus
from mpsyncd.model.stream import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta, tzinfo
    from uuid import UUID

    from mpsyncd.engine.runner import Tools
    from mpsyncd.model.feed import Feed, Lease
    from mpsyncd.model.plan import Planned
    from mpsyncd.model.run import RunRequest
    from mpsyncd.model.shop import Shop
    from mpsyncd.model.stream import Stream

log = structlog.get_logger(__name__)

_STOP_WITHIN, _RELEASE_WITHIN = 6.0, 2.0
"""Seconds that a stop waits for commits in hand, and for the database to take the leases back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """Where this daemon stands: its id, how long its leases live, and of every source its streams and the zone of its calendar."""

    daemon: UUID
    lease_ttl: timedelta
    streams: Mapping[str, Mapping[str, Stream]]
    zones: Mapping[str, tzinfo]


class Dispatcher:
    """One per daemon; `tick` is called by the clock and by nudges, one call at a time."""

    def __init__(self, posting: Posting, tools: Tools, *, nudge: Callable[[], None]) -> None:
        self._posting = posting
        self._tools = tools
        self._nudge = nudge
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._runs: dict[asyncio.Task[None], tuple[Run, frozenset[int]]] = {}
        self._planned: set[int] = set()
        self._held_at: datetime | None = None
        self._stopping = False
        self._left_open: frozenset[int] = frozenset()
        self.storage_error: str | None = None
        self.ticked_at: datetime | None = None
        self.due_at: datetime | None = None

    def notice(self) -> None:
        """Something changed outside (a shop came, a daemon went): the next tick looks for groups to take, however short ago it looked."""
        self._held_at = None

    def retune(self, *, sweep_share: float) -> None:
        """Runs that begin from now on believe a walk that would remove so much."""
        self._tools = replace(self._tools, sweep_share=sweep_share)

    async def tick(self) -> datetime | None:
        """Do all that is due; return when the next thing will be. Never raises for a database that is away."""
        if self._stopping:
            return None
        try:
            due = await self._tick()
        except StorageUnavailable as error:
            if self.storage_error is None:
                log.warning("storage_unavailable", error=str(error))
            self.storage_error = str(error)
            due = None
        else:
            if self.storage_error is not None:
                log.info("storage_returned")
            self.storage_error = None
        self.ticked_at = self._tools.clock.now()
        self.due_at = due
        return due

    async def _tick(self) -> datetime | None:
        tools, daemon = self._tools, self._posting.daemon
        await self._hold()
        requests = await tools.store.take_requests(daemon)
        shops = await tools.store.shops(daemon)
        await self._follow(shops)
        await self._serve(requests, shops)
        now = tools.clock.now()
        busy = self._busy()
        for due in await tools.store.due(daemon, now):
            feeds = tuple(feed for feed in due.feeds if feed.feed_id not in busy and self._stream(due.shop, feed) is not None)
            if feeds:
                trigger = Trigger.ONBOARDING if due.shop.status is ShopStatus.SYNCING else Trigger.SCHEDULE
                await self._start(due.shop, due.lease, feeds, trigger=trigger)
        return await tools.store.next_due(daemon, now)

    async def _hold(self) -> None:
        """Renew early enough that one missed beat loses nothing."""
        now = self._tools.clock.now()
        if self._held_at is None or now - self._held_at >= self._posting.lease_ttl / 3 - self._posting.lease_ttl / 100:
            self._held_at = now  # before the wait: a notice that comes meanwhile must not be forgotten
            try:
                await self._tools.store.hold(self._posting.daemon, self._posting.lease_ttl)
            except StorageUnavailable:
                self._held_at = None
                raise

    async def _follow(self, shops: Sequence[tuple[Shop, Lease]]) -> None:
        """End the runs of shops that are no longer ours to work, of cancelled runs, and write down the feeds of new shops."""
        ours = {shop.shop_id for shop, _ in shops}
        cancelled = await self._tools.store.cancelled(self._posting.daemon) if self._runs else frozenset()
        for task, (run, _) in tuple(self._runs.items()):
            # Once: a second cancellation would hit the writing down of the run's end.
            if (run.shop.shop_id not in ours or run.run_id in cancelled) and not task.cancelling():
                task.cancel("shop or run was stopped")
        for shop, _ in shops:
            if shop.shop_id not in self._planned:
                pairs = [(stream.name, lane) for stream in self._streams(shop).values() for lane in stream.lanes]
                await self._tools.store.plan_feeds(shop, pairs, self._tools.clock.now())
                self._planned.add(shop.shop_id)
        self._planned &= ours

    async def _serve(self, requests: Sequence[RunRequest], shops: Sequence[tuple[Shop, Lease]]) -> None:
        by_id = {shop.shop_id: (shop, lease) for shop, lease in shops}
        for request in requests:
            if request.shop_id not in by_id:
                log.warning("request_dropped", request=request.request_id, shop=request.shop_id, reason="the shop was paused meanwhile")
                continue
            shop, lease = by_id[request.shop_id]
            feeds = self._wanted(request, shop, await self._tools.store.feeds(shop.shop_id))
            await self._start(shop, lease, feeds, trigger=request.trigger, request=request)

    def _wanted(self, request: RunRequest, shop: Shop, feeds: Sequence[Feed]) -> tuple[Feed, ...]:
        """A full run has every lane, a range needs one feed per stream, an incremental run leaves finished history alone."""
        wanted = self._streams(shop).keys() & set(request.streams) if request.streams else self._streams(shop).keys()
        chosen = [feed for feed in feeds if feed.stream in wanted]
        if request.start is not None:
            return tuple(feed for feed in chosen if feed.lane is Lane.LIVE)
        if request.mode in {Mode.FULL, Mode.FORCED}:
            return tuple(chosen)
        return tuple(feed for feed in chosen if feed.lane is Lane.LIVE or feed.state.unfinished)

    async def _start(
        self,
        shop: Shop,
        lease: Lease,
        feeds: tuple[Feed, ...],
        *,
        trigger: Trigger,
        request: RunRequest | None = None,
    ) -> None:
        mode = request.mode if request else Mode.INCREMENTAL
        planned = {} if request and request.start else await self._costs(shop, feeds, mode=mode)
        try:
            run_id = await self._tools.store.open_run(
                lease,
                shop_id=shop.shop_id,
                trigger=trigger,
                mode=mode,
                feeds=feeds,
                request_id=request.request_id if request else None,
                now=self._tools.clock.now(),
                planned=planned,
            )
        except LeaseLost:
            log.info("lease_lost", shop=shop.shop_id)
            return
        run = Run(
            run_id=run_id,
            shop=shop,
            lease=lease,
            mode=mode,
            streams=self._streams(shop),
            zone=self._posting.zones[shop.source],
            start=request.start if request else None,
            end=request.end if request else None,
            nudge=self._nudge,
        )
        task = asyncio.create_task(self._perform(run, feeds), name=f"run-{run_id}")
        self._runs[task] = (run, frozenset(feed.feed_id for feed in feeds))
        task.add_done_callback(self._ended)
        log.info("run_started", run=run_id, shop=shop.shop_id, trigger=trigger.value, mode=mode.value, feeds=len(feeds))

    async def _costs(self, shop: Shop, feeds: Sequence[Feed], *, mode: Mode) -> Mapping[int, Planned]:
        """What each feed that the key is able to read is planned to cost."""
        rates, known, now = self._tools.rates(shop), await self._tools.store.known_rows(shop.shop_id), self._tools.clock.now()
        streams, zone = self._streams(shop), self._posting.zones[shop.source]
        return {
            feed.feed_id: kept(plan_feed(streams[feed.stream], feed, known, mode=mode, now=now, zone=zone), rates)
            for feed in feeds
            if not shop.lacks(streams[feed.stream].capability)
        }

    async def _perform(self, run: Run, feeds: tuple[Feed, ...]) -> None:
        """Work a run; when it is cancelled, close it under its true name."""
        try:
            state = await perform(run, feeds, self._locks, self._tools)
        except asyncio.CancelledError:
            if run.run_id not in self._left_open:
                await self._close_cut(run)
            raise
        log.info("run_ended", run=run.run_id, shop=run.shop.shop_id, state=state.value if state else "lease_lost")

    async def _close_cut(self, run: Run) -> None:
        store, now = self._tools.store, self._tools.clock.now()
        try:
            by_person = run.run_id in await store.cancelled(self._posting.daemon)
            await store.close_run(run.run_id, now, RunState.CANCELLED if by_person else RunState.INTERRUPTED)
        except (StorageUnavailable, LeaseLost) as error:
            log.info("run_left_open", run=run.run_id, error=str(error))

    def _ended(self, task: asyncio.Task[None]) -> None:
        _, feeds = self._runs.pop(task)
        busy = self._busy()
        for feed_id in feeds - busy:
            self._locks.pop(feed_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("run_crashed", error=repr(error), exc_info=error)
        self._nudge()

    def _busy(self) -> frozenset[int]:
        """Feeds that are worked or wait for their turn; one with its verdict is not held back by the rest of its run."""
        return frozenset().union(*(feeds - run.over for run, feeds in self._runs.values()))

    def _stream(self, shop: Shop, feed: Feed) -> Stream | None:
        """A feed of a stream that this version does not declare is left alone."""
        return self._streams(shop).get(feed.stream)

    def _streams(self, shop: Shop) -> Mapping[str, Stream]:
        return self._posting.streams.get(shop.source, {})

    @property
    def runs(self) -> int:
        """How many runs are under way."""
        return len(self._runs)

    @property
    def shops(self) -> int:
        """How many shops are worked here."""
        return len(self._planned)

    async def stop(self) -> None:
        """Begin nothing new, let commits in hand end, drop unfinished answers, give the leases back."""
        self._stopping = True
        tasks = tuple(self._runs)
        if tasks:
            self._left_open = await self._without_cancelled({run.run_id for run, _ in self._runs.values()})
            for task in tasks:
                if not task.cancelling():
                    task.cancel("daemon is stopping")
            _, late = await asyncio.wait(tasks, timeout=_STOP_WITHIN)
            if late:  # their commits hang; when the leases are gone they can not come true any more
                log.warning("runs_left", runs=len(late))
        try:
            async with asyncio.timeout(_RELEASE_WITHIN):
                await self._tools.store.release(self._posting.daemon)
        except (StorageUnavailable, TimeoutError) as error:
            log.warning("leases_left", error=str(error) or "the database does not answer")

    async def _without_cancelled(self, run_ids: set[int]) -> frozenset[int]:
        """Runs that are closed all at once with the leases; those that a person cancelled are closed one by one, as what they are."""
        try:
            async with asyncio.timeout(_RELEASE_WITHIN):
                return frozenset(run_ids - await self._tools.store.cancelled(self._posting.daemon))
        except (StorageUnavailable, TimeoutError):
            return frozenset(run_ids)
