"""Webhooks of a Kaiten company by real processes: what they tell is there soon, what they lose is found, what was taken is kept."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from mpsyncd.model.run import Mode
from mpsyncd.sandbox import CompanySpec, Fault, FaultKind, SandboxOptions, serve
from support.kaiten_truth import untrue
from support.loads import World, ask, explained, one, run, unread
from support.processes import SCALE, DaemonProcess, Install, Installation, until

COMPANY = CompanySpec(name="acme", title="ООО Акме", spaces=2, boards=2, users=8, tags=6, selects=1, cards=110, archived=20, imported=10)
BURST, STORM = 60, 300
SENDERS = 8


@dataclass
class Hooked:
    """A company that stands still, a daemon that has read it, and the address of its webhooks."""

    world: World
    installation: Installation
    daemon: DaemonProcess
    shop: int
    dsn: str
    url: str

    async def hang(self) -> None:
        """Give every space its webhook."""
        await self.world._ask("POST", "/_webhooks", {"company": COMPANY.name, "url": self.url})

    async def burst(self, count: int) -> None:
        """Let so many things happen now."""
        await self.world._ask("POST", "/_webhooks/burst", {"company": COMPANY.name, "count": count})

    async def counts(self) -> dict[str, int]:
        """What became of what the company told."""
        return dict((await self.world._ask("GET", "/_webhooks"))["counts"])

    async def delivered(self, *, others: int = 0) -> None:
        """Wait until everything that the company told has come, besides `others`, and is processed."""

        async def quiet() -> bool:
            standing = await self.world._ask("GET", "/_webhooks")
            waiting = await one(self.dsn, "SELECT count(*) FROM mpsync.webhook_deliveries WHERE state = 'pending'")
            done = await one(self.dsn, "SELECT done FROM mpsync.webhooks")
            return bool(standing["waiting"] == waiting == 0 and done == standing["counts"].get("posted", 0) + others > others)

        await until(quiet, what="all deliveries to be processed")


def _free_port() -> int:
    with socket.socket() as one_of_them:
        one_of_them.bind(("127.0.0.1", 0))
        return int(one_of_them.getsockname()[1])


@pytest.fixture
async def hooked(install: Install) -> AsyncIterator[Hooked]:
    options = SandboxOptions(sellers=(), companies=(COMPANY,), limit_scale=SCALE, event_rate=0.0)
    async with await serve(options) as sandbox:
        world, port = World(sandbox), _free_port()
        [company] = sandbox.demo_shops()
        installation = install(
            world.url,
            sources__kaiten={"hosts": ["127.0.0.1"]},
            engine={"sweep_share": 1.0},
            http={"port": port, "public_url": f"http://127.0.0.1:{port}"},
        )
        daemon = await installation.started()
        key = f"api_url = {company.base_url}\napi_token = {company.token}\n"
        out = await installation.good("shops", "add", "kaiten", "--token-file", "-", "--name", "acme", "--json", stdin=key)
        shop, dsn = int(json.loads(out)["shop"]["shop_id"]), await installation.dsn()
        url = (await installation.good("webhooks", "url", "acme")).strip()

        async def read() -> bool:
            return await unread(dsn, shop) == []

        await until(read, what="the first load")
        yield Hooked(world, installation, daemon, shop, dsn, url)


async def test_what_webhooks_tell_is_there_before_any_schedule_and_a_storm_ends_equal_to_the_truth(hooked: Hooked) -> None:
    told = json.loads(await hooked.installation.good("webhooks", "test", "acme", "--public", "--json"))
    assert (told["event"], told["state"]) == ("mpsyncd:test", "done")
    await hooked.hang()
    await hooked.burst(BURST)
    await hooked.delivered(others=1)
    named = {int(row[0]) for row in await ask(hooked.dsn, "SELECT key ->> 0 FROM mpsync.webhook_touches WHERE stream = 'cards'")}
    assert len(named) > 10
    wrong = await untrue(hooked.dsn, hooked.world.url, COMPANY.name, shop_id=hooked.shop, tables=("kaiten.cards",))
    assert [each for each in wrong if int(each.partition("): ")[2].partition(":")[0]) in named] == []
    written = "SELECT id, synced_at FROM kaiten.cards WHERE id = ANY ($1::bigint[]) AND deleted_at IS NULL ORDER BY id"
    before = [tuple(row) for row in await ask(hooked.dsn, written, sorted(named))]
    assert await run(hooked.dsn, hooked.shop, mode=Mode.FULL, streams=("cards",)) == "done"
    after = [tuple(row) for row in await ask(hooked.dsn, written, sorted(named))]
    assert after == before, "a card reads alike alone and in the list"
    assert await one(hooked.dsn, "SELECT count(*) FROM mpsync.runs WHERE trigger = 'webhook'") > 0
    shown = " ".join((await hooked.installation.good("status")).split())
    assert "webhooks: last delivery" in shown
    assert hooked.url.rpartition("/")[2] not in hooked.daemon.text() + shown
    await _storm(hooked)


async def _storm(hooked: Hooked) -> None:
    """Deliveries are lost, doubled and out of order; what was lost is found by reading everything."""
    hooked.world.arm(
        Fault(kind=FaultKind.HOOK_LOST, probability=0.1),
        Fault(kind=FaultKind.HOOK_DOUBLED, probability=0.2),
        Fault(kind=FaultKind.HOOK_LATE, probability=0.3, pause=1.0),
    )
    before = len(await hooked.world.asked())
    await hooked.burst(STORM)
    await hooked.delivered(others=1)
    counts = await hooked.counts()
    assert min(counts["lost"], counts["doubled"], counts["late"]) > 0
    assert counts["status 200"] == counts["posted"]
    asked = [each["path"] for each in (await hooked.world.asked())[before:]]
    cards = [path for path in asked if path.startswith("/cards/") and path.count("/") == 2]
    assert 0 < len(cards) < counts["posted"], "many deliveries about one card are few reads"
    assert await one(hooked.dsn, "SELECT count(*) FROM mpsync.webhook_deliveries WHERE state <> 'done'") == 0
    assert await run(hooked.dsn, hooked.shop, mode=Mode.FULL) == "done", await explained(hooked.dsn, hooked.shop)
    assert await untrue(hooked.dsn, hooked.world.url, COMPANY.name, shop_id=hooked.shop) == []


async def test_killed_under_deliveries_nothing_that_was_acknowledged_is_lost(hooked: Hooked) -> None:
    cards = [row["id"] for row in await ask(hooked.dsn, "SELECT id FROM kaiten.cards")]
    acknowledged: dict[int, bytes] = {}
    ended = asyncio.Event()

    async def send(session: aiohttp.ClientSession, sender: int) -> None:
        number = 0
        while not ended.is_set():
            number += 1
            event: dict[str, Any] = {"event": "card:update", "data": {"old": {"id": cards[number % len(cards)]}, "mark": [sender, number]}}
            body = json.dumps(event).encode()
            try:
                async with session.post(hooked.url, data=body) as answer:
                    if answer.status == 200:
                        acknowledged[(await answer.json())["delivery_id"]] = body
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(0.05)

    async with aiohttp.ClientSession() as session:
        senders = [asyncio.create_task(send(session, number)) for number in range(SENDERS)]
        daemon = hooked.daemon
        for _ in range(2):
            count = len(acknowledged)
            await until(lambda count=count: len(acknowledged) > count + 150, what="deliveries to be acknowledged")  # type: ignore[misc]
            await daemon.kill()
            daemon = await hooked.installation.started()
        ended.set()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*senders)
    dsn = await hooked.installation.dsn()
    kept = {row["delivery_id"]: row["body"] for row in await ask(dsn, "SELECT delivery_id, body FROM mpsync.webhook_deliveries")}
    assert len(acknowledged) > 300
    assert {number: kept.get(number) for number in acknowledged} == acknowledged

    async def processed() -> bool:
        return not await one(dsn, "SELECT count(*) FROM mpsync.webhook_deliveries WHERE state = 'pending'")

    await until(processed, what="what the killed daemons left to be processed")
    assert await one(dsn, "SELECT count(*) FROM mpsync.webhook_deliveries WHERE state <> 'done'") == 0
