"""Analytics on demand over HTTP, with a real database behind: one task at a time, told from what was committed, own shops only."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from mpsyncd.daemon.control import Control
from mpsyncd.model.access import Role
from mpsyncd.model.clock import SystemClock
from mpsyncd.model.stream import Lane
from mpsyncd.settings import HttpSettings
from mpsyncd.sources import SOURCES
from mpsyncd.storage import access
from mpsyncd.storage.migrate import register_streams
from mpsyncd.storage.pool import Database, PoolOptions, open_database
from mpsyncd.web import build_app, serving
from support.control import no_files
from support.overview import ports
from support.storage import add_shop, execute, open_run, plan, value

PATH = "/api/analytics/sync-background"


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Database]:
    async with open_database(database, PoolOptions(largest=6)) as opened:
        async with opened.connection() as connection:
            await register_streams(connection, SOURCES)
        yield opened


@pytest.fixture
async def client(pool: Database) -> AsyncIterator[aiohttp.ClientSession]:
    control = Control(pool, SystemClock(), no_files)
    app = build_app(replace(ports(), recognise=control.recognise, control=control), HttpSettings())
    async with serving(app, HttpSettings(port=0)) as url, aiohttp.ClientSession(url) as session:
        yield session


async def token(pool: Database, **bound: Any) -> dict[str, str]:
    async with pool.connection() as connection:
        _, text = await access.create(connection, name=f"t{sorted(bound)}", role=Role.OPERATOR, **bound)
    return {"Authorization": f"Bearer {text}"}


async def ask(client: aiohttp.ClientSession, head: dict[str, str], body: dict[str, Any], *, status: int = 202) -> Any:
    answer = await client.post(PATH, json=body, headers=head)
    told = await answer.json()
    assert answer.status == status, told
    return told.get("taskId")


async def test_a_task_is_queued_at_once_and_the_same_until_it_ends(client: aiohttp.ClientSession, pool: Database) -> None:
    shop, head = await add_shop(pool), await token(pool)
    await execute(
        pool, "INSERT INTO mpsync.table_counts (shop_id, table_name, live, deleted) VALUES ($1, 'wb.cards', 438, 0)", shop.shop_id
    )
    task = await ask(client, head, {"shopId": shop.shop_id, "batchSize": 50})
    assert await ask(client, head, {"shopId": shop.shop_id}) == task
    told = await (await client.get(f"{PATH}/{task}", headers=head)).json()
    assert (told["status"], told["products"], told["batches"]) == ("queued", {"done": 0, "total": 438}, {"done": 0, "total": 9})
    assert told == await (await client.get(PATH, params={"taskId": task}, headers=head)).json() | {"elapsedSeconds": told["elapsedSeconds"]}
    assert await value(pool, "SELECT streams FROM mpsync.run_requests") == ["funnel", "product_totals"]
    await execute(pool, "UPDATE mpsync.run_requests SET refused = 'the shop is paused', taken_at = now()")
    told = await (await client.get(f"{PATH}/{task}", headers=head)).json()
    assert (told["status"], told["errors"]) == ("failed", [f"{shop.name}: the shop is paused"])
    assert await ask(client, head, {"shopId": shop.shop_id}) != task


async def test_progress_is_that_of_the_run(client: aiohttp.ClientSession, pool: Database) -> None:
    shop, head = await add_shop(pool), await token(pool)
    await execute(
        pool, "INSERT INTO mpsync.table_counts (shop_id, table_name, live, deleted) VALUES ($1, 'wb.cards', 100, 0)", shop.shop_id
    )
    task = await ask(client, head, {"shopId": shop.shop_id, "batchSize": 10})
    run = await open_run(
        pool, shop, *await plan(pool, shop, ("product_totals", Lane.LIVE), ("funnel", Lane.LIVE), ("funnel", Lane.BACKFILL))
    )
    await execute(
        pool,
        "UPDATE mpsync.run_feeds rf SET verdict = 'ok', ended_at = now() FROM mpsync.feeds f "
        "WHERE f.feed_id = rf.feed_id AND f.stream = 'product_totals'",
    )
    await execute(pool, "UPDATE mpsync.run_requests SET taken_at = now(), run_id = $1", run)
    told = await (await client.get(f"{PATH}/{task}", headers=head)).json()
    assert (told["status"], told["percent"], told["batches"]) == ("running", 50, {"done": 5, "total": 10})
    assert await ask(client, head, {"shopId": shop.shop_id}) == task


async def test_a_token_touches_its_own_shops_only(client: aiohttp.ClientSession, pool: Database) -> None:
    own, other = await add_shop(pool), await add_shop(pool, "south")
    head, all_of_them = await token(pool, shops=[own.shop_id]), await token(pool)
    await ask(client, head, {"shopId": other.shop_id}, status=404)
    task = await ask(client, head, {})
    assert [s["shopId"] for s in (await (await client.get(f"{PATH}/{task}", headers=head)).json())["shops"]] == [own.shop_id]
    foreign = await ask(client, all_of_them, {})
    assert (await client.get(f"{PATH}/{foreign}", headers=head)).status == 404
    assert (await client.get(f"{PATH}/no-task", headers=head)).status == 404
    await ask(client, head, {"shopId": own.shop_id, "batchSize": 0}, status=422)


async def test_only_what_is_older_than_a_day_is_read_again(client: aiohttp.ClientSession, pool: Database) -> None:
    shop, head = await add_shop(pool), await token(pool)

    async def stale() -> tuple[int, Any]:
        answer = await client.post("/api/analytics/stale", json={"shopId": shop.shop_id}, headers=head)
        return answer.status, (await answer.json())["taskId"]

    for stream in ("funnel", "product_totals"):
        await execute(
            pool,
            "INSERT INTO mpsync.feeds (shop_id, stream, lane, next_due_at, last_success_at) VALUES ($1, $2, $3, now(), now())",
            shop.shop_id,
            stream,
            Lane.LIVE.value,
        )
    assert await stale() == (200, None)
    await execute(pool, "UPDATE mpsync.feeds SET last_success_at = now() - interval '25 hours' WHERE stream = 'funnel'")
    status, task = await stale()
    assert status == 202
    assert await stale() == (202, task)
    assert await value(pool, "SELECT trigger FROM mpsync.run_requests") == "stale"
