"""Deliveries processed on a real database, against a vendor that is played: nothing is lost, doubled, or taken for older than it is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mpsyncd.engine import deliveries, rereading
from mpsyncd.model.errors import BadRequest, RateLimited, Transient
from mpsyncd.model.shop import Shop
from mpsyncd.model.stream import Lane
from mpsyncd.storage import webhooks
from mpsyncd.storage.pool import Database, open_database
from support.documents import TABLES
from support.storage import KEYRING, TWO, add_shop, execute, hold, open_run, plan, value
from support.webhooks import Vendor, about, processing


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second read of one thing need not wait half a second, a run ends soon."""
    monkeypatch.setattr(rereading, "APART", 0.05)
    monkeypatch.setattr(rereading, "LINGER", 0.1)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Database]:
    async with open_database(database) as opened:
        await execute(opened, "CREATE SCHEMA IF NOT EXISTS lab")
        if not await value(opened, "SELECT to_regclass('lab.things') IS NOT NULL"):
            await execute(opened, TABLES.replace("CREATE SCHEMA lab;", ""))
        yield opened


@pytest.fixture
async def shop(pool: Database) -> Shop:
    shop = await add_shop(pool)
    await plan(pool, shop, *((name, Lane.LIVE) for name in ("things", "pairs", "bins")))
    async with pool.connection() as connection:
        await webhooks.renew_secret(connection, KEYRING, shop.shop_id)
    await hold(pool)
    return shop


async def _deliver(pool: Database, shop: Shop, *bodies: bytes) -> None:
    async with pool.connection() as connection:
        await webhooks.keep(connection, [(shop.shop_id, body) for body in bodies])


async def _rows(pool: Database, sql: str) -> list[tuple[Any, ...]]:
    async with pool.connection() as connection:
        return [tuple(row) for row in await connection.fetch(sql)]


async def _soon(ask: Callable[[], Awaitable[Any]], expected: Any) -> None:
    """Wait until the answer is the expected one."""
    found = None
    for _ in range(400):
        found = await ask()
        if found == expected:
            return
        await asyncio.sleep(0.02)
    assert found == expected


async def _states(pool: Database) -> dict[str, int]:
    return dict(await _rows(pool, "SELECT state, count(*)::int FROM mpsync.webhook_deliveries GROUP BY state ORDER BY state"))


async def test_what_is_named_is_read_again_and_written(pool: Database, shop: Shop) -> None:
    vendor = Vendor(things={1: {"id": 1, "title": "new", "version": 3}})
    await _deliver(
        pool,
        shop,
        about("things", 1),
        about("nonsense"),
        b"no json",
        b"[]",
        b"\xff\x00",
        about("things", "odd\x00"),
        about("things", 2**63),
    )
    async with processing(pool, vendor):
        await _soon(lambda: _states(pool), {"done": 1, "unknown": 6})
        await _soon(lambda: _rows(pool, "SELECT state, trigger FROM mpsync.runs"), [("done", "webhook")])
    assert await _rows(pool, "SELECT id, title, version, deleted_at FROM lab.things") == [(1, "new", 3, None)]
    assert await _rows(pool, "SELECT inserted, seen, verdict FROM mpsync.run_feeds") == [(1, 1, "ok")]
    assert await _rows(pool, "SELECT done, unknown, failed FROM mpsync.webhooks") == [(1, 6, 0)]
    assert await _rows(pool, "SELECT type FROM sync_logs") == [("webhook",)]
    assert await _rows(pool, "SELECT stream, key FROM mpsync.webhook_touches WHERE key = '[1]'") == [("things", [1])]


async def test_many_deliveries_about_one_thing_are_few_reads(pool: Database, shop: Shop) -> None:
    vendor = Vendor(things={1: {"id": 1, "title": "before", "version": 1}})
    vendor.gate.clear()
    await _deliver(pool, shop, *[about("things", 1)] * 50)
    async with processing(pool, vendor) as work:
        await _soon(lambda: _count(vendor), 1)
        vendor.things[1] = {"id": 1, "title": "after", "version": 2}
        await _deliver(pool, shop, *[about("things", 1)] * 50)
        work.wake()
        await asyncio.sleep(0)
        vendor.gate.set()
        await _soon(lambda: _states(pool), {"done": 100})
    assert 2 <= len(vendor.reads) <= 3
    assert await _rows(pool, "SELECT title FROM lab.things") == [("after",)]


async def _count(vendor: Vendor) -> int:
    return len(vendor.reads)


async def test_a_touch_during_the_read_is_read_once_more(pool: Database, shop: Shop) -> None:
    vendor = Vendor(things={1: {"id": 1, "version": 1}})
    vendor.gate.clear()
    await _deliver(pool, shop, about("things", 1))
    async with processing(pool, vendor) as work:
        await _soon(lambda: _count(vendor), 1)
        await _deliver(pool, shop, about("things", 1))
        work.wake()
        await _soon(lambda: _waiting_in(work), 1)
        vendor.gate.set()
        await _soon(lambda: _states(pool), {"done": 2})
    assert len(vendor.reads) == 2


async def _waiting_in(work: Any) -> int:
    return sum(len(line.waiting) for reader in work._readers.values() for line in reader._lines.values())


async def test_what_is_gone_is_a_tombstone_and_comes_back(pool: Database, shop: Shop) -> None:
    vendor = Vendor(things={1: {"id": 1, "version": 1}})
    async with processing(pool, vendor) as work:
        await _deliver(pool, shop, about("things", 1), about("things", 2))
        work.wake()
        await _soon(lambda: _states(pool), {"done": 2})
        kept = vendor.things.pop(1)
        await _deliver(pool, shop, about("things", 1))
        await _soon(lambda: _rows(pool, "SELECT id, deleted_at IS NOT NULL FROM lab.things"), [(1, True)])
        vendor.things[1] = kept
        await _deliver(pool, shop, about("things", 1))
        await _soon(lambda: _rows(pool, "SELECT id, deleted_at IS NOT NULL FROM lab.things"), [(1, False)])
    assert await _rows(pool, "SELECT live, deleted FROM mpsync.table_counts") == [(1, 0)]


async def test_rows_of_a_group_that_it_lacks_are_gone_and_others_stay(pool: Database, shop: Shop) -> None:
    def pair(day: int, code: str) -> dict[str, Any]:
        return {"day": f"2026-11-{day:02}", "code": code, "amount": day}

    vendor = Vendor(pairs=[pair(1, "a"), pair(2, "a"), pair(1, "b")])
    living = "SELECT extract(day FROM day)::int, code FROM lab.pairs WHERE deleted_at IS NULL ORDER BY 2, 1"
    async with processing(pool, vendor) as work:
        await _deliver(pool, shop, about("pairs", "a"), about("pairs", "b"))
        await _soon(lambda: _rows(pool, living), [(1, "a"), (2, "a"), (1, "b")])
        vendor.pairs = [pair(2, "a"), pair(3, "a")]
        await _deliver(pool, shop, about("pairs", "a"))
        work.wake()
        await _soon(lambda: _rows(pool, living), [(2, "a"), (3, "a"), (1, "b")])
        vendor.pairs = []
        await _deliver(pool, shop, about("pairs", "a"))
        await _soon(lambda: _rows(pool, living), [(1, "b")])
    assert await _rows(pool, "SELECT live, deleted FROM mpsync.table_counts") == [(1, 3)]


async def test_an_older_version_never_goes_over_a_newer_one(pool: Database, shop: Shop) -> None:
    vendor = Vendor(things={1: {"id": 1, "title": "fifth", "version": 5}})
    async with processing(pool, vendor) as work:
        for version, title in ((5, "fifth"), (4, "late"), (6, "sixth")):
            vendor.things[1] = {"id": 1, "title": title, "version": version}
            await _deliver(pool, shop, about("things", 1))
            work.wake()
            await _soon(lambda: value(pool, "SELECT count(*) FROM mpsync.webhook_deliveries WHERE state = 'pending'"), 0)
            expected = "fifth" if version < 6 else "sixth"
            assert await _rows(pool, "SELECT title FROM lab.things") == [(expected,)]


async def test_trouble_is_tried_again_and_a_refusal_is_not(pool: Database, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "FIRST_PAUSE", timedelta(milliseconds=10))
    vendor = Vendor(things={1: {"id": 1}}, errors=[Transient("away"), RateLimited("slow", retry_after=timedelta(milliseconds=10))])
    async with processing(pool, vendor) as work:
        await _deliver(pool, shop, about("things", 1))
        work.wake()
        await _soon(lambda: _rows(pool, "SELECT state, attempts, error FROM mpsync.webhook_deliveries"), [("done", 1, None)])
        vendor.errors.append(BadRequest("never so"))
        await _deliver(pool, shop, about("things", 2))
        work.wake()
        await _soon(
            lambda: _rows(pool, "SELECT state, error FROM mpsync.webhook_deliveries ORDER BY delivery_id DESC LIMIT 1"),
            [("failed", "never so")],
        )
        last = "SELECT r.state, f.reason FROM mpsync.runs r JOIN mpsync.run_feeds f USING (run_id) ORDER BY run_id DESC LIMIT 1"
        await _soon(lambda: _rows(pool, last), [("failed", "never so")])


async def test_a_delivery_about_two_things_is_done_when_both_are(pool: Database, shop: Shop) -> None:
    vendor = Vendor(things={1: {"id": 1}}, pairs=[{"day": "2026-11-01", "code": "a"}])
    async with processing(pool, vendor):
        await _deliver(pool, shop, about("both", thing=[1], pair=["a"]))
        await _soon(lambda: _states(pool), {"done": 1})
    assert sorted(name for name, _ in vendor.reads) == ["pairs", "things"]
    assert await _rows(pool, "SELECT (SELECT count(*) FROM lab.things), (SELECT count(*) FROM lab.pairs)") == [(1, 1)]


async def test_a_stream_that_can_not_be_read_row_by_row_is_due_at_once(pool: Database, shop: Shop) -> None:
    await execute(pool, "UPDATE mpsync.feeds SET next_due_at = now() + interval '6 hours'")
    async with processing(pool, Vendor()):
        await _deliver(pool, shop, about("bins", 7), about("bins"))
        await _soon(lambda: _states(pool), {"done": 2})
    due = "SELECT stream FROM mpsync.feeds WHERE next_due_at <= now()"
    assert await _rows(pool, due) == [("bins",)]


async def test_a_stream_that_is_being_read_is_due_after_that_and_soon_after_its_last_read_a_little_later(
    pool: Database, shop: Shop
) -> None:
    [bins] = [feed for feed in await plan(pool, shop) if feed.stream == "bins"]
    await execute(pool, "UPDATE mpsync.feeds SET next_due_at = now() + interval '6 hours', last_success_at = now() - interval '1 s'")
    run_id = await open_run(pool, shop, bins)
    async with processing(pool, Vendor()) as work:
        await _deliver(pool, shop, about("bins"))
        work.wake()
        waits = "SELECT state, attempts, not_before > now() FROM mpsync.webhook_deliveries WHERE error IS NOT NULL"
        await _soon(lambda: _rows(pool, waits), [("pending", 0, True)])
        await execute(pool, "UPDATE mpsync.run_feeds SET verdict = 'ok' WHERE run_id = $1", run_id)
        await execute(pool, "UPDATE mpsync.webhook_deliveries SET not_before = now()")
        await _soon(lambda: _states(pool), {"done": 1})
    due = "SELECT next_due_at = last_success_at + interval '10 s' FROM mpsync.feeds WHERE stream = 'bins'"
    assert await _rows(pool, due) == [(True,)]


async def test_what_a_crash_left_is_processed_by_the_next_daemon(pool: Database, shop: Shop) -> None:
    vendor = Vendor(things={n: {"id": n} for n in range(20)})
    vendor.gate.clear()
    await _deliver(pool, shop, *(about("things", n) for n in range(20)))
    async with processing(pool, vendor):
        await _soon(lambda: _count(vendor), 20)
    assert await _states(pool) == {"pending": 20}
    vendor.gate.set()
    async with processing(pool, vendor):
        await _soon(lambda: _states(pool), {"done": 20})
    assert await value(pool, "SELECT count(*) FROM lab.things") == 20


async def test_who_lost_the_lease_writes_nothing(pool: Database, shop: Shop) -> None:
    vendor = Vendor(things={1: {"id": 1}})
    vendor.gate.clear()
    await _deliver(pool, shop, about("things", 1))
    async with processing(pool, vendor):
        await _soon(lambda: _count(vendor), 1)
        await execute(pool, "UPDATE mpsync.leases SET expires_at = '-infinity'")
        await hold(pool, TWO)
        vendor.gate.set()
        await _soon(lambda: _none_at_work(pool), 0)
    assert await _states(pool) == {"pending": 1}
    assert await value(pool, "SELECT count(*) FROM lab.things") == 0


async def _none_at_work(pool: Database) -> Any:
    return await value(pool, "SELECT count(*) FROM mpsync.runs WHERE ended_at IS NULL")


async def test_a_paused_shop_keeps_its_deliveries_for_later(pool: Database, shop: Shop) -> None:
    vendor = Vendor(things={1: {"id": 1}})
    await execute(pool, "UPDATE mpsync.shops SET paused = true")
    await _deliver(pool, shop, about("things", 1))
    async with processing(pool, vendor) as work:
        await work._look()
        assert vendor.reads == []
        await execute(pool, "UPDATE mpsync.shops SET paused = false")
        await _soon(lambda: _states(pool), {"done": 1})


async def test_a_shop_that_is_paused_while_it_is_read_takes_no_more(pool: Database, shop: Shop) -> None:
    vendor = Vendor(things={1: {"id": 1}, 2: {"id": 2}})
    vendor.gate.clear()
    await _deliver(pool, shop, about("things", 1))
    async with processing(pool, vendor) as work:
        await _soon(lambda: _count(vendor), 1)
        await execute(pool, "UPDATE mpsync.shops SET paused = true")
        await _deliver(pool, shop, about("things", 2))
        work.wake([shop.shop_id])
        vendor.gate.set()
        await _soon(lambda: _states(pool), {"done": 1, "pending": 1})
        await _soon(lambda: _none_at_work(pool), 0)
    assert len(vendor.reads) == 1


async def test_the_test_delivery_touches_nothing(pool: Database, shop: Shop) -> None:
    vendor = Vendor()
    await _deliver(pool, shop, b'{"event": "mpsyncd:test"}')
    async with processing(pool, vendor):
        await _soon(lambda: _states(pool), {"done": 1})
    assert vendor.reads == []
    assert replace(shop) == shop
