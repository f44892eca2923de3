"""What a daemon holds in memory while it reads pages of 80,000 orders, and how fast it answers /healthz meanwhile.

A real daemon with its own PostgreSQL reads a large seller of the sandbox, which is a process too. The baselines are the same daemon before
it has a shop, and the smallest number of rows. --finance: rows of sales reports with 96 fields in pages of 100,000 instead, and everything
else that a shop has. Usage: python benchmarks/memory.py [--rows 80000,100000,1000000] [--finance]
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass

import aiohttp
from kit.children import serving
from kit.cost import MB, peak, processor, resident
from kit.installation import Installation, add_shops, address, installed, loaded, until_ready
from kit.report import goal, table

PATIENCE = 600
REST_SECONDS = 5.0
BETWEEN = 0.01
PAGE = 80_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One load: bytes before, at most and after; /healthz in milliseconds, at rest and while loading, ascending; rows a second."""

    ready: int
    peak: int
    after: int
    rest: list[float]
    busy: list[float]
    rate: float
    processor: float


async def asked(session: aiohttp.ClientSession, url: str, until: Awaitable[object]) -> list[float]:
    """Ask again and again until something is over; how long each answer took, from when it was due."""
    over = asyncio.ensure_future(until)
    found = []
    while not over.done():
        began = time.perf_counter()
        async with session.get(f"{url}/healthz") as answer:
            await answer.read()
            answer.raise_for_status()
        took = time.perf_counter() - began
        found.append(took * 1000)
        await asyncio.sleep(max(0.0, BETWEEN - took))
    await over
    return sorted(found)


async def load(installation: Installation, tokens: dict[str, str], rows: int) -> Measured:
    """Start a daemon, let it rest, add the shop, wait until everything is read."""
    daemon, _ = await until_ready(installation)
    dsn = await installation.dsn()
    async with aiohttp.ClientSession() as session:
        rest = await asked(session, address(installation), asyncio.sleep(REST_SECONDS))
        ready, used = peak(daemon.pid), processor(daemon.pid)
        shops = await add_shops(installation, tokens)
        began = time.perf_counter()
        busy = await asked(session, address(installation), loaded(dsn, *shops, within=PATIENCE))
        seconds = time.perf_counter() - began
    found = Measured(
        ready=ready,
        peak=peak(daemon.pid),
        after=resident(daemon.pid),
        rest=rest,
        busy=busy,
        rate=rows / seconds,
        processor=processor(daemon.pid) - used,
    )
    await daemon.terminate()
    return found


def part(ascending: list[float], share: float) -> float:
    """The value that a share of all stays below."""
    return ascending[min(len(ascending) - 1, int(len(ascending) * share))]


async def main(sizes: list[int], *, finance: bool) -> None:
    """Every size with an installation of its own."""
    results: dict[int, Measured] = {}
    lines: list[tuple[object, ...]] = []
    for rows in sizes:
        vendor = ("kit.account", "1", "10000", "jam", str(rows)) if finance else ("kit.sandbox", "1", str(rows), "large")
        with serving(*vendor) as sandbox, installed(sandbox["url"]) as installation:
            one = results[rows] = await load(installation, sandbox["tokens"], rows)
        quantiles = [part(one.busy, 0.5), part(one.busy, 0.99), one.busy[-1]]
        memory = [held / MB for held in (one.ready, one.peak, one.after)]
        lines.append((f"{rows:,}", *memory, *quantiles, part(one.rest, 0.99), one.rate, one.processor))
    table(("rows", "ready MB", "peak MB", "after MB", "p50 ms", "p99 ms", "max ms", "p99 at rest", "rows/s", "CPU s"), lines)
    print()
    for rows, one in results.items():
        goal(f"{rows:,} rows, peak memory", one.peak / MB, most=150, unit=" MB")
        goal(f"{rows:,} rows, /healthz p99", part(one.busy, 0.99), most=50, unit=" ms")
    small, large = min((rows for rows in sizes if rows > PAGE), default=min(sizes)), max(sizes)
    if small != large:
        goal(f"peak memory, {large:,} / {small:,} rows", results[large].peak / results[small].peak, most=1.05)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="80000,100000,1000000", help="sizes, comma between")
    parser.add_argument("--finance", action="store_true", help="rows of sales reports, beside everything else of a shop")
    given = parser.parse_args()
    asyncio.run(main([int(size) for size in given.rows.split(",")], finance=given.finance))
