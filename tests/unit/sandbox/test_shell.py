"""The shell on a real loopback socket: compression, faulty deliveries, switches, closing."""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from mpsyncd.sandbox import Fault, FaultKind, Sandbox, SandboxOptions, SellerSpec, serve
from support.sandbox_caller import BORN, ORDERS, PAGED, SMALL

SINCE = f"{ORDERS}?dateFrom=2026-01-01"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def start(*sellers: SellerSpec, **options: Any) -> Sandbox:
    return await serve(SandboxOptions(sellers=sellers or (SMALL,), **options), clock=lambda: BORN)


def key(sandbox: Sandbox) -> dict[str, str]:
    return {"Authorization": sandbox.demo_shops()[0].token}


async def test_demo_shop_is_served_at_its_address(http: aiohttp.ClientSession) -> None:
    async with await start() as sandbox:
        shop = sandbox.demo_shops()[0]
        url = shop.base_url.format(host="statistics-api") + "/api/v1/supplier/orders"
        async with http.get(url, params={"dateFrom": "2026-01-01"}, headers={"Authorization": shop.token}) as response:
            assert response.status == 200
            assert response.headers["X-Ratelimit-Remaining"] == "9"
            assert len(await response.json()) == SMALL.orders
        async with http.get(f"{sandbox.url}/_shops") as response:
            assert [one["token"] for one in await response.json()] == [one.token for one in sandbox.demo_shops()]


@pytest.mark.parametrize("large", [False, True])
async def test_gzip_only_when_it_is_accepted(large: bool) -> None:
    spec = SellerSpec(name="one", title="x", cards=5, trashed=0, orders=400, large=large)
    async with await start(spec) as sandbox, aiohttp.ClientSession() as http:
        bodies: list[Any] = []
        for accepted in ("gzip, deflate", "identity"):
            async with http.get(sandbox.url + SINCE, headers={**key(sandbox), "Accept-Encoding": accepted}) as response:
                assert ("Content-Encoding" in response.headers) is (accepted != "identity")
                bodies.append(await response.json())
        assert bodies[0] == bodies[1]
        assert len(bodies[0]) == 400


async def test_body_above_the_thread_border_is_packed_too(http: aiohttp.ClientSession) -> None:
    spec = SellerSpec(name="one", title="x", cards=5, trashed=0, orders=2_500)
    async with await start(spec, orders_cap=5_000) as sandbox, http.get(sandbox.url + SINCE, headers=key(sandbox)) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert len(await response.json()) == 2_500


async def test_answer_that_is_worked_out_late_is_the_same_with_and_without_gzip() -> None:
    spec = SellerSpec(name="large", title="x", cards=5, trashed=0, orders=10, large=True, weeks=4, operations=300)
    url, body = "/wb/finance-api/api/finance/v1/sales-reports/detailed", {"dateFrom": "2026-01-01", "dateTo": "2026-11-21"}
    clock = iter(BORN + timedelta(minutes=minute) for minute in range(1_000))
    sandbox = await serve(SandboxOptions(sellers=(spec,), finance_cap=1_000), clock=lambda: next(clock))
    async with sandbox, aiohttp.ClientSession(sandbox.url) as http:
        bodies: list[Any] = []
        for accepted in ("gzip, deflate", "identity", "gzip"):
            async with http.post(url, json=body, headers={**key(sandbox), "Accept-Encoding": accepted}) as response:
                assert ("Content-Encoding" in response.headers) is (accepted != "identity")
                bodies.append(await response.json())
        assert bodies[0] == bodies[1] == bodies[2]
        assert len(bodies[0]) == 1_000


async def test_reset_and_stall_give_no_answer(http: aiohttp.ClientSession) -> None:
    for kind in (FaultKind.RESET, FaultKind.STALL):
        async with await start(faults=(Fault(kind=kind, pause=0.05),)) as sandbox:
            with pytest.raises(aiohttp.ClientError):
                await http.get(sandbox.url + SINCE, headers=key(sandbox))


async def test_truncated_body_breaks_in_its_middle(http: aiohttp.ClientSession) -> None:
    faults = (Fault(kind=FaultKind.TRUNCATED),)
    async with await start(faults=faults) as sandbox, http.get(sandbox.url + SINCE, headers=key(sandbox)) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_trickle_is_slow_but_whole(http: aiohttp.ClientSession) -> None:
    faults = (Fault(kind=FaultKind.TRICKLE, pause=0.001),)
    async with await start(faults=faults) as sandbox, http.get(sandbox.url + SINCE, headers=key(sandbox)) as response:
        assert len(await response.json()) == SMALL.orders


async def test_truth_is_streamed(http: aiohttp.ClientSession) -> None:
    async with await start(PAGED) as sandbox, http.get(f"{sandbox.url}/_truth/paged/wb.orders?stream=1") as response:
        assert response.headers["Content-Type"] == "application/x-ndjson"
        assert len((await response.read()).splitlines()) == PAGED.orders


async def test_clock_is_the_one_that_was_given(http: aiohttp.ClientSession) -> None:
    now = [BORN]
    sandbox = await serve(SandboxOptions(sellers=(SMALL,), event_rate=1.0), clock=lambda: now[0])
    async with sandbox:
        now[0] += timedelta(seconds=42)
        async with http.post(f"{sandbox.url}/_freeze") as response:
            assert await response.json() == {"frozen": True, "events": 42}


async def test_closing_cuts_a_stalled_answer(http: aiohttp.ClientSession) -> None:
    sandbox = await start(faults=(Fault(kind=FaultKind.STALL, pause=3_600),))
    asking = asyncio.create_task(http.get(sandbox.url + SINCE, headers=key(sandbox)))
    while not sandbox.core.journal.entries:
        await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await sandbox.close()

    with pytest.raises(aiohttp.ClientError):
        await asking


async def test_taken_port_is_an_os_error() -> None:
    async with await start() as sandbox:
        with pytest.raises(OSError, match="address already in use"):
            await start(port=int(sandbox.url.rsplit(":", 1)[1]))


async def test_request_that_is_too_long_is_refused(http: aiohttp.ClientSession) -> None:
    async with await start() as sandbox:
        url = f"{sandbox.url}/wb/content-api/content/v2/get/cards/list"
        async with http.post(url, data=io.BytesIO(b"x" * (2 << 20)), headers=key(sandbox)) as response:
            assert response.status == 413


async def test_a_client_that_goes_away_is_no_error(caplog: pytest.LogCaptureFixture, http: aiohttp.ClientSession) -> None:
    spec = SellerSpec(name="many", title="x", cards=5, trashed=0, orders=4_000)
    async with await start(spec, orders_cap=80_000) as sandbox:
        host, port = sandbox.url.removeprefix("http://").split(":")
        token = key(sandbox)["Authorization"]
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {SINCE} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nAuthorization: {token}\r\n\r\n".encode())
        await writer.drain()
        writer.transport.abort()
        async with asyncio.timeout(20):
            while True:
                async with http.get(f"{sandbox.url}/_stats") as response:
                    if (await response.json())["requests"]:
                        break
                await asyncio.sleep(0.01)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
