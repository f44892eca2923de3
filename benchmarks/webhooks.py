"""How many deliveries of webhooks a daemon takes for good, how long each waits, and how soon what they name is visible.

A real daemon with its own durable PostgreSQL and the sandbox's Kaiten company, at the vendor's limits (50 requests a second, of which 40
are used). Baselines of the same run: answers of /healthz, which is HTTP alone, and deliveries one by one, each with a commit of its own.
Usage: python benchmarks/webhooks.py [--seconds 10] [--connections 128] [--bytes 3000] [--cards 500]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from typing import Any

import aiohttp
import asyncpg
from kit.children import compiled, serving, told
from kit.cost import processor
from kit.installation import Installation, address, ask, installed, until_ready
from kit.report import goal, table

from support.loads import unread
from support.processes import until

RATE, CARDS_PER_SECOND = 1_000, 20
_LOOK_EVERY = 0.002


async def hooked(installation: Installation, sandbox: dict[str, Any]) -> str:
    """Add the company, wait until it is read, return the address of its webhooks."""
    key = f"api_url = {sandbox['base_url']}\napi_token = {sandbox['token']}\n"
    out = await installation.good("shops", "add", "kaiten", "--token-file", "-", "--name", "bench", "--json", stdin=key)
    shop, dsn = int(json.loads(out)["shop"]["shop_id"]), await installation.dsn()

    async def read() -> bool:
        return await unread(dsn, shop) == []

    await until(read, what="the first load", within=300)
    return (await installation.good("webhooks", "url", "bench")).strip()


async def sent(url: str, method: str, *, connections: int, rate: float, seconds: float, size: int) -> dict[str, Any]:
    """What a sender saw."""
    given = (url, method, str(connections), str(rate), str(seconds), str(size))
    return await told("kit.sender", *given, within=seconds + 60)


async def settled(dsn: str) -> None:
    """Wait until no delivery is pending."""

    async def none_waits() -> bool:
        return not (await ask(dsn, "SELECT count(*) FROM mpsync.webhook_deliveries WHERE state = 'pending'"))[0][0]

    await until(none_waits, what="deliveries to be processed", within=300)


async def visible(dsn: str, url: str, *, seconds: float) -> list[float]:
    """Seconds from a delivery's way in to its rows being committed, for cards at a steady rate."""
    cards = [row["id"] for row in await ask(dsn, "SELECT id FROM kaiten.cards WHERE deleted_at IS NULL")]
    random.shuffle(cards)
    sent_at: dict[int, float] = {}
    found: list[float] = []
    connection = await asyncpg.connect(dsn)
    tasks = set()

    async def post(session: aiohttp.ClientSession, card: int) -> None:
        began = time.perf_counter()
        async with session.post(url, json={"event": "card:update", "data": {"old": {"id": card}, "changes": {}}}) as answer:
            sent_at[(await answer.json())["delivery_id"]] = began

    async with aiohttp.ClientSession() as session:
        began, number = time.perf_counter(), 0
        while number < seconds * CARDS_PER_SECOND or sent_at or tasks:
            now = time.perf_counter()
            while number < seconds * CARDS_PER_SECOND and began + number / CARDS_PER_SECOND <= now:
                task = asyncio.create_task(post(session, cards[number % len(cards)]))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                number += 1
            done = await connection.fetch(
                "SELECT delivery_id FROM mpsync.webhook_deliveries WHERE delivery_id = ANY ($1::bigint[]) AND state = 'done'", list(sent_at)
            )
            found += [time.perf_counter() - sent_at.pop(row["delivery_id"]) for row in done]
            await asyncio.sleep(_LOOK_EVERY)
    await connection.close()
    return sorted(found)


async def main(*, seconds: float, connections: int, size: int, cards: int) -> None:
    """HTTP alone, deliveries one by one, many at once, at the goal's rate, and what they lead to."""
    with serving("kit.company", str(cards)) as sandbox, installed(sandbox["url"], limit_scale=1) as installation:
        installation.set(sources__kaiten={"hosts": ["127.0.0.1"]}, http={"public_url": address(installation)})
        daemon, _ = await until_ready(installation)
        url = await hooked(installation, sandbox)
        dsn = await installation.dsn()
        rounds = {
            "/healthz, many at once": (f"{address(installation)}/healthz", "GET", connections, 0.0),
            "deliveries one by one": (url, "POST", 1, 0.0),
            "deliveries, many at once": (url, "POST", connections, 0.0),
            f"deliveries at {RATE:,} a second": (url, "POST", connections, float(RATE)),
        }
        seen, rows = {}, []
        for name, (target, method, side_by_side, rate) in rounds.items():
            before = processor(daemon.pid)
            seen[name] = came = await sent(target, method, connections=side_by_side, rate=rate, seconds=seconds, size=size)
            share = (processor(daemon.pid) - before) / came["seconds"]
            good = came["statuses"].get("200", 0)
            rows.append((name, good / came["seconds"], came["requests"] - good, *(1000 * q for q in came["quantiles"].values()), share))
            await settled(dsn)
        kept = (await ask(dsn, "SELECT count(*) FROM mpsync.webhook_deliveries"))[0][0]
        promised = sum(came["statuses"].get("200", 0) for name, came in seen.items() if name.startswith("deliveries"))
        before, began = processor(daemon.pid), time.perf_counter()
        latencies = await visible(dsn, url, seconds=seconds)
        share = (processor(daemon.pid) - before) / (time.perf_counter() - began)
        await daemon.terminate()
    table(("", "a second", "not 200", "p50 ms", "p99 ms", "processors"), rows)
    print()
    half, most = (1000 * latencies[int(len(latencies) * share)] for share in (0.5, 0.99))
    head = (f"{CARDS_PER_SECOND} cards a second", "deliveries", "p50 ms", "p99 ms", "processors")
    table(head, [("delivery to visible row", len(latencies), half, most, share)])
    print()
    goal("durable deliveries a second", rows[2][1], least=RATE)
    goal(f"p99 of the answer at {RATE:,} a second", rows[3][4], most=50, unit=" ms")
    goal("acknowledged deliveries that are not in the table", max(0, promised - kept), most=0)
    goal("p99 from delivery to visible row", most, most=300, unit=" ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--bytes", type=int, default=3_000)
    parser.add_argument("--cards", type=int, default=500)
    given = parser.parse_args()
    with compiled():
        asyncio.run(main(seconds=given.seconds, connections=given.connections, size=given.bytes, cards=given.cards))
