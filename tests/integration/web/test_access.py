"""The server on a real database: tokens end, bindings hold, wishes arrive."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import orjson
import pytest

from mpsyncd.daemon.control import Control
from mpsyncd.model.access import Role
from mpsyncd.model.clock import SystemClock
from mpsyncd.model.run import Mode, RunState
from mpsyncd.model.stream import Lane
from mpsyncd.settings import HttpSettings
from mpsyncd.storage import access, requests
from mpsyncd.storage.pool import Database, PoolOptions, open_database
from mpsyncd.web import build_app, serving
from support.control import no_files
from support.overview import ports
from support.storage import ONE, add_shop, execute, hold, open_run, plan, value


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Database]:
    async with open_database(database, PoolOptions(largest=6)) as opened:
        yield opened


@pytest.fixture
async def client(pool: Database) -> AsyncIterator[aiohttp.ClientSession]:
    control = Control(pool, SystemClock(), no_files)
    app = build_app(replace(ports(), recognise=control.recognise, control=control), HttpSettings())
    async with serving(app, HttpSettings(port=0)) as url, aiohttp.ClientSession(url) as session:
        yield session


async def _token(pool: Database, role: Role = Role.OPERATOR, **binding: Any) -> dict[str, str]:
    async with pool.connection() as connection:
        _, text = await access.create(connection, name=f"{role} {binding}", role=role, **binding)
    return {"Authorization": f"Bearer {text}"}


async def _asked(client: aiohttp.ClientSession, method: str, path: str, headers: dict[str, str], **more: Any) -> tuple[int, Any]:
    async with client.request(method, path, headers=headers, **more) as answer:
        return answer.status, orjson.loads(await answer.read())


async def test_a_token_works_until_it_is_revoked(pool: Database, client: aiohttp.ClientSession) -> None:
    shop = await add_shop(pool)
    header = await _token(pool)
    path = f"/api/shops/{shop.shop_id}/pause"
    status, content = await _asked(client, "POST", path, header)
    assert (status, content["shop"]["paused"], content["shop"]["works"]) == (200, True, False)
    assert await value(pool, "SELECT last_used_at IS NOT NULL FROM mpsync.access_tokens")
    async with pool.connection() as connection:
        [token] = await access.list_tokens(connection)
        await access.revoke(connection, token.token_id)
    status, content = await _asked(client, "POST", path, header)
    assert (status, "was revoked" in content["detail"]) == (401, True)


async def test_a_binding_to_a_customer_holds_on_every_route(pool: Database, client: aiohttp.ClientSession) -> None:
    own, other = await add_shop(pool, "north", customer="Flax"), await add_shop(pool, "south", customer="Wool")
    runs = {shop.shop_id: await open_run(pool, shop, *await plan(pool, shop, ("orders", Lane.LIVE))) for shop in (own, other)}
    async with pool.connection() as connection:
        foreign = await requests.create(connection, shop_id=other.shop_id, mode=Mode.FULL, requested_by="me")
    customer = await value(pool, "SELECT customer_id FROM mpsync.customers WHERE name = 'Flax'")
    header = await _token(pool, Role.ADMIN, customers=[customer])
    _, shops = await _asked(client, "GET", "/api/shops", header)
    assert [each["name"] for each in shops["shops"]] == ["north"]
    _, listed = await _asked(client, "GET", "/api/runs", header)
    assert [each["run_id"] for each in listed["runs"]] == [runs[own.shop_id]]
    foreign_paths = {
        ("POST", f"/api/shops/{other.shop_id}/pause"): ("POST", "/api/shops/987654/pause"),
        ("POST", f"/api/shops/{other.shop_id}/resume"): ("POST", "/api/shops/987654/resume"),
        ("GET", f"/api/runs/{runs[other.shop_id]}"): ("GET", "/api/runs/987654"),
        ("POST", f"/api/runs/{runs[other.shop_id]}/cancel"): ("POST", "/api/runs/987654/cancel"),
        ("GET", f"/api/requests/{foreign}"): ("GET", "/api/requests/987654"),
    }
    everything = await _token(pool, Role.ADMIN)
    for (method, path), (_, missing) in foreign_paths.items():
        status, told = await _asked(client, method, path, header)
        assert status == 404, path
        # word for word what somebody is told who asks for what does not exist, bound or not
        for who in (header, everything):
            _, nothing = await _asked(client, method, missing, who)
            number = path.split("/")[3]
            assert told["detail"].replace(number, "987654") == nothing["detail"]
    status, told = await _asked(client, "POST", "/api/runs", header, json={"shop_id": other.shop_id})
    assert (status, told["detail"]) == (404, f"There is no shop with the id {other.shop_id}.")
    assert not await value(pool, "SELECT paused FROM mpsync.shops WHERE shop_id = $1", other.shop_id)
    assert not await value(pool, "SELECT cancel FROM mpsync.runs WHERE shop_id = $1", other.shop_id)


async def test_equal_wishes_are_one_request(pool: Database, client: aiohttp.ClientSession) -> None:
    shop = await add_shop(pool)
    await plan(pool, shop, ("orders", Lane.LIVE))
    header = await _token(pool)
    wish = {"shop_id": shop.shop_id, "mode": "selective", "streams": ["orders"], "start": "2026-11-01T00:00:00Z"}
    answers = await asyncio.gather(*(_asked(client, "POST", "/api/runs", header, json=wish) for _ in range(5)))
    assert {status for status, _ in answers} == {202}
    [request_id] = {content["request_id"] for _, content in answers}
    await hold(pool, ONE)
    async with pool.connection() as connection:
        [taken] = await requests.take(connection, ONE)
    assert (taken.request_id, taken.mode, taken.streams, taken.end) == (request_id, Mode.SELECTIVE, ("orders",), None)
    _, shown = await _asked(client, "GET", f"/api/requests/{request_id}", {})
    assert shown["request"]["taken_at"] is not None
    await execute(pool, "UPDATE mpsync.customers SET enabled = false")
    status, told = await _asked(client, "POST", "/api/runs", header, json=wish)
    assert (status, "is switched off" in told["detail"]) == (409, True)
    status, told = await _asked(client, "POST", "/api/runs", header, json=wish | {"shop_id": 10**17})
    assert status == 404


async def test_a_run_without_a_daemon_is_cancelled_at_once_and_stays_so(pool: Database, client: aiohttp.ClientSession) -> None:
    shop = await add_shop(pool)
    run_id = await open_run(pool, shop, *await plan(pool, shop, ("orders", Lane.LIVE)))
    header = await _token(pool)
    for _ in range(2):
        assert await _asked(client, "POST", f"/api/runs/{run_id}/cancel", header) == (200, {"run_id": run_id, "cancelled": True})
    assert await value(pool, "SELECT state FROM mpsync.runs") == RunState.CANCELLED


async def test_a_shop_that_is_being_removed_can_not_be_paused(pool: Database, client: aiohttp.ClientSession) -> None:
    shop = await add_shop(pool)
    await execute(pool, "UPDATE mpsync.shops SET status = 'removing'")
    status, told = await _asked(client, "POST", f"/api/shops/{shop.shop_id}/pause", await _token(pool))
    assert (status, "is being removed" in told["detail"]) == (409, True)


async def test_without_a_database_nobody_can_be_recognised(pool: Database, client: aiohttp.ClientSession) -> None:
    header = await _token(pool)
    await pool._pool.close()
    async with client.get("/api/shops", headers=header) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert (await client.get("/healthz")).status == 200


async def test_a_flood_of_tokens_takes_two_connections_at_most(pool: Database, client: aiohttp.ClientSession) -> None:
    """The table is locked, so whoever looks at it stays; the rest of the pool is free for the work."""
    header = await _token(pool)
    async with pool.transaction() as connection:
        await connection.execute("LOCK TABLE mpsync.access_tokens IN ACCESS EXCLUSIVE MODE")
        asked = [asyncio.create_task(_asked(client, "GET", "/api/shops", header)) for _ in range(8)]
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'mpsync.access_tokens'::regclass"
        while await connection.fetchval(waiting) < 2:
            await asyncio.sleep(0.01)
        assert await _asked(client, "GET", "/api/shops", {}) == (200, {"shops": []})
        assert await connection.fetchval(waiting) == 2
    assert {status for status, _ in await asyncio.gather(*asked)} == {200}
