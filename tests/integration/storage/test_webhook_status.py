"""What people see of webhooks: what waits, what came of the rest, and how much of what changed no delivery named."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from mpsyncd.model.shop import Shop
from mpsyncd.model.stream import Lane
from mpsyncd.storage import status, webhook_status, webhooks
from mpsyncd.storage.maintenance import Retention, sweep_history
from mpsyncd.storage.pool import Database, open_database
from support.documents import TABLES
from support.storage import KEYRING, add_shop, execute, plan, value
from support.webhooks import Vendor


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Database]:
    async with open_database(database) as opened:
        if not await value(opened, "SELECT to_regclass('lab.things') IS NOT NULL"):
            await execute(opened, TABLES)
        yield opened


@pytest.fixture
async def shop(pool: Database) -> Shop:
    shop = await add_shop(pool)
    await plan(pool, shop, ("things", Lane.LIVE), ("pairs", Lane.LIVE))
    async with pool.connection() as connection:
        await webhooks.renew_secret(connection, KEYRING, shop.shop_id)
    return shop


async def _measured(pool: Database) -> tuple[int, int]:
    async with pool.connection() as connection:
        await webhook_status.measure(connection, {"wildberries": list(Vendor().streams.values())})
        row = await connection.fetchrow("SELECT changed, missed FROM mpsync.webhooks")
    assert row is not None
    return tuple(row)


async def test_changes_that_no_delivery_named_are_counted_once(pool: Database, shop: Shop) -> None:
    await execute(pool, "UPDATE mpsync.webhooks SET last_received_at = now()")
    assert await _measured(pool) == (0, 0)
    assert await value(pool, "SELECT measured_until FROM mpsync.webhooks") is None, "not everything was walked yet"
    await execute(pool, "UPDATE mpsync.feeds SET last_walk_at = now()")
    assert await _measured(pool) == (0, 0)
    assert await value(pool, "SELECT measured_until = now() FROM mpsync.webhooks") is False
    await execute(pool, "UPDATE mpsync.webhooks SET measured_until = now() - interval '1 hour'")
    await execute(
        pool,
        """
        INSERT INTO lab.things (shop_id, id, row_hash, first_seen_at, synced_at, deleted_at)
        SELECT $1, n, CASE n WHEN 9 THEN ''::bytea ELSE 'x' END, now(), now() - (ago || ' min')::interval, gone
        FROM (VALUES (1, 20, NULL), (2, 20, NULL), (3, 90, NULL), (4, 1, NULL), (5, 20, now()), (9, 20, NULL)) AS t (n, ago, gone)
        """,
        shop.shop_id,
    )
    touch = "INSERT INTO mpsync.webhook_touches VALUES ($1, 'things', $2, now() - $3::interval)"
    await execute(pool, touch, shop.shop_id, [1], timedelta(minutes=30))
    await execute(pool, touch, shop.shop_id, [2], timedelta(hours=3))
    assert await _measured(pool) == (2, 1), "1 was named, 2 was not since; 3 is older, 4 too young, 5 gone, 9 a stub"
    assert await _measured(pool) == (2, 1)
    await execute(pool, "UPDATE mpsync.webhooks SET measured_until = now() - interval '1 hour', changed = 0, missed = 0")
    await execute(
        pool,
        """
        INSERT INTO lab.pairs (shop_id, day, code, row_hash, first_seen_at, synced_at)
        SELECT $1, now()::date, code, 'x', now(), now() - interval '20 min' FROM unnest(ARRAY['a', 'b']) AS code
        """,
        shop.shop_id,
    )
    await execute(pool, touch.replace("things", "pairs"), shop.shop_id, ["a"], timedelta(minutes=30))
    assert await _measured(pool) == (4, 2)


async def test_the_overview_tells_what_waits_and_what_was_missed(pool: Database, shop: Shop) -> None:
    other = await add_shop(pool, "without")
    await execute(pool, "UPDATE mpsync.webhooks SET done = 5, unknown = 1, changed = 40, missed = 2")
    async with pool.connection() as connection:
        await webhooks.keep(connection, [(shop.shop_id, b"{}"), (shop.shop_id, b"{}")])
    await execute(pool, "UPDATE mpsync.webhook_deliveries SET received_at = now() - interval '90 s' WHERE delivery_id % 2 = 0")
    found = {each.shop_id: each.webhooks for each in (await status.overview(pool)).shops}
    assert found[other.shop_id] is None
    hooks = found[shop.shop_id]
    assert hooks is not None
    assert (hooks.pending, hooks.done, hooks.unknown, hooks.failed, hooks.changed, hooks.missed) == (2, 5, 1, 0, 40, 2)
    assert hooks.lag is not None
    assert timedelta(seconds=90) <= hooks.lag < timedelta(seconds=150)


async def test_processed_deliveries_go_with_age_and_pending_ones_stay(pool: Database, shop: Shop) -> None:
    async with pool.connection() as connection:
        await webhooks.keep(connection, [(shop.shop_id, b"%d" % n) for n in range(4)])
    await execute(
        pool,
        """
        UPDATE mpsync.webhook_deliveries SET received_at = now() - interval '60 days',
            state = CASE WHEN body = '0' THEN 'pending' ELSE 'done' END,
            processed_at = CASE body WHEN '0' THEN NULL WHEN '1' THEN now() - interval '20 days' ELSE now() - interval '40 days' END
        """,
    )
    swept = await sweep_history(pool, Retention())
    assert swept.deliveries == 2
    assert await value(pool, "SELECT array_agg(body ORDER BY body) FROM mpsync.webhook_deliveries") == [b"0", b"1"]
