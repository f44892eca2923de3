"""Retention, folding and purges: bounded, repeatable, and never a row too many."""

from datetime import timedelta

from mpsyncd.model.page import SliceKind
from mpsyncd.model.run import RunState
from mpsyncd.model.shop import Shop
from mpsyncd.model.stream import Lane
from mpsyncd.model.work import NewSlice
from mpsyncd.storage import runs, shop_status, slices
from mpsyncd.storage.maintenance import Retention, maintain, purge_removed, sweep_history
from mpsyncd.storage.pool import Database
from support.storage import NOW, ONE, add_shop, execute, hold, open_run, plan, value

SMALL = Retention(batch=10, batches=3)
ORDER = """
INSERT INTO wb.orders (shop_id, srid, row_hash, first_seen_at, synced_at)
SELECT $1, n::text, '', now(), now() FROM generate_series(1, $2::int) n
"""
EVENT = """
INSERT INTO mpsync.event_log (shop_id, event, table_name, object_key, field, happened_at)
SELECT $1, 'E', 'wb.cards', '1', 'title', now() - $3::interval FROM generate_series(1, $2::int)
"""


async def declare(pool: Database) -> None:
    await execute(
        pool,
        "INSERT INTO mpsync.stream_tables (source, stream, table_name, main) VALUES ('wildberries', 'orders', 'wb.orders', true), "
        "('wildberries', 'old', 'wb.dropped_long_ago', true)",
    )


async def remove(pool: Database, shop: Shop) -> None:
    async with pool.connection() as connection:
        await shop_status.remove(connection, shop.shop_id)


async def test_a_purge_goes_on_where_it_stopped_and_spares_the_others(pool: Database) -> None:
    await declare(pool)
    gone, stays = await add_shop(pool, "north"), await add_shop(pool, "south")
    await plan(pool, gone, ("orders", Lane.LIVE))
    await execute(pool, ORDER, gone.shop_id, 55)
    await execute(pool, ORDER, stays.shop_id, 5)
    await execute(pool, EVENT, gone.shop_id, 12, timedelta(0))
    await remove(pool, gone)
    rounds = [await purge_removed(pool, SMALL)]
    assert (rounds[0].purged_rows, rounds[0].purged_shops, rounds[0].more) == (30, 0, True)
    assert await value(pool, "SELECT count(*) FROM mpsync.shops") == 2
    while rounds[-1].more:
        rounds.append(await purge_removed(pool, SMALL))
    assert sum(one.purged_rows for one in rounds) == 55 + 12
    assert [one.purged_shops for one in rounds if one.purged_shops] == [1]
    assert await value(pool, "SELECT array_agg(shop_id) FROM mpsync.shops") == [stays.shop_id]
    assert await value(pool, "SELECT count(*) FROM wb.orders") == 5
    assert await value(pool, "SELECT count(*) FROM mpsync.feeds") == 0
    assert (await purge_removed(pool, SMALL)).purged_rows == 0


async def test_shops_that_stay_are_never_purged(pool: Database) -> None:
    await declare(pool)
    shop = await add_shop(pool)
    await execute(pool, ORDER, shop.shop_id, 5)
    async with pool.connection() as connection:
        await shop_status.disable(connection, shop.shop_id, "x")
    await maintain(pool, SMALL)
    assert await value(pool, "SELECT count(*) FROM wb.orders") == 5


async def test_old_things_go_and_young_ones_stay(pool: Database) -> None:
    shop = await add_shop(pool)
    [live] = await plan(pool, shop, ("orders", Lane.LIVE))
    old, young = [await open_run(pool, shop, live, now=NOW) for _ in range(2)]
    async with pool.connection() as connection:
        for run_id in (old, young):
            await runs.close(connection, run_id, NOW, RunState.FAILED)
            await slices.add(connection, live.feed_id, run_id, [NewSlice(kind=SliceKind.WALK)], NOW)
        await slices.drop(connection, live.feed_id)
    await execute(pool, "UPDATE mpsync.runs SET ended_at = CASE run_id WHEN $1 THEN now() - interval '91 days' ELSE now() END", old)
    await execute(pool, "UPDATE mpsync.slices SET ended_at = CASE run_id WHEN $1 THEN now() - interval '91 days' ELSE now() END", old)
    await execute(pool, EVENT, shop.shop_id, 3, timedelta(days=366))
    await execute(pool, EVENT, shop.shop_id, 2, timedelta(days=300))
    swept = await sweep_history(pool, Retention())
    assert (swept.runs, swept.slices, swept.events, swept.more) == (1, 1, 3, False)
    assert await value(pool, "SELECT array_agg(run_id) FROM mpsync.runs") == [young]
    assert await value(pool, "SELECT count(*) FROM mpsync.event_log") == 2


async def test_batches_are_bounded_and_say_when_there_is_more(pool: Database) -> None:
    shop = await add_shop(pool)
    await execute(pool, EVENT, shop.shop_id, 25, timedelta(days=400))
    rounds = [await sweep_history(pool, SMALL) for _ in range(4)]
    assert [one.events for one in rounds] == [10, 10, 5, 0]
    assert [one.more for one in rounds] == [True, True, False, False]


async def test_windows_of_a_history_that_is_still_read_are_kept(pool: Database) -> None:
    shop = await add_shop(pool)
    [history] = await plan(pool, shop, ("orders", Lane.BACKFILL))
    run_id = await open_run(pool, shop, history)
    async with pool.connection() as connection:
        await slices.add(connection, history.feed_id, run_id, [NewSlice(kind=SliceKind.WINDOW, start=NOW, end=NOW)], NOW)
    await execute(pool, "UPDATE mpsync.slices SET state = 'done', ended_at = now() - interval '1 year'")
    assert (await sweep_history(pool, Retention())).slices == 0
    await execute(pool, "UPDATE mpsync.feeds SET state = 'done'")
    assert (await sweep_history(pool, Retention())).slices == 1


async def test_marks_of_walks_that_ended_go(pool: Database) -> None:
    shop = await add_shop(pool)
    [feed] = await plan(pool, shop, ("cards", Lane.LIVE))
    run_id = await open_run(pool, shop, feed)
    async with pool.connection() as connection:
        [walk] = await slices.add(connection, feed.feed_id, run_id, [NewSlice(kind=SliceKind.WALK)], NOW)
        for walk_id in (walk.walk_id, 999):
            await connection.execute("INSERT INTO mpsync.walk_seen VALUES ($1, 'x')", walk_id)
        assert (await sweep_history(pool, Retention())).marks == 1
        await slices.drop(connection, feed.feed_id)
        assert (await sweep_history(pool, Retention())).marks == 1


async def test_documents_put_aside_go_with_their_slice_or_shop(pool: Database) -> None:
    shop = await add_shop(pool)
    [feed] = await plan(pool, shop, ("orders", Lane.LIVE))
    run_id = await open_run(pool, shop, feed)
    async with pool.connection() as connection:
        for _ in range(2):
            await slices.add(connection, feed.feed_id, run_id, [NewSlice(kind=SliceKind.SINCE)], NOW)
    await execute(pool, "INSERT INTO mpsync.slice_rows (slice_id, asked_at, document) SELECT slice_id, now(), '{}' FROM mpsync.slices")
    await execute(pool, "UPDATE mpsync.slices SET state = 'dropped' WHERE slice_id = (SELECT min(slice_id) FROM mpsync.slices)")
    assert (await sweep_history(pool, Retention())).staged == 1
    await remove(pool, shop)
    assert (await purge_removed(pool, SMALL)).purged_rows == 2  # the other document and the run


async def test_quiet_runs_in_a_row_become_one(pool: Database) -> None:
    shop = await add_shop(pool)
    [feed] = await plan(pool, shop, ("orders", Lane.LIVE))
    ids = [await open_run(pool, shop, feed, now=NOW + timedelta(minutes=30 * number)) for number in range(7)]
    await execute(pool, "UPDATE mpsync.run_feeds SET verdict = 'ok'")
    await execute(pool, "UPDATE mpsync.run_feeds SET updated = 1 WHERE run_id = $1", ids[3])
    # Yesterday's runs, whatever the clock says.
    await execute(pool, "UPDATE mpsync.runs SET started_at = now() - interval '1 day' + run_id * interval '1 minute', state = 'done'")
    await execute(pool, "UPDATE mpsync.runs SET ended_at = started_at")
    oldest = await value(pool, "SELECT started_at FROM mpsync.runs WHERE run_id = $1", ids[0])
    assert (await sweep_history(pool, Retention())).folded == 4
    async with pool.connection() as connection:
        rows = await connection.fetch("SELECT run_id, folded FROM mpsync.runs ORDER BY run_id")
    assert [tuple(row) for row in rows] == [(ids[2], 3), (ids[3], 1), (ids[6], 3)]
    assert await value(pool, "SELECT folded_since FROM mpsync.runs WHERE run_id = $1", ids[2]) == oldest
    await execute(pool, "UPDATE mpsync.run_feeds SET updated = 0")
    assert (await sweep_history(pool, Retention())).folded == 2
    assert await value(pool, "SELECT folded FROM mpsync.runs") == 7
    assert (await sweep_history(pool, Retention())).folded == 0


async def test_manual_and_failed_runs_are_never_folded(pool: Database) -> None:
    shop = await add_shop(pool)
    for _ in range(2):
        await open_run(pool, shop)
    await execute(pool, "UPDATE mpsync.runs SET started_at = now() - interval '1 day', ended_at = now() - interval '1 day'")
    await execute(pool, "UPDATE mpsync.runs SET state = 'done', trigger = 'manual'")
    assert (await sweep_history(pool, Retention())).folded == 0
    await execute(pool, "UPDATE mpsync.runs SET trigger = 'schedule', state = 'failed'")
    assert (await sweep_history(pool, Retention())).folded == 0


async def test_daemons_and_leases_that_nobody_needs_go(pool: Database) -> None:
    shop = await add_shop(pool)
    await hold(pool, ONE)
    assert (await sweep_history(pool, Retention())).daemons == 0
    await execute(pool, "UPDATE mpsync.daemons SET seen_at = now() - interval '8 days'")
    await execute(pool, "UPDATE mpsync.leases SET expires_at = now() - interval '8 days'")
    await execute(pool, "DELETE FROM mpsync.shops WHERE shop_id = $1", shop.shop_id)
    swept = await sweep_history(pool, Retention())
    assert (swept.daemons, swept.leases) == (1, 1)
