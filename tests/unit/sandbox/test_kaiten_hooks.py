"""Webhooks of the sandbox's Kaiten: the shapes of all events, what faults do to deliveries, and the posting itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from mpsyncd.sandbox import Fault, FaultKind, SandboxOptions, serve
from mpsyncd.sandbox.kaiten.hook_spelling import EVENTS
from mpsyncd.sandbox.kaiten.post import Letter
from support.kaiten_caller import ACME, KaitenCaller

NOWHERE = "http://127.0.0.1:9/hook"
OF_CARDS = ("card_member", "comment", "file", "block", "card_time_log")


def letters(caller: KaitenCaller, *, events: int, space: int | None = None) -> list[Letter]:
    given = {"company": "acme", "url": NOWHERE} | ({} if space is None else {"space": space})
    caller.bare("POST", "/_webhooks", given)
    caller.bare("POST", "/_webhooks/burst", {"company": "acme", "count": events})
    return caller.core.kaiten.post.take(caller.now)


def test_every_event_has_its_shape() -> None:
    caller = KaitenCaller()
    told: dict[str, Any] = {letter.event: orjson.loads(letter.body) for letter in letters(caller, events=3_000)}

    assert set(told) == set(EVENTS)
    for event, body in told.items():
        data = body["data"]
        assert body["event"] == event
        assert set(data["author"]) == {"id", "full_name", "username", "email"}
        entity, _, verb = event.partition(":")
        assert set(data) == {"old", "changes", "author"} if verb == "update" else "old" not in data
        place = data["old"] if verb == "update" else data
        assert ("card_id" in place) == (entity in OF_CARDS or event in {"tag:add", "tag:remove"}), event


def test_cards_are_told_as_the_vendor_does() -> None:
    caller = KaitenCaller()
    told = [orjson.loads(letter.body) for letter in letters(caller, events=1_500)]
    added = [body["data"] for body in told if body["event"] == "card:add"]
    changes = [body["data"]["changes"] for body in told if body["event"] == "card:update"]
    boards = [body["data"] for body in told if body["event"] == "board:add"]

    assert all({"owner", "type", "checklists", "files", "external_links"} <= set(one) for one in added)
    assert not any({"tag_ids", "space_id"} & set(one) for one in added)
    assert all("version" in one for one in changes)
    assert any("column_id" in one for one in changes)
    assert any(one.get("archived") is True and one["condition"] == 2 for one in changes)
    assert all({"space_id", "columns", "lanes"} <= set(one) for one in boards)
    assert boards


def test_only_a_space_with_a_hook_is_told_of_and_a_board_in_two_spaces_twice() -> None:
    caller = KaitenCaller()
    space = next(iter(caller.company.spaces))
    here = letters(caller, events=400, space=space)
    assert {letter.space for letter in here} == {space}

    caller.bare("DELETE", "/_webhooks")
    caller.bare("POST", "/_webhooks/burst", {"company": "acme", "count": 50})
    assert caller.core.kaiten.post.take(caller.now) == []

    twice = Counter((letter.event, letter.body) for letter in letters(caller, events=400))
    assert 2 in twice.values()


def test_a_hook_that_is_switched_off_is_silent() -> None:
    caller = KaitenCaller()
    caller.bare("POST", "/_webhooks", {"company": "acme", "url": NOWHERE, "enabled": False})
    caller.bare("POST", "/_webhooks/burst", {"company": "acme", "count": 50})

    assert caller.core.kaiten.post.take(caller.now) == []


def test_deliveries_are_lost_doubled_and_late() -> None:
    caller = KaitenCaller()
    caller.arm(*(Fault(kind=kind, path="card:update", probability=0.2, pause=5) for kind in (FaultKind.HOOK_LOST, FaultKind.HOOK_DOUBLED)))
    caller.arm(Fault(kind=FaultKind.HOOK_LATE, path="card:update", probability=0.2, pause=5))
    first = letters(caller, events=300)
    caller.wait(5)
    late = caller.core.kaiten.post.take(caller.now)
    counts = caller.bare("GET", "/_webhooks")["counts"]

    assert len(first) + len(late) == counts["told"] - counts["lost"] + counts["doubled"]
    assert len(late) == counts["late"] > 0
    assert counts["lost"] > 0
    assert counts["doubled"] > 0
    assert {letter.event for letter in late} == {"card:update"}


def test_addresses_elsewhere_and_unknown_companies_are_refused() -> None:
    caller = KaitenCaller()

    assert "error" in caller.bare("POST", "/_webhooks", {"company": "acme", "url": "https://example.com/hook"})
    assert "error" in caller.bare("POST", "/_webhooks", {"company": "other", "url": NOWHERE})
    assert "error" in caller.bare("POST", "/_webhooks", {"company": "acme", "url": NOWHERE, "space": 1})
    assert "error" in caller.bare("POST", "/_webhooks/burst", {"company": "acme", "count": 0})


@asynccontextmanager
async def receiver(status: int = 200) -> AsyncIterator[tuple[str, list[Any]]]:
    """A server that keeps what is posted to it."""
    got: list[Any] = []

    async def take(request: web.BaseRequest) -> web.Response:
        got.append(orjson.loads(await request.read()))
        return web.Response(status=status)

    runner = web.ServerRunner(web.Server(take))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", got
    finally:
        await runner.cleanup()


async def test_letters_are_posted_and_their_answers_kept() -> None:
    options = SandboxOptions(sellers=(), companies=(ACME,), event_rate=0)
    async with receiver(202) as (url, got), await serve(options) as sandbox, aiohttp.ClientSession(sandbox.url) as http:

        async def ask(method: str, path: str, body: Any = None) -> Any:
            async with http.request(method, path, json=body) as answer:
                return await answer.json()

        await ask("POST", "/_webhooks", {"company": "acme", "url": url})
        await ask("POST", "/_webhooks/burst", {"company": "acme", "count": 60})
        async with asyncio.timeout(20):
            while (await ask("GET", "/_webhooks"))["counts"].get("posted", 0) < 40:
                await asyncio.sleep(0.02)
        sent = (await ask("GET", "/_webhooks/sent"))["sent"]

    assert {one["status"] for one in sent} == {202}
    assert len(got) >= len(sent) >= 40
    assert {body["event"] for body in got} <= set(EVENTS)


async def test_the_world_moves_for_its_webhooks_though_nobody_asks() -> None:
    options = SandboxOptions(sellers=(), companies=(ACME,), event_rate=200)
    async with receiver() as (url, got), await serve(options) as sandbox:
        async with aiohttp.ClientSession() as http:
            await http.post(f"{sandbox.url}/_webhooks", json={"company": "acme", "url": url})
        async with asyncio.timeout(20):
            while len(got) < 20:
                await asyncio.sleep(0.02)


async def test_nobody_at_the_address_is_noted() -> None:
    options = SandboxOptions(sellers=(), companies=(ACME,), event_rate=200)
    async with receiver() as (url, _):
        pass
    async with await serve(options) as sandbox, aiohttp.ClientSession(sandbox.url) as http:
        await http.post("/_webhooks", json={"company": "acme", "url": url})
        async with asyncio.timeout(20):
            while not sandbox.core.kaiten.post.sent:
                await asyncio.sleep(0.02)
        assert sandbox.core.kaiten.post.sent[0]["status"] is None


async def test_pages_travel_compressed() -> None:
    options = SandboxOptions(sellers=(), companies=(ACME,))
    async with await serve(options) as sandbox:
        [shop] = sandbox.demo_shops()
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {shop.token}"}) as http:
            async with http.get(f"{shop.base_url}/cards") as packed:
                told = await packed.json()
            async with http.get(f"{shop.base_url}/cards", headers={"Accept-Encoding": "identity"}) as plain:
                again = await plain.json()

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert told == again
    assert len(told) == 100
