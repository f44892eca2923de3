"""Feeds that wait for the stream of their parents: whoever comes last, the walk or the wait, wakes the child."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from mpsyncd.model.feed import Feed, FeedState, Lease
from mpsyncd.model.page import Page, SliceKind
from mpsyncd.model.run import FeedVerdict, Mode, Trigger
from mpsyncd.model.stream import Lane, Parents, Table
from mpsyncd.model.work import FeedOutcome, NewSlice, Work
from mpsyncd.storage import feeds, history, settle, shop_status
from mpsyncd.storage.pool import Database
from mpsyncd.storage.status import overview
from mpsyncd.storage.store import PostgresStore
from support.engine import ListedRows, Script, make_stream
from support.storage import FACTS, NOW, ONE, TTL, add_shop, execute, value

HOUR = timedelta(hours=1)
CARDS = make_stream(Script([]), name="cards", tables=(Table(name="wb.cards", key=("nm_id",)),), walk=timedelta(days=1))
WORDS = make_stream(
    Script([]), name="words", tables=(Table(name="wb.orders", key=("srid",)),), parents=Parents(stream="cards", table="wb.cards")
)
OUTCOME = FeedOutcome(
    state=FeedState.PARKED,
    verdict=FeedVerdict.PARKED,
    next_due_at=NOW + 24 * HOUR,
    reason="waits for cards, which is parked: no right",
    waits_for="cards",
)
WAITS = "SELECT waits_for FROM mpsync.feeds WHERE stream = 'words'"


@dataclass
class Family:
    """A store with one shop that has feeds of parents and children in one run."""

    store: PostgresStore
    pool: Database
    lease: Lease
    run_id: int
    cards: Feed
    words: Feed

    async def walk(self) -> Work:
        """A walk of the parents that waits for its sweep."""
        new = [NewSlice(kind=SliceKind.WALK)]
        [part] = await self.store.add_slices(self.lease, self.cards, self.run_id, new, NOW)
        work = Work(lease=self.lease, run_id=self.run_id, feed=self.cards, stream=CARDS, open_slice=part)
        await self.store.commit(work, Page(rows=ListedRows([{"nmID": 1}]), cursor=None, last=True, asked_at=NOW))
        return work

    async def child(self) -> Feed:
        return await self.store.feed(self.words.feed_id)


@pytest.fixture
async def at(pool: Database) -> Family:
    store = PostgresStore(pool, facts=FACTS, streams=[CARDS, WORDS])
    shop = await add_shop(pool)
    [lease] = await store.hold(ONE, TTL)
    await store.plan_feeds(shop, [("cards", Lane.LIVE), ("words", Lane.LIVE)], NOW)
    both = await store.feeds(shop.shop_id)
    facts: dict[str, Any] = {"trigger": Trigger.SCHEDULE, "mode": Mode.INCREMENTAL, "request_id": None, "now": NOW}
    run_id = await store.open_run(lease, shop_id=shop.shop_id, feeds=both, **facts)
    return Family(store=store, pool=pool, lease=lease, run_id=run_id, cards=both[0], words=both[1])


async def test_a_walk_that_ends_frees_the_children_that_wait_for_it(at: Family) -> None:
    work = await at.walk()
    await at.store.settle(at.lease, at.run_id, at.words, OUTCOME, NOW)
    assert await value(at.pool, WAITS) == "cards"
    assert (await at.child()).state is FeedState.PARKED
    await at.store.sweep(work, share=0.5)
    child = await at.child()
    assert (child.state, child.reason) == (FeedState.PENDING, None)
    assert await value(at.pool, "SELECT next_due_at <= now() AND waits_for IS NULL FROM mpsync.feeds WHERE stream = 'words'")


async def test_a_child_that_notices_late_is_due_at_once(at: Family) -> None:
    await at.store.sweep(await at.walk(), share=0.5)
    await at.store.settle(at.lease, at.run_id, at.words, OUTCOME, NOW)
    child = await at.child()
    assert (child.state, child.next_due_at, await value(at.pool, WAITS)) == (FeedState.SNOOZED, NOW, None)


async def test_a_child_that_settles_while_the_walk_is_being_swept_sees_it(at: Family) -> None:
    async with at.pool.transaction() as connection:
        await feeds.walked(connection, at.cards.feed_id, NOW)
        settling = asyncio.create_task(at.store.settle(at.lease, at.run_id, at.words, OUTCOME, NOW))
        await _blocked(at.pool)
    await settling
    assert (await at.child()).next_due_at == NOW


async def test_a_walk_that_is_swept_while_a_child_settles_wakes_it(at: Family) -> None:
    # It waited before: its row is one that the sweep will want, too.
    await at.store.settle(at.lease, at.run_id, at.words, OUTCOME, NOW)
    work = await at.walk()
    async with at.pool.transaction() as connection:
        await settle.settle(connection, at.run_id, at.words, OUTCOME, NOW)
        sweeping = asyncio.create_task(at.store.sweep(work, share=0.5))
        await _blocked(at.pool)
    await sweeping
    assert (await at.child()).state is FeedState.PENDING
    assert await value(at.pool, WAITS) is None


_LOCKED = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())"


async def _blocked(pool: Database) -> None:
    """Return when somebody waits for a lock."""
    while not await value(
        pool, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())"
    ):
        await asyncio.sleep(0.01)


async def test_a_wait_inside_a_run_is_shown_until_the_parents_are_there(at: Family) -> None:
    await at.store.show_wait(at.lease, at.run_id, at.words, waits_for="cards")
    [shop] = (await overview(at.pool)).shops
    assert {feed.stream: feed.reason for feed in shop.feeds} == {"cards": None, "words": "waits for cards"}
    async with at.pool.connection() as connection:
        run = await history.show_run(connection, at.run_id)
    assert {feed.stream: (feed.reason, feed.progress) for feed in run.feeds} == {"cards": (None, 0.0), "words": ("waits for cards", 0.0)}
    await at.store.sweep(await at.walk(), share=0.5)
    assert await value(at.pool, "SELECT count(*) FROM mpsync.run_feeds WHERE reason IS NOT NULL") == 0
    await at.store.show_wait(at.lease, at.run_id, at.words, waits_for="cards")
    await at.store.show_wait(at.lease, at.run_id, at.words, waits_for=None)
    assert (await at.child()).reason is None


async def test_a_daemon_that_dies_while_a_child_waits_leaves_it_due_but_not_late(at: Family) -> None:
    await at.store.show_wait(at.lease, at.run_id, at.words, waits_for="cards")
    async with at.pool.connection() as connection:
        assert await feeds.late(connection, ONE, NOW + HOUR) == 1, "the parents themselves"
    [due] = await at.store.due(ONE, NOW)
    assert {feed.stream for feed in due.feeds} == {"cards", "words"}


async def test_only_children_of_the_same_shop_and_stream_are_woken(at: Family) -> None:
    other = await add_shop(at.pool, "south")
    await at.store.plan_feeds(other, [("words", Lane.LIVE), ("cards", Lane.LIVE)], NOW)
    await execute(
        at.pool, "UPDATE mpsync.feeds SET waits_for = 'cards', state = 'parked' WHERE shop_id = $1 AND stream = 'words'", other.shop_id
    )
    await execute(at.pool, "UPDATE mpsync.feeds SET waits_for = 'offers', state = 'parked' WHERE feed_id = $1", at.words.feed_id)
    await at.store.sweep(await at.walk(), share=0.5)
    assert await value(at.pool, "SELECT count(*) FROM mpsync.feeds WHERE state = 'parked'") == 2


async def test_a_shop_whose_key_is_refused_keeps_nothing_waiting(at: Family) -> None:
    await at.store.settle(at.lease, at.run_id, at.words, OUTCOME, NOW)
    refused = replace(OUTCOME, reason="expired", waits_for=None, park_shop=True)
    await at.store.settle(at.lease, at.run_id, at.cards, refused, NOW)
    async with at.pool.connection() as connection:
        await shop_status.enable(connection, at.words.shop_id)
    child = await at.child()
    assert (child.state, child.reason) == (FeedState.PENDING, None)


async def test_a_child_parked_with_its_parents_does_not_hold_the_first_load_open_and_no_percent_is_whole(at: Family) -> None:
    parked = FeedOutcome(state=FeedState.PARKED, verdict=FeedVerdict.PARKED, next_due_at=NOW, reason="no right", park_capability="content")
    await at.store.settle(at.lease, at.run_id, at.cards, parked, NOW)
    await at.store.settle(at.lease, at.run_id, at.words, OUTCOME, NOW)
    [shop] = (await overview(at.pool)).shops
    assert (shop.percent, [feed.progress for feed in shop.feeds]) == (0, [0.0, 0.0])


async def test_parents_that_are_passed_by_are_counted(at: Family) -> None:
    new = [NewSlice(kind=SliceKind.SINCE, start=NOW - HOUR)]
    [part] = await at.store.add_slices(at.lease, at.words, at.run_id, new, NOW)
    work = Work(lease=at.lease, run_id=at.run_id, feed=at.words, stream=WORDS, open_slice=part)
    for last in (False, True):
        await at.store.commit(work, Page(rows=ListedRows([]), cursor=None, last=last, asked_at=NOW, skipped=2))
    async with at.pool.connection() as connection:
        run = await history.show_run(connection, at.run_id)
    assert (run.skipped, {feed.stream: feed.skipped for feed in run.feeds}) == (4, {"cards": 0, "words": 4})
