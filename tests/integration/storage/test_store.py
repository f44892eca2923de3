"""The store as the engine uses it: rows, cursor and counts in one transaction under the fence."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mpsyncd.model.errors import EmptySnapshot, LeaseLost
from mpsyncd.model.feed import Feed, FeedState, Lease
from mpsyncd.model.page import Page, SliceKind
from mpsyncd.model.run import FeedVerdict, Mode, RunState, Trigger
from mpsyncd.model.stream import Lane, Table
from mpsyncd.model.work import FeedOutcome, NewSlice, Work
from mpsyncd.storage.store import PostgresStore
from support.engine import ListedRows, Script, make_stream
from support.storage import FACTS, NOW, ONE, TTL, TWO, add_shop, execute, value

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mpsyncd.engine.ports import Store
    from mpsyncd.storage.pool import Database

ORDERS = make_stream(Script([]), name="orders", tables=(Table(name="wb.orders", key=("srid",)),))
CARDS = make_stream(Script([]), name="cards", tables=(Table(name="wb.cards", key=("nm_id",)),), walk=timedelta(days=1))
EXPIRE = "UPDATE mpsync.leases SET expires_at = now() - interval '1 second'"
COUNTED = "SELECT (pages, seen, inserted, updated)::text FROM mpsync.run_feeds"


@dataclass
class Posted:
    """A store with one shop, one feed of it under a lease, and a run."""

    store: PostgresStore
    pool: Database
    lease: Lease
    feed: Feed
    run_id: int
    stream: Any

    async def open(self, *new: NewSlice) -> Work:
        """Write slices down and return the work on the first that is open."""
        part = (await self.store.add_slices(self.lease, self.feed, self.run_id, new, NOW))[0]
        return Work(lease=self.lease, run_id=self.run_id, feed=self.feed, stream=self.stream, open_slice=part)


async def posted(pool: Database, stream: Any, lane: Lane = Lane.LIVE) -> Posted:
    store = PostgresStore(pool, facts=FACTS, streams=[ORDERS, CARDS])
    shop = await add_shop(pool)
    [lease] = await store.hold(ONE, TTL)
    await store.plan_feeds(shop, [(stream.name, lane)], NOW)
    [feed] = await store.feeds(shop.shop_id)
    run_id = await store.open_run(
        lease, shop_id=shop.shop_id, trigger=Trigger.SCHEDULE, mode=Mode.INCREMENTAL, feeds=[feed], request_id=None, now=NOW
    )
    return Posted(store=store, pool=pool, lease=lease, feed=feed, run_id=run_id, stream=stream)


def page(*rows: dict[str, Any], **changes: Any) -> Page:
    return Page(**{"rows": ListedRows(list(rows)), "cursor": {"n": 1}, "last": False, "asked_at": NOW, **changes})


def orders(*srids: str) -> tuple[dict[str, Any], ...]:
    return tuple({"srid": srid, "brand": "Flax"} for srid in srids)


def test_the_store_fills_the_engines_port(pool: Database) -> None:
    store: Store = PostgresStore(pool, facts=FACTS, streams=[ORDERS])
    assert store is not None


async def test_rows_cursor_and_counts_are_committed_together(pool: Database) -> None:
    at = await posted(pool, ORDERS)
    work = await at.open(NewSlice(kind=SliceKind.SINCE, start=NOW - timedelta(hours=1)))
    done = await at.store.commit(work, page(*orders("a", "b")))
    assert (done.seen, done.inserted) == (2, 2)
    [part] = await at.store.open_slices(at.feed)
    assert (part.slice.cursor, part.walked) == ({"n": 1}, False)
    assert (await at.store.feed(at.feed.feed_id)).cursor is None
    done = await at.store.commit(work, page(*orders("b", "c"), cursor={"n": 2}, last=True, until=NOW))
    assert (done.inserted, done.unchanged) == (1, 1)
    assert await at.store.open_slices(at.feed) == []
    feed = await at.store.feed(at.feed.feed_id)
    assert (feed.cursor, feed.complete_until) == ({"n": 2}, NOW)
    assert await value(pool, COUNTED) == "(2,4,3,0)"
    assert await value(pool, "SELECT count(*) FROM wb.orders WHERE shop_id = $1", at.feed.shop_id) == 3


@dataclass
class Breaking(ListedRows):
    """Rows whose second piece can not be read."""

    async def pieces(self) -> AsyncIterator[list[dict[str, Any]]]:
        yield self.rows
        raise RuntimeError("cut")


@dataclass
class Slow(ListedRows):
    """Rows whose second piece takes its time."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    free: asyncio.Event = field(default_factory=asyncio.Event)

    async def pieces(self) -> AsyncIterator[list[dict[str, Any]]]:
        yield self.rows
        self.begun.set()
        await self.free.wait()


async def test_a_page_that_waits_for_another_lane_holds_no_connection(pool: Database) -> None:
    """However long a large page takes: a wait inside the database would end, and the page would be fetched again."""
    at = await posted(pool, ORDERS)
    work = await at.open(NewSlice(kind=SliceKind.SINCE, start=NOW - timedelta(hours=1)))
    rows = Slow(list(orders("a")))
    first = asyncio.create_task(at.store.commit(work, page(rows=rows)))
    await rows.begun.wait()
    second = asyncio.create_task(at.store.commit(work, page(*orders("b"))))
    for _ in range(20):
        await value(pool, "SELECT 1")
    assert not second.done()
    here = "datname = current_database()"
    assert await value(pool, f"SELECT count(*) FROM pg_stat_activity WHERE {here} AND state = 'idle in transaction'") == 1
    assert await value(pool, f"SELECT count(*) FROM pg_stat_activity WHERE {here} AND wait_event_type = 'Lock'") == 0
    rows.free.set()
    assert [done.inserted for done in await asyncio.gather(first, second)] == [1, 1]


async def test_nothing_of_a_page_stays_when_it_breaks(pool: Database) -> None:
    at = await posted(pool, ORDERS)
    work = await at.open(NewSlice(kind=SliceKind.SINCE, start=NOW))
    with pytest.raises(RuntimeError, match="cut"):
        await at.store.commit(work, page(rows=Breaking(list(orders("a")))))
    assert await value(pool, "SELECT count(*) FROM wb.orders") == 0
    assert (await at.store.open_slices(at.feed))[0].slice.cursor is None
    assert await value(pool, COUNTED) == "(0,0,0,0)"


async def test_a_commit_after_a_takeover_is_lost_with_all_its_rows(pool: Database) -> None:
    at = await posted(pool, ORDERS)
    work = await at.open(NewSlice(kind=SliceKind.SINCE, start=NOW))
    await execute(pool, EXPIRE)
    [taken] = await at.store.hold(TWO, TTL)
    outcome = FeedOutcome(state=FeedState.OK, verdict=FeedVerdict.OK, next_due_at=NOW)
    for act in (
        at.store.commit(work, page(*orders("a"))),
        at.store.settle(at.lease, at.run_id, at.feed, outcome, NOW),
        at.store.drop_slices(at.lease, at.feed),
        at.store.add_slices(at.lease, at.feed, at.run_id, [NewSlice(kind=SliceKind.WALK)], NOW),
        at.store.sweep(work, share=0.5),
    ):
        with pytest.raises(LeaseLost):
            await act
    assert await value(pool, "SELECT count(*) FROM wb.orders") == 0
    # The new holder goes on where the old one stopped.
    [part] = await at.store.open_slices(at.feed)
    await at.store.commit(replace(work, lease=taken, open_slice=part), page(*orders("a")))
    assert await value(pool, "SELECT count(*) FROM wb.orders") == 1
    assert await at.store.close_run(at.run_id, NOW) is RunState.INTERRUPTED


async def test_feeds_of_one_group_commit_side_by_side_while_the_lease_is_renewed(pool: Database) -> None:
    at = await posted(pool, ORDERS)
    work = await at.open(NewSlice(kind=SliceKind.SINCE, start=NOW))
    reading, release = asyncio.Event(), asyncio.Event()

    @dataclass
    class Slow(ListedRows):
        async def pieces(self) -> AsyncIterator[list[dict[str, Any]]]:
            reading.set()
            await release.wait()
            yield self.rows

    slow = asyncio.create_task(at.store.commit(work, page(rows=Slow(list(orders("a"))))))
    await reading.wait()
    assert len(await at.store.hold(ONE, TTL)) == 1
    await at.store.run_waits(at.run_id, "x", NOW)
    shop = at.feed.shop_id
    await at.store.settle(at.lease, at.run_id, at.feed, FeedOutcome(state=FeedState.OK, verdict=None, next_due_at=NOW), NOW)
    release.set()
    assert (await slow).inserted == 1
    assert await value(pool, "SELECT count(*) FROM wb.orders WHERE shop_id = $1", shop) == 1


async def test_a_walk_is_read_then_swept(pool: Database) -> None:
    at = await posted(pool, CARDS)
    work = await at.open(NewSlice(kind=SliceKind.WALK))
    await at.store.commit(work, page({"nmID": 1}, {"nmID": 2}, last=True))
    [walked] = await at.store.open_slices(at.feed)
    assert walked.walked
    await at.store.sweep(replace(work, open_slice=walked), share=0.5)
    assert await at.store.open_slices(at.feed) == []
    assert (await at.store.feed(at.feed.feed_id)).last_walk_at == NOW
    with pytest.raises(LeaseLost):
        await at.store.sweep(replace(work, open_slice=walked), share=0.5)


async def test_a_refused_sweep_leaves_the_walk_as_it_was(pool: Database) -> None:
    at = await posted(pool, CARDS)
    work = await at.open(NewSlice(kind=SliceKind.WALK))
    await at.store.commit(work, page({"nmID": 1}, last=True))
    await at.store.sweep(work, share=0.5)
    empty = (await at.store.add_slices(at.lease, at.feed, at.run_id, [NewSlice(kind=SliceKind.WALK)], NOW + timedelta(days=1)))[0]
    again = replace(work, open_slice=empty)
    await at.store.commit(again, page(last=True, asked_at=NOW + timedelta(days=1)))
    with pytest.raises(EmptySnapshot):
        await at.store.sweep(again, share=0.5)
    [walked] = await at.store.open_slices(at.feed)
    assert walked.walked
    assert await value(pool, "SELECT count(*) FROM wb.cards WHERE deleted_at IS NULL") == 1
    assert (await at.store.sweep(replace(again, force=True), share=0.5)).tombstoned == 1


async def test_a_stopped_daemon_gives_everything_back(pool: Database) -> None:
    at = await posted(pool, ORDERS)
    await at.store.release(ONE)
    assert [lease.fence for lease in await at.store.hold(TWO, TTL)] == [at.lease.fence + 1]
    assert await at.store.shops(ONE) == []
    [(shop, lease)] = await at.store.shops(TWO)
    assert (shop.name, lease.holder) == ("north", TWO)
