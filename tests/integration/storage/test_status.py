"""What people see: overview, runs, tables, rejected rows, events, and the views for older programs."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from mpsyncd.model.errors import NotThere
from mpsyncd.model.feed import FeedState
from mpsyncd.model.page import SliceKind
from mpsyncd.model.run import RunState, Trigger
from mpsyncd.model.shop import CapabilityState, ShopStatus
from mpsyncd.model.source import Source
from mpsyncd.model.stream import Lane, Stream, Table, Write
from mpsyncd.model.work import Committed, NewSlice
from mpsyncd.storage import coverage, events, history, rejected, runs, slices
from mpsyncd.storage.migrate import register_streams
from mpsyncd.storage.pool import Database
from mpsyncd.storage.status import overview
from support.engine import Script
from support.marks import both_majors
from support.storage import NOW, ONE, add_shop, execute, hold, open_run, plan

DAY = timedelta(days=1)


def source(*streams: Stream) -> Source:
    unused: dict[str, Any] = dict.fromkeys(("hosts", "secrets", "identify", "rates", "authorize", "classify", "probes", "pipeline", "zone"))
    return Source(name="wildberries", streams=streams, **unused)


def stream(name: str, *tables: Table, day: str | None = None) -> Stream:
    return Stream(name=name, tables=tables, read=Script([]).read, schedule="daily", day=day)


ORDERS = stream("orders", Table(name="wb.orders", key=("srid",)), day="date")
CARDS = stream("cards", Table(name="wb.cards", key=("nm_id",)), Table(name="wb.card_sizes", key=("nm_id", "chrt_id"), part_of="wb.cards"))
STOCKS = stream("stocks", Table(name="wb.stocks", key=("nm_id",), write=Write.SNAPSHOT))


async def register(pool: Database, *streams: Stream) -> None:
    async with pool.connection() as connection:
        await register_streams(connection, [source(*streams)])


async def order(pool: Database, shop_id: int, srid: str, day: datetime) -> None:
    await execute(
        pool,
        "INSERT INTO wb.orders (shop_id, srid, date, row_hash, first_seen_at, synced_at) VALUES ($1, $2, $3, '', now(), now())",
        shop_id,
        srid,
        day,
    )


async def test_streams_are_registered_and_never_forgotten(pool: Database) -> None:
    await register(pool, ORDERS, STOCKS)
    await register(pool, ORDERS, CARDS)
    async with pool.connection() as connection:
        rows = await connection.fetch("SELECT table_name, main, day, declared FROM mpsync.stream_tables ORDER BY table_name")
    assert [tuple(row) for row in rows] == [
        ("wb.card_sizes", False, None, True),
        ("wb.cards", True, None, True),
        ("wb.orders", True, "date", True),
        ("wb.stocks", True, None, False),
        ("wb.stocks_history", False, None, False),
    ]


async def test_the_overview_of_nothing_is_empty(pool: Database) -> None:
    seen = await overview(pool)
    assert (seen.shops, seen.daemons) == ((), ())


async def test_an_overview_shows_everything_of_a_shop(pool: Database) -> None:
    await register(pool, ORDERS, CARDS)
    shop = await add_shop(pool, capabilities={"prices": (CapabilityState.MISSING, "no right")})
    await add_shop(pool, "south")
    await hold(pool)
    live, history_feed = await plan(pool, shop, ("orders", Lane.LIVE), ("orders", Lane.BACKFILL))
    run_id = await open_run(pool, shop, live, history_feed)
    await execute(pool, "UPDATE mpsync.feeds SET last_success_at = now(), state = 'ok' WHERE feed_id = $1", live.feed_id)
    await execute(pool, "UPDATE mpsync.run_feeds SET verdict = 'ok' WHERE feed_id = $1", live.feed_id)
    await execute(
        pool, "INSERT INTO mpsync.table_counts (shop_id, table_name, live, deleted) VALUES ($1, 'wb.orders', 70, 2)", shop.shop_id
    )
    windows = [NewSlice(kind=SliceKind.WINDOW, start=NOW - (n + 1) * DAY, end=NOW - n * DAY) for n in range(4)]
    async with pool.connection() as connection:
        await slices.add(connection, history_feed.feed_id, run_id, windows, NOW)
        await execute(pool, "UPDATE mpsync.slices SET state = 'done', rows = 40 WHERE starts_at = $1", NOW - DAY)
        await execute(
            pool,
            "UPDATE mpsync.slices SET reached_at = $1::timestamptz + interval '12 hours', rows = 20 WHERE starts_at = $1",
            NOW - 2 * DAY,
        )
        await runs.count(connection, run_id, history_feed.feed_id, Committed(seen=60, inserted=60), pages=2)
    seen = await overview(pool)
    assert [one.name for one in seen.shops] == ["north", "south"]
    view = seen.shops[0]
    assert (view.held, view.works, view.status) == (True, True, ShopStatus.SYNCING)
    assert view.capabilities == {"prices": (CapabilityState.MISSING, "no right")}
    assert [(table.table, table.live, table.deleted) for table in view.tables] == [("wb.orders", 70, 2)]
    first, second = view.feeds
    assert (first.state, first.progress, first.rows) == (FeedState.OK, 1.0, 70)
    assert (second.progress, second.slices_known, second.slices_done, second.rows_so_far) == (1.5 / 4, 4, 1, 60)
    assert view.percent == 68
    run = view.open_run
    assert run is not None
    assert (run.run_id, run.seen, run.inserted, run.pages, run.percent) == (run_id, 60, 60, 2, 68)
    assert [feed.silent_for is None for feed in run.feeds] == [True, False]
    [daemon] = seen.daemons
    assert (daemon.daemon_id, daemon.alive, len(daemon.groups)) == (ONE, True, 2)
    alone = await overview(pool, shop_id=shop.shop_id)
    assert alone.shops == (view,) or alone.shops[0].shop_id == shop.shop_id


async def test_a_walk_without_a_past_is_told_in_rows_and_one_with_a_past_in_percent(pool: Database) -> None:
    await register(pool, CARDS)
    shop = await add_shop(pool)
    [feed] = await plan(pool, shop, ("cards", Lane.LIVE))
    run_id = await open_run(pool, shop, feed)
    async with pool.connection() as connection:
        await slices.add(connection, feed.feed_id, run_id, [NewSlice(kind=SliceKind.WALK)], NOW)
        await execute(pool, "UPDATE mpsync.slices SET rows = 30")
        await execute(pool, "INSERT INTO mpsync.table_counts (shop_id, table_name, live) VALUES ($1, 'wb.cards', 120)", shop.shop_id)
        [seen] = (await history.show_run(connection, run_id)).feeds
        assert (seen.progress, seen.rows_so_far) == (None, 30)
        await execute(pool, "UPDATE mpsync.feeds SET last_full_at = now()")
        [seen] = (await history.show_run(connection, run_id)).feeds
        assert seen.progress == 0.25


async def test_a_run_whose_feeds_all_failed_shows_no_percent(pool: Database) -> None:
    shop = await add_shop(pool)
    run_id = await open_run(pool, shop, *await plan(pool, shop, ("orders", Lane.LIVE), ("cards", Lane.LIVE)))
    await execute(pool, "UPDATE mpsync.run_feeds SET verdict = 'failed', reason = '500'")
    async with pool.connection() as connection:
        assert await runs.close(connection, run_id, NOW) is RunState.FAILED
        shown = await history.show_run(connection, run_id)
    assert (shown.percent, [feed.reason for feed in shown.feeds]) == (0, ["500", "500"])
    [view] = (await overview(pool)).shops
    assert view.percent == 0
    assert view.last_run is not None
    assert view.last_run.state is RunState.FAILED


async def test_runs_are_listed_page_by_page_and_by_state(pool: Database) -> None:
    shop = await add_shop(pool)
    ids = [await open_run(pool, shop) for _ in range(5)]
    async with pool.connection() as connection:
        await runs.close(connection, ids[1], NOW)
        page = await history.list_runs(connection, limit=2)
        assert [run.run_id for run in page] == [ids[4], ids[3]]
        page = await history.list_runs(connection, shops=[shop.shop_id], limit=2, before=ids[3])
        assert [run.run_id for run in page] == [ids[2], ids[1]]
        assert [run.run_id for run in await history.list_runs(connection, state=RunState.DONE)] == [ids[1]]
        assert await history.list_runs(connection, shops=[99]) == []
        assert await history.list_runs(connection, shops=[]) == []
        with pytest.raises(NotThere):
            await history.show_run(connection, 99)


async def test_tables_tell_their_days_when_asked(pool: Database) -> None:
    await register(pool, ORDERS, CARDS, STOCKS)
    shop, other = await add_shop(pool), await add_shop(pool, "south")
    for number in range(3):
        await order(pool, shop.shop_id, f"a{number}", datetime(2026, 3, 1 + number, 23, tzinfo=UTC))
    await order(pool, other.shop_id, "b", datetime(2020, 1, 1, tzinfo=UTC))
    async with pool.connection() as connection:
        found = {one.table: one for one in await coverage.tables(connection, shop.shop_id, days=True)}
        assert (found["wb.orders"].first_day, found["wb.orders"].last_day) == (date(2026, 3, 1), date(2026, 3, 3))
        assert found["wb.cards"].first_day is None
        assert set(found) == {"wb.orders", "wb.cards", "wb.card_sizes", "wb.stocks", "wb.stocks_history"}
        assert {one.first_day for one in await coverage.tables(connection, shop.shop_id)} == {None}


async def test_rejected_rows_are_listed_and_summed(pool: Database) -> None:
    shop = await add_shop(pool)
    for number in range(3):
        await execute(
            pool,
            "INSERT INTO mpsync.rejected_rows (shop_id, stream, table_name, document, document_hash, reason, asked_at) "
            "VALUES ($1, 'orders', 'wb.orders', '{}', $2, 'no srid', now())",
            shop.shop_id,
            bytes([number]),
        )
    async with pool.connection() as connection:
        newest, *_ = await rejected.list_rejected(connection, shop_id=shop.shop_id, limit=2)
        assert (newest.reason, newest.shop, newest.times) == ("no srid", "north", 1)
        assert len(await rejected.list_rejected(connection, before=newest.rejected_id)) == 2
        assert await rejected.list_rejected(connection, stream="cards") == []
        assert await rejected.reasons(connection) == [("orders", "no srid", 3)]
        assert (await rejected.show_rejected(connection, newest.rejected_id)) == newest
        with pytest.raises(NotThere):
            await rejected.show_rejected(connection, 99)
    assert (await overview(pool)).shops[0].rejected == 3


async def test_events_are_listed_newest_first(pool: Database) -> None:
    shop = await add_shop(pool)
    for after in ("one", "two"):
        await execute(
            pool,
            "INSERT INTO mpsync.event_log (shop_id, event, table_name, object_key, field, after, happened_at) "
            "VALUES ($1, 'WB_SEO_CHANGE', 'wb.cards', '{\"nm_id\": 1}', 'title', $2, now())",
            shop.shop_id,
            after,
        )
    async with pool.connection() as connection:
        found = await events.list_events(connection, shop_id=shop.shop_id, event="WB_SEO_CHANGE")
        assert [one.after for one in found] == ["two", "one"]
        assert found[0].object_key == {"nm_id": 1}
        assert await events.list_events(connection, event="other") == []


@both_majors
async def test_the_views_for_older_programs(pool: Database) -> None:
    await register(pool, ORDERS)
    shop = await add_shop(pool)
    live, history_feed = await plan(pool, shop, ("orders", Lane.LIVE), ("orders", Lane.BACKFILL))
    await execute(pool, "INSERT INTO mpsync.table_counts (shop_id, table_name, live) VALUES ($1, 'wb.orders', 7)", shop.shop_id)
    await execute(pool, "UPDATE mpsync.feeds SET state = 'done', last_full_at = $2 WHERE feed_id = $1", history_feed.feed_id, NOW - DAY)
    await execute(
        pool, "UPDATE mpsync.feeds SET state = 'failed', last_success_at = $2, reason = '500' WHERE feed_id = $1", live.feed_id, NOW
    )
    run_id = await open_run(pool, shop, live, trigger=Trigger.WEBHOOK)
    await execute(pool, "UPDATE mpsync.run_feeds SET verdict = 'failed', reason = '500'")
    async with pool.connection() as connection:
        await runs.close(connection, run_id, NOW)
        [row] = await connection.fetch("SELECT * FROM sync_metadata")
        assert dict(row) == {
            "shop_id": shop.shop_id,
            "entity": "orders",
            "last_full_sync_at": NOW - DAY,
            "last_incremental_sync_at": NOW,
            "status": "failed",
            "row_count": 7,
            "error": "500",
        }
        [row] = await connection.fetch("SELECT store_id, status, type, error, chats_total, completed_at FROM sync_logs")
        assert tuple(row) == (shop.shop_id, "failed", "webhook", "orders: 500", None, NOW)


async def test_nothing_here_reads_a_data_table(pool: Database) -> None:
    """Live counts are kept by the commits; what people look at must not cost a scan of their rows."""
    await register(pool, ORDERS, CARDS)
    shop = await add_shop(pool)
    run_id = await open_run(pool, shop, *await plan(pool, shop, ("orders", Lane.LIVE)))
    await execute(pool, "INSERT INTO mpsync.table_counts (shop_id, table_name, live) VALUES ($1, 'wb.orders', 7)", shop.shop_id)
    await execute(pool, "DROP SCHEMA wb CASCADE")
    [view] = (await overview(pool)).shops
    assert view.feeds[0].rows == 7
    async with pool.connection() as connection:
        assert (await history.show_run(connection, run_id)).run_id == run_id
        assert [one.live for one in await coverage.tables(connection, shop.shop_id) if one.table == "wb.orders"] == [7]
        assert len(await connection.fetch("SELECT * FROM sync_metadata")) == 1
