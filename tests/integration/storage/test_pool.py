"""The pool, its boundary, the ledger and the nudges, against a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import asyncpg
import pytest

from mpsyncd.model.clock import SystemClock
from mpsyncd.model.errors import StorageUnavailable
from mpsyncd.model.run import Mode
from mpsyncd.storage import nudge, requests
from mpsyncd.storage.ledger import PostgresLedger
from mpsyncd.storage.nudge import NudgeListener
from mpsyncd.storage.pool import Database, PoolOptions, open_database, wait_ready
from support.storage import add_shop, execute, value

KILL_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def test_sessions_speak_utc_and_iso_also_after_they_were_given_back(pool: Database) -> None:
    for _ in range(2):
        async with pool.connection() as connection:
            assert await connection.fetchval("SHOW timezone") == "UTC"
            assert await connection.fetchval("SHOW datestyle") == "ISO, YMD"
            assert await connection.fetchval("SHOW application_name") == "mpsyncd"
            assert await connection.fetchval("SELECT $1::jsonb", {"a": [1, None, "ё"]}) == {"a": [1, None, "ё"]}
            await connection.execute("SET timezone = 'Europe/Moscow'")


async def test_a_killed_connection_is_an_outage_and_the_next_one_works(pool: Database, database: str) -> None:
    killer = await asyncpg.connect(database)
    try:
        with pytest.raises(StorageUnavailable, match=r"broke|stopped or restarted"):
            async with pool.connection() as connection:
                await killer.execute(KILL_OTHERS)
                await connection.fetchval("SELECT 1")
    finally:
        await killer.close()
    async with asyncio.timeout(20):
        while True:
            with suppress(StorageUnavailable):
                await pool.ping()
                break


async def test_a_lock_is_not_waited_for_endlessly(pool: Database) -> None:
    await add_shop(pool)
    async with pool.transaction() as first:
        await first.execute("LOCK TABLE mpsync.shops")
        with pytest.raises(StorageUnavailable, match="locked"):
            async with pool.transaction(lock_timeout=timedelta(milliseconds=20)) as second:
                await second.execute("UPDATE mpsync.shops SET paused = true")


async def test_a_bug_is_not_taken_for_an_outage(pool: Database) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        async with pool.connection() as connection:
            await connection.execute("SELECT * FROM nowhere")


async def test_too_many_connections_are_told_in_words(database: str) -> None:
    admin = await asyncpg.connect(database)
    try:
        await admin.execute("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 1', current_database()); END $$")
        await admin.execute("DO $$ BEGIN CREATE ROLE few LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        with pytest.raises(StorageUnavailable, match="max_connections"):
            async with open_database(database.replace("postgres@", "few@")):
                pytest.fail("a second connection was not to be had")
    finally:
        await admin.close()


async def test_waiting_for_a_server_ends() -> None:
    with pytest.raises(StorageUnavailable, match="refused"):
        await wait_ready("postgresql://me@127.0.0.1:1/x", clock=SystemClock(), patience=timedelta(milliseconds=200))


async def test_a_ready_server_is_not_waited_for(database: str) -> None:
    await wait_ready(database, clock=SystemClock(), patience=timedelta(0))


async def test_the_ledger_remembers_gates(pool: Database) -> None:
    ledger = PostgresLedger(pool)
    assert await ledger.load("wb.orders") is None
    await ledger.save("wb.orders", {"tokens": 1.5})
    await ledger.save("wb.orders", {"tokens": 0.5})
    await ledger.save("ozon_day", {"used": 3})
    assert await ledger.load("wb.orders") == {"tokens": 0.5}
    assert await ledger.load_all("wb") == {"wb.orders": {"tokens": 0.5}}
    assert len(await ledger.load_all()) == 2


class Heard:
    """Collects nudges."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[int | None] = asyncio.Queue()

    async def next(self) -> int | None:
        async with asyncio.timeout(20):
            return await self.queue.get()


@asynccontextmanager
async def listening(database: str) -> AsyncIterator[Heard]:
    heard = Heard()
    listener = NudgeListener(database, on_nudge=heard.queue.put_nowait, clock=SystemClock(), poll=timedelta(milliseconds=10))
    task = asyncio.create_task(listener.run())
    try:
        yield heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_request_nudges_the_holder_when_it_is_committed(pool: Database, database: str) -> None:
    shop = await add_shop(pool)
    async with listening(database) as heard:
        assert await heard.next() is None  # what happened before it listened
        async with pool.connection() as connection:
            await requests.create(connection, shop_id=shop.shop_id, mode=Mode.FULL, requested_by="me")
        assert await heard.next() == shop.shop_id
        async with pool.connection() as connection:
            await nudge.notify(connection)
        assert await heard.next() is None


async def test_a_listener_comes_back_and_says_that_something_may_have_happened(pool: Database, database: str) -> None:
    async with listening(database) as heard:
        assert await heard.next() is None
        await execute(pool, KILL_OTHERS + " AND application_name = 'mpsyncd nudge'")
        assert await heard.next() is None


async def test_without_notifications_the_tables_are_polled(pool: Database, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a pooler that accepts LISTEN and delivers nothing."""
    monkeypatch.setattr(nudge, "_ECHO_WITHIN", 0.0)
    monkeypatch.setattr(NudgeListener, "_heard", lambda *_: None)
    async with listening(database) as heard:
        assert await heard.next() is None
        await add_shop(pool)
        assert await heard.next() is None
        assert await value(pool, "SELECT count(*) FROM mpsync.shops") == 1


async def test_a_transaction_that_is_left_idle_ends_by_itself_and_lets_its_locks_go(database: str) -> None:
    options = PoolOptions(idle_timeout=timedelta(milliseconds=200))
    async with open_database(database, options) as frozen, open_database(database) as heir:
        with pytest.raises(StorageUnavailable):
            async with frozen.transaction() as connection:
                await connection.execute("SELECT 1 FROM mpsync.customers FOR UPDATE")
                async with heir.transaction(lock_timeout=timedelta(seconds=30)) as other:
                    await other.execute("UPDATE mpsync.customers SET enabled = enabled")
                await connection.execute("SELECT 1")
