"""One run: its feeds side by side, each to a verdict, and the verdict of the run from theirs.

A feed that must wait stays in its run and costs a timer. Every outcome is written before the next thing begins.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import structlog

from mpsyncd.engine.attempt import Attempt, unbroken
from mpsyncd.engine.judge import Patience, judge, parentless, success
from mpsyncd.engine.parents import complete, parents_feed, why_waiting, worth_waiting
from mpsyncd.engine.slicing import EVERYTHING, by_shortcut, new_slices, range_slices
from mpsyncd.model.errors import Forbidden, LeaseLost, StorageUnavailable, Transient, Unauthorized
from mpsyncd.model.feed import FeedState
from mpsyncd.model.run import Mode, RunState
from mpsyncd.model.stream import Lane
from mpsyncd.model.work import FeedOutcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime, tzinfo

    from mpsyncd.engine.activity import Activity, Stage
    from mpsyncd.engine.ports import Connect, Doctor, Pace, Rates, Store
    from mpsyncd.engine.schedule import Timetable
    from mpsyncd.model.clock import Clock
    from mpsyncd.model.feed import Feed, Lease
    from mpsyncd.model.request import Api
    from mpsyncd.model.shop import Shop
    from mpsyncd.model.stream import Stream
    from mpsyncd.model.work import Committed, OpenSlice

T = TypeVar("T")
log = structlog.get_logger(__name__)

STORAGE_RETRY = timedelta(seconds=2)
_LONG_REST = timedelta(minutes=5)
"""Children of a list that is held up no longer than this wait with it: what is new in it has children too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What every run shares."""

    store: Store
    connect: Connect
    doctor: Doctor
    pace: Pace
    rates: Rates
    timetable: Timetable
    clock: Clock
    activity: Activity
    patience: Patience
    deadline: timedelta
    sweep_share: float
    seats: asyncio.Semaphore
    """How many feeds may be read at once in this process; a waiting feed holds no seat."""


@dataclass(slots=True, kw_only=True)
class Run:
    """A run under way. `waits` holds the reason and end of each feed's current wait, by feed id. `zone` is the source's calendar.

    begun: feeds whose slices are written down. over: feeds that have their verdict: they are due again by their own time, however long
    their neighbours take. ended, rested: tell the children of a live feed's stream that it has its verdict, or at least does not move for
    long. nudge: called for each verdict.
    """

    run_id: int
    shop: Shop
    lease: Lease
    mode: Mode
    streams: Mapping[str, Stream]
    start: datetime | None = None
    end: datetime | None = None
    zone: tzinfo
    waits: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    working: set[int] = field(default_factory=set)
    begun: set[int] = field(default_factory=set)
    over: set[int] = field(default_factory=set)
    ended: dict[str, asyncio.Event] = field(default_factory=dict)
    rested: dict[str, asyncio.Event] = field(default_factory=dict)
    nudge: Callable[[], None]


async def perform(run: Run, feeds: tuple[Feed, ...], locks: Mapping[int, asyncio.Lock], tools: Tools) -> RunState | None:
    """Work the feeds of a run to their verdicts; return the run's, or None when the lease went to somebody else."""
    lost = False
    run.ended, run.rested = ({feed.stream: asyncio.Event() for feed in feeds if feed.lane is Lane.LIVE} for _ in range(2))
    try:
        async with asyncio.TaskGroup() as group:
            for feed in feeds:
                group.create_task(_guarded(run, feed, locks[feed.feed_id], tools), name=f"feed-{feed.feed_id}")
    except* LeaseLost:
        lost = True
    if lost:
        log.info("lease_lost", run=run.run_id, shop=run.shop.shop_id)
        return None
    return await _patiently(tools, lambda: tools.store.close_run(run.run_id, tools.clock.now()))


async def _guarded(run: Run, feed: Feed, lock: asyncio.Lock, tools: Tools) -> None:
    """The task boundary: whatever one feed runs into never reaches its neighbours."""
    stream = run.streams[feed.stream]
    if lock.locked():  # by another run
        _rests(run, feed)
    async with lock:
        run.working.add(feed.feed_id)
        stage = tools.activity.begin(feed_id=feed.feed_id, shop_id=feed.shop_id, run_id=run.run_id, stream=stream.name)
        try:
            with structlog.contextvars.bound_contextvars(shop=run.shop.shop_id, stream=stream.name, run=run.run_id):
                await _to_verdict(run, feed, stream, stage, tools)
        finally:
            tools.activity.end(stage)
            run.working.discard(feed.feed_id)
            run.waits.pop(feed.feed_id, None)
            run.over.add(feed.feed_id)
            if feed.lane is Lane.LIVE:
                run.ended[feed.stream].set()
            _rests(run, feed)
            run.nudge()


def _rests(run: Run, feed: Feed) -> None:
    if feed.lane is Lane.LIVE:
        run.rested[feed.stream].set()


async def _to_verdict(run: Run, feed: Feed, stream: Stream, stage: Stage, tools: Tools) -> None:
    while True:
        try:
            feed = await tools.store.feed(feed.feed_id)
            outcome = await _outcome(run, feed, stream, stage, tools)
            await unbroken(tools.store.settle(run.lease, run.run_id, feed, outcome, tools.clock.now()))
        except StorageUnavailable as error:
            log.warning("storage_unavailable", error=str(error))
            await tools.clock.sleep(STORAGE_RETRY)
            continue
        if outcome.state is not FeedState.SNOOZED or outcome.not_before is None:
            return
        await _wait(run, feed, outcome, stage, tools)


async def _wait(run: Run, feed: Feed, outcome: FeedOutcome, stage: Stage, tools: Tools) -> None:
    """Sleep until the feed may go on; the run shows why when nothing else of it moves."""
    until = outcome.not_before or outcome.next_due_at
    if until - tools.clock.now() > _LONG_REST:
        _rests(run, feed)
    run.working.discard(feed.feed_id)
    run.waits[feed.feed_id] = (outcome.reason or "", until)
    stage.reason, stage.until = outcome.reason, until
    log.info("feed_snoozed", until=until.isoformat(), reason=outcome.reason)
    await _show_wait(run, tools)
    await tools.clock.sleep(until - tools.clock.now())
    run.waits.pop(feed.feed_id, None)
    run.working.add(feed.feed_id)
    tools.activity.moved(stage)
    await _patiently(tools, lambda: tools.store.run_waits(run.run_id, None, None))


async def _show_wait(run: Run, tools: Tools) -> None:
    if run.waits and not run.working:
        reason, first = min(run.waits.values(), key=lambda wait: wait[1])
        await _patiently(tools, lambda: tools.store.run_waits(run.run_id, reason, first))


async def _parentless(run: Run, feed: Feed, stream: Stream, stage: Stage, tools: Tools) -> FeedOutcome | None:
    """Wait for what this run brings of the parents; return None when their list is there, else the outcome."""
    if stream.parents is None:
        return None
    name = stream.parents.stream
    parent = parents_feed(await tools.store.feeds(feed.shop_id), name)
    if (event := worth_waiting(run, parent, name)) is not None:
        await _wait_for_parents(run, feed, stage, tools, stream=name, event=event)
        parent = parents_feed(await tools.store.feeds(feed.shop_id), name)
    if complete(parent):
        return None
    reason = why_waiting(run, parent, name)
    log.info("feed_waits", reason=reason)
    return parentless(feed, stream=name, parent=parent, reason=reason, scheduled=_scheduled(run.shop, stream, tools))


async def _wait_for_parents(run: Run, feed: Feed, stage: Stage, tools: Tools, *, stream: str, event: asyncio.Event) -> None:
    """Wait for `event` of the live feed of `stream` in this run."""
    await tools.store.show_wait(run.lease, run.run_id, feed, waits_for=stream)
    run.working.discard(feed.feed_id)
    tools.activity.rests(stage, f"waits for {stream}")
    log.info("feed_waits", reason=stage.reason)
    await _show_wait(run, tools)
    await event.wait()
    run.working.add(feed.feed_id)
    tools.activity.moved(stage)
    await tools.store.show_wait(run.lease, run.run_id, feed, waits_for=None)


async def _outcome(run: Run, feed: Feed, stream: Stream, stage: Stage, tools: Tools) -> FeedOutcome:
    """Make one attempt and have it judged."""
    try:
        _check_right(run.shop, stream)
        if (early := await _parentless(run, feed, stream, stage, tools)) is not None:
            return early
        async with tools.seats:
            await _attempt(run, feed, stream, stage, tools)
    except (LeaseLost, StorageUnavailable):
        raise
    except Unauthorized as error:
        return await _second_opinion(run, feed, stream, error, tools)
    except Exception as error:  # noqa: BLE001 - boundary 1 of 3: one feed's bug must not stop the others
        return _judged(run, feed, stream, error, tools)
    log.info("feed_finished")
    return success(feed, scheduled=_scheduled(run.shop, stream, tools))


def _check_right(shop: Shop, stream: Stream) -> None:
    if shop.lacks(stream.capability):
        message = f"the key of shop {shop.name!r} has no right {stream.capability!r}; make a key with it and replace this one"
        raise Forbidden(message, capability=stream.capability, status=None)


async def _attempt(run: Run, feed: Feed, stream: Stream, stage: Stage, tools: Tools) -> None:
    def moved(_: Committed) -> None:
        tools.activity.moved(stage)

    def waits(reason: str | None, until: datetime | None) -> None:
        stage.reason, stage.until = reason, until

    attempt = Attempt(
        store=tools.store,
        clock=tools.clock,
        lease=run.lease,
        run_id=run.run_id,
        feed=feed,
        stream=stream,
        mode=run.mode,
        deadline=tools.deadline,
        share=tools.sweep_share,
        moved=moved,
    )
    manual = run.mode is not Mode.INCREMENTAL
    async with tools.connect(run.shop, lane=feed.lane, manual=manual, reason=waits) as api:
        shortcut = await _may_shortcut(run, feed, stream, tools)
        if not await _read(run, attempt, api, tools, shortcut=shortcut):
            await _read(run, attempt, api, tools, shortcut=False)


async def _may_shortcut(run: Run, feed: Feed, stream: Stream, tools: Tools) -> bool:
    """A shortcut that the vendor refused is tried again by a run that reads everything."""
    if stream.shortcut is None or feed.lane is not Lane.BACKFILL:
        return False
    return run.mode in EVERYTHING or not await tools.store.lacks(feed.shop_id, stream.shortcut.capability)


async def _read(run: Run, attempt: Attempt, api: Api, tools: Tools, *, shortcut: bool) -> bool:
    """Read all slices; return False when the vendor refused the shortcut by which they were planned."""
    for part in await _slices(run, attempt, tools, shortcut=shortcut):
        try:
            await attempt.read(part, api)
        except Forbidden as error:
            capability = by_shortcut(part.slice)
            if capability is None or error.capability != capability:
                raise
            log.info("shortcut_refused", capability=capability, reason=str(error))
            await tools.store.refuse_shortcut(run.lease, attempt.feed, capability=capability, reason=str(error))
            return False
    return True


async def _slices(run: Run, attempt: Attempt, tools: Tools, *, shortcut: bool) -> Sequence[OpenSlice]:
    feed, stream, now = attempt.feed, attempt.stream, tools.clock.now()
    first = feed.feed_id not in run.begun
    if run.start is not None:
        planned = range_slices(stream, start=run.start, end=run.end or now) if first else ()
    else:
        if first and run.mode in EVERYTHING:
            await tools.store.drop_slices(run.lease, feed)
        planned = new_slices(stream, feed, mode=run.mode, now=now, zone=run.zone, shortcut=shortcut)
    found = await attempt.slices(planned, besides=run.start is not None)
    run.begun.add(feed.feed_id)
    return found


async def _second_opinion(run: Run, feed: Feed, stream: Stream, error: Unauthorized, tools: Tools) -> FeedOutcome:
    """A shop is parked only when the vendor refuses its key a second time, on the cheapest request there is."""
    refusal = await tools.doctor(run.shop)
    if refusal is None:
        doubt = Transient(f"refused once ({error}), but the key works; tried again", status=error.status, request_id=error.request_id)
        return _judged(run, feed, stream, doubt, tools)
    return _judged(run, feed, stream, error, tools)


def _judged(run: Run, feed: Feed, stream: Stream, error: Exception, tools: Tools) -> FeedOutcome:
    now = tools.clock.now()
    scheduled = _scheduled(run.shop, stream, tools)
    outcome = judge(error, feed, now=now, scheduled=scheduled, patience=tools.patience)
    if outcome.state is FeedState.FAILED:
        level = log.warning if feed.attempts == 0 else log.debug
        level("feed_failed", error=str(error), error_class=type(error).__name__, attempts=outcome.attempts, exc_info=_bug(error))
    elif outcome.state is FeedState.PARKED:
        log.warning("feed_parked", reason=outcome.reason)
    return outcome


def _bug(error: Exception) -> Exception | None:
    """Errors that nobody raised on purpose are logged with their traceback."""
    return None if type(error).__module__.startswith("mpsyncd.") else error


def _scheduled(shop: Shop, stream: Stream, tools: Tools) -> datetime:
    """Never sooner than the limits allow, or a slow key's feeds would be late for ever."""
    return tools.timetable.next_after(stream.schedule, tools.clock.now(), at_least=tools.pace(shop, stream))


async def _patiently(tools: Tools, act: Callable[[], Awaitable[T]]) -> T:
    """Repeat a small write until the database takes it."""
    while True:
        try:
            return await act()
        except StorageUnavailable:
            await tools.clock.sleep(STORAGE_RETRY)
