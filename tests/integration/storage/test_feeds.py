"""What is due, what a closed slice moves, and what an outcome changes: feed, run, parks, status."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from mpsyncd.model.errors import LeaseLost, NotThere
from mpsyncd.model.feed import FeedState
from mpsyncd.model.page import Page, SliceKind
from mpsyncd.model.run import FeedVerdict
from mpsyncd.model.shop import CapabilityState, Shop, ShopStatus
from mpsyncd.model.stream import Lane
from mpsyncd.model.work import Committed, FeedOutcome, NewSlice, Work
from mpsyncd.storage import feeds, settle, shops, slices
from mpsyncd.storage.pool import Database
from support.engine import ListedRows, Script, make_stream
from support.storage import NOW, ONE, TWO, add_shop, execute, hold, open_run, plan, value

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def outcome(state: FeedState, verdict: FeedVerdict | None = None, **changes: Any) -> FeedOutcome:
    return FeedOutcome(**{"state": state, "verdict": verdict, "next_due_at": NOW + HOUR, **changes})


OK = outcome(FeedState.OK, FeedVerdict.OK)
DONE = outcome(FeedState.DONE, FeedVerdict.OK)


async def apply(pool: Database, run_id: int, feed: Any, result: FeedOutcome) -> Any:
    async with pool.transaction() as connection:
        await settle.settle(connection, run_id, feed, result, NOW)
        return await feeds.get(connection, feed.feed_id)


async def status(pool: Database, shop: Shop) -> ShopStatus:
    async with pool.connection() as connection:
        return (await shops.get(connection, shop.shop_id)).status


async def test_feeds_are_planned_once(pool: Database) -> None:
    shop = await add_shop(pool)
    first = await plan(pool, shop, ("orders", Lane.LIVE))
    both = await plan(pool, shop, ("orders", Lane.LIVE), ("orders", Lane.BACKFILL))
    assert [(feed.stream, feed.lane) for feed in both] == [("orders", Lane.LIVE), ("orders", Lane.BACKFILL)]
    assert both[0] == first[0]
    async with pool.connection() as connection:
        await feeds.plan(connection, 99, [("orders", Lane.LIVE)], NOW)
        with pytest.raises(NotThere):
            await feeds.get(connection, 99)


async def test_due_are_feeds_of_held_working_shops_whose_time_has_come(pool: Database) -> None:
    north, south = await add_shop(pool, "north"), await add_shop(pool, "south")
    live, history, later = await plan(pool, north, ("orders", Lane.LIVE), ("orders", Lane.BACKFILL), ("cards", Lane.LIVE))
    await plan(pool, south, ("orders", Lane.LIVE))
    await execute(pool, "UPDATE mpsync.feeds SET next_due_at = $2 WHERE feed_id = $1", later.feed_id, NOW + HOUR)
    async with pool.connection() as connection:
        assert await feeds.due(connection, ONE, NOW) == []
        await hold(pool, ONE)
        await execute(pool, "UPDATE mpsync.shops SET paused = true WHERE shop_id = $1", south.shop_id)
        [due] = await feeds.due(connection, ONE, NOW)
        assert due.shop.shop_id == north.shop_id
        assert due.lease.holder == ONE
        assert [feed.feed_id for feed in due.feeds] == [live.feed_id, history.feed_id]
        assert await feeds.due(connection, TWO, NOW) == []
        assert await feeds.next_due(connection, ONE, NOW) == NOW + HOUR
        await execute(pool, "UPDATE mpsync.feeds SET not_before = $2 WHERE feed_id = $1", live.feed_id, NOW + HOUR / 2)
        await execute(pool, "UPDATE mpsync.feeds SET state = 'done' WHERE feed_id = $1", history.feed_id)
        assert await feeds.due(connection, ONE, NOW) == []
        assert await feeds.next_due(connection, ONE, NOW) == NOW + HOUR / 2
        assert [shop.name for shop, _ in await feeds.held_shops(connection, ONE)] == ["north"]


async def test_late_are_live_feeds_that_were_due_for_long(pool: Database) -> None:
    shop = await add_shop(pool)
    await hold(pool)
    late, waiting, _ = await plan(pool, shop, ("a", Lane.LIVE), ("b", Lane.LIVE), ("c", Lane.BACKFILL))
    async with pool.connection() as connection:
        assert await feeds.late(connection, ONE, NOW) == 0
        assert await feeds.late(connection, ONE, NOW + HOUR) == 2
        assert await feeds.late(connection, TWO, NOW + HOUR) == 0
    await execute(pool, "UPDATE mpsync.feeds SET not_before = $2 WHERE feed_id = $1", waiting.feed_id, NOW + 2 * HOUR)
    async with pool.connection() as connection:
        assert await feeds.late(connection, ONE, NOW + HOUR) == 1
    await execute(pool, "UPDATE mpsync.feeds SET state = 'parked' WHERE feed_id = $1", late.feed_id)
    async with pool.connection() as connection:
        assert await feeds.late(connection, ONE, NOW + HOUR) == 0


async def test_a_nudge_makes_a_feed_due(pool: Database) -> None:
    shop = await add_shop(pool)
    await plan(pool, shop, ("orders", Lane.LIVE))
    await execute(pool, "UPDATE mpsync.feeds SET next_due_at = 'infinity'")
    async with pool.connection() as connection:
        await feeds.nudge(connection, shop.shop_id, ["orders"])
    assert await value(pool, "SELECT next_due_at <= now() FROM mpsync.feeds")


async def closed(pool: Database, feed: Any, new: NewSlice, **page: Any) -> Any:
    """Write a slice down, read it to its end with one page, return the feed."""
    run_id = await open_run(pool, await _shop_of(pool, feed), feed)
    async with pool.transaction() as connection:
        *_, part = await slices.add(connection, feed.feed_id, run_id, [new], NOW)
        told = Page(**{"rows": ListedRows([]), "cursor": None, "last": True, "asked_at": NOW, **page})
        await feeds.slice_closed(connection, feed.feed_id, part.slice, cursor=told.cursor, until=told.until)
        return await feeds.get(connection, feed.feed_id)


async def _shop_of(pool: Database, feed: Any) -> Shop:
    async with pool.connection() as connection:
        return await shops.get(connection, feed.shop_id)


async def test_what_is_new_moves_the_end_forwards_and_never_back(pool: Database) -> None:
    [feed] = await plan(pool, await add_shop(pool), ("orders", Lane.LIVE))
    new = NewSlice(kind=SliceKind.SINCE, start=NOW - HOUR)
    moved = await closed(pool, feed, new, cursor={"n": 1}, until=NOW)
    assert (moved.cursor, moved.complete_from, moved.complete_until) == ({"n": 1}, NOW - HOUR, NOW)
    moved = await closed(pool, feed, new, until=NOW - DAY)
    assert (moved.cursor, moved.complete_until) == ({"n": 1}, NOW)


async def test_windows_extend_the_beginning_downwards(pool: Database) -> None:
    [feed] = await plan(pool, await add_shop(pool), ("orders", Lane.BACKFILL))
    await closed(pool, feed, NewSlice(kind=SliceKind.WINDOW, start=NOW - DAY, end=NOW))
    moved = await closed(pool, feed, NewSlice(kind=SliceKind.WINDOW, start=NOW - 2 * DAY, end=NOW - DAY))
    assert (moved.complete_from, moved.complete_until) == (NOW - 2 * DAY, NOW)


async def test_a_window_apart_never_claims_what_lies_between(pool: Database) -> None:
    [feed] = await plan(pool, await add_shop(pool), ("orders", Lane.BACKFILL))
    await closed(pool, feed, NewSlice(kind=SliceKind.WINDOW, start=NOW - 9 * DAY, end=NOW - 8 * DAY))
    moved = await closed(pool, feed, NewSlice(kind=SliceKind.WINDOW, start=NOW - DAY, end=NOW))
    assert (moved.complete_from, moved.complete_until) == (NOW - DAY, NOW)


async def test_a_manual_range_moves_nothing(pool: Database) -> None:
    [feed] = await plan(pool, await add_shop(pool), ("orders", Lane.LIVE))
    window = NewSlice(kind=SliceKind.WINDOW, start=NOW - DAY, end=NOW, key={"manual": True})
    moved = await closed(pool, feed, window, cursor={"n": 1}, until=NOW)
    assert (moved.cursor, moved.complete_from, moved.complete_until) == (None, None, None)


async def test_slices_keep_their_order_cursor_and_state(pool: Database) -> None:
    shop = await add_shop(pool)
    [feed] = await plan(pool, shop, ("orders", Lane.BACKFILL))
    run_id = await open_run(pool, shop, feed)
    [lease] = await hold(pool)
    windows = [NewSlice(kind=SliceKind.WINDOW, start=NOW - n * DAY, end=NOW - (n - 1) * DAY, key={"n": n}) for n in (1, 2)]
    async with pool.transaction() as connection:
        first, second = await slices.add(connection, feed.feed_id, run_id, windows, NOW)
        assert (first.slice.key, second.slice.start, first.walk_id, first.slice.now) == ({"n": 1}, NOW - 2 * DAY, None, NOW)
        work = Work(lease=lease, run_id=run_id, feed=feed, stream=make_stream(Script([])), open_slice=first)
        page = Page(rows=ListedRows([]), cursor={"at": 5}, last=False, asked_at=NOW, until=NOW - HOUR)
        await slices.advance(connection, work, page, Committed(seen=3))
        left = await slices.open_slices(connection, feed.feed_id)
        assert [part.slice.cursor for part in left] == [{"at": 5}, None]
        last = Page(rows=ListedRows([]), cursor=None, last=True, asked_at=NOW)
        await slices.advance(connection, work, last, Committed(seen=1))
        assert [part.slice.slice_id for part in await slices.open_slices(connection, feed.feed_id)] == [second.slice.slice_id]
        with pytest.raises(LeaseLost):
            await slices.advance(connection, work, last, Committed())
        await slices.drop(connection, feed.feed_id)
        assert await slices.open_slices(connection, feed.feed_id) == []
    assert await value(pool, "SELECT rows FROM mpsync.slices WHERE state = 'done'") == 4


async def test_a_walk_waits_for_its_sweep(pool: Database) -> None:
    shop = await add_shop(pool)
    [feed] = await plan(pool, shop, ("cards", Lane.LIVE))
    run_id = await open_run(pool, shop, feed)
    [lease] = await hold(pool)
    async with pool.transaction() as connection:
        [walk] = await slices.add(connection, feed.feed_id, run_id, [NewSlice(kind=SliceKind.WALK)], NOW - HOUR)
        assert walk.walk_id is not None
        assert await slices.walked(connection, walk.walk_id) is None
        work = Work(lease=lease, run_id=run_id, feed=feed, stream=make_stream(Script([])), open_slice=walk)
        await slices.advance(connection, work, Page(rows=ListedRows([]), cursor=None, last=True, asked_at=NOW), Committed())
        [walked] = await slices.open_slices(connection, feed.feed_id)
        assert walked.walked
        waiting = await slices.walked(connection, walk.walk_id)
        assert waiting is not None
        assert waiting.started_at == NOW - HOUR
        await slices.swept(connection, walk.slice.slice_id)
        await feeds.walked(connection, feed.feed_id, NOW - HOUR)
        assert await slices.open_slices(connection, feed.feed_id) == []
        assert (await feeds.get(connection, feed.feed_id)).last_walk_at == NOW - HOUR
    assert await value(pool, "SELECT last_full_at IS NOT NULL FROM mpsync.feeds")


async def test_success_clears_the_error_and_a_snooze_keeps_it(pool: Database) -> None:
    shop = await add_shop(pool)
    [feed] = await plan(pool, shop, ("orders", Lane.LIVE))
    run_id = await open_run(pool, shop, feed)
    failed = outcome(FeedState.FAILED, FeedVerdict.FAILED, attempts=2, reason="500", error={"class": "Transient"})
    assert (await apply(pool, run_id, feed, failed)).attempts == 2
    await apply(pool, run_id, feed, outcome(FeedState.SNOOZED, not_before=NOW + HOUR, reason="429"))
    assert await value(pool, "SELECT error ->> 'class' FROM mpsync.feeds") == "Transient"
    assert await value(pool, "SELECT verdict IS NULL AND reason = '429' AND ended_at IS NULL FROM mpsync.run_feeds")
    settled = await apply(pool, run_id, feed, OK)
    assert (settled.state, settled.attempts, settled.not_before, settled.reason) == (FeedState.OK, 0, None, None)
    assert await value(pool, "SELECT error IS NULL AND last_success_at = $1 FROM mpsync.feeds", NOW)
    assert await value(pool, "SELECT verdict = 'ok' AND ended_at = $1 FROM mpsync.run_feeds", NOW)


async def test_a_shop_is_active_once_all_is_loaded(pool: Database) -> None:
    shop = await add_shop(pool)
    live, history, parked = await plan(pool, shop, ("orders", Lane.LIVE), ("orders", Lane.BACKFILL), ("prices", Lane.LIVE))
    run_id = await open_run(pool, shop, live, history, parked)
    await apply(pool, run_id, parked, outcome(FeedState.PARKED, FeedVerdict.PARKED, park_capability="prices", reason="no right"))
    await apply(pool, run_id, live, OK)
    assert await status(pool, shop) is ShopStatus.SYNCING
    await apply(pool, run_id, history, DONE)
    assert await status(pool, shop) is ShopStatus.ACTIVE


async def test_a_shop_whose_feeds_are_all_parked_is_not_active(pool: Database) -> None:
    shop = await add_shop(pool)
    [feed] = await plan(pool, shop, ("prices", Lane.LIVE))
    run_id = await open_run(pool, shop, feed)
    await apply(pool, run_id, feed, outcome(FeedState.PARKED, FeedVerdict.PARKED, park_capability="prices", reason="no right"))
    assert await status(pool, shop) is ShopStatus.SYNCING
    async with pool.connection() as connection:
        assert await shops.capabilities(connection, shop.shop_id) == {"prices": (CapabilityState.MISSING, "no right")}


async def test_feeds_that_are_refused_at_the_same_moment_do_not_wait_for_each_other_in_a_circle(pool: Database) -> None:
    shop = await add_shop(pool, "north")
    planned = await plan(pool, shop, *((f"stream-{number}", Lane.LIVE) for number in range(8)))
    run_id = await open_run(pool, shop, *planned)
    refused = outcome(FeedState.PARKED, FeedVerdict.PARKED, park_shop=True, reason="401: token withdrawn", error={"class": "Unauthorized"})
    settled = await asyncio.gather(*(apply(pool, run_id, feed, refused) for feed in planned))
    assert {feed.state for feed in settled} == {FeedState.PARKED}


async def test_a_refused_key_parks_the_whole_shop_and_nobody_elses(pool: Database) -> None:
    shop, other = await add_shop(pool, "north"), await add_shop(pool, "south")
    live, cards, history = await plan(pool, shop, ("orders", Lane.LIVE), ("cards", Lane.LIVE), ("orders", Lane.BACKFILL))
    [elsewhere] = await plan(pool, other, ("orders", Lane.LIVE))
    run_id = await open_run(pool, shop, live, cards, history)
    await apply(pool, run_id, history, DONE)
    refused = outcome(FeedState.PARKED, FeedVerdict.PARKED, park_shop=True, reason="401: token withdrawn", error={"class": "Unauthorized"})
    await apply(pool, run_id, live, refused)
    assert await status(pool, shop) is ShopStatus.DISABLED
    assert await value(pool, "SELECT status_message FROM mpsync.shops WHERE shop_id = $1", shop.shop_id) == "401: token withdrawn"
    states = {feed.feed_id: feed.state for one in (shop, other) for feed in await plan(pool, one)}
    assert states == {
        live.feed_id: FeedState.PARKED,
        cards.feed_id: FeedState.PARKED,
        history.feed_id: FeedState.DONE,
        elsewhere.feed_id: FeedState.PENDING,
    }
