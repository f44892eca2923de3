"""How long SIGTERM takes while many shops are in the middle of their first load, and what is left behind.

A real daemon with its own PostgreSQL; its shops come from a shop list. The baseline is the same daemon without any work. Afterwards the
database is looked at: no lease is held, no run is open, no committed page is gone.
Usage: python benchmarks/stop.py [--shops 200] [--times 3]
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import time
from dataclasses import dataclass
from typing import Any

from kit.children import compiled, serving
from kit.installation import DaemonProcess, Installation, ask, installed, until_ready
from kit.report import goal, table

from mpsyncd.daemon import open_storage
from mpsyncd.settings import load
from support.processes import until
from support.shop_lists import ShopFile

PATIENCE = 600
_AT_WORK = "SELECT count(DISTINCT shop_id) FROM mpsync.runs WHERE ended_at IS NULL"
_PAGES = "SELECT coalesce(sum(pages), 0)::bigint FROM mpsync.run_feeds"
_LEFT = """
SELECT (SELECT count(*) FROM mpsync.leases WHERE holder IS NOT NULL) AS leases,
       (SELECT count(*) FROM mpsync.runs WHERE ended_at IS NULL) AS open_runs,
       (SELECT count(*) FROM mpsync.daemons WHERE gone_at IS NULL) AS daemons,
       (SELECT coalesce(sum(pages), 0)::bigint FROM mpsync.run_feeds) AS pages
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """One stop: seconds, pages committed when it was asked for, and what the database says afterwards."""

    seconds: float
    pages: int
    left: dict[str, Any]


async def working(installation: Installation, shops: int, pages: int) -> int:
    """Wait until every shop is at work and so many pages are committed; how many those are."""
    dsn = await installation.dsn()

    async def all_at_work() -> bool:
        busy, committed = (await ask(dsn, _AT_WORK))[0][0], (await ask(dsn, _PAGES))[0][0]
        return bool(busy >= shops and committed >= pages)

    await until(all_at_work, what=f"{shops} shops at work", within=PATIENCE)
    return int((await ask(dsn, _PAGES))[0][0])


async def ended(daemon: DaemonProcess) -> float:
    """Seconds from SIGTERM to the end of the process."""
    began = time.perf_counter()
    daemon.process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(daemon.process.wait)
    seconds = time.perf_counter() - began
    if daemon.process.returncode != 0:
        raise RuntimeError(f"the daemon ended with {daemon.process.returncode}: {daemon.text()[-2_000:]}")
    return seconds


async def left(installation: Installation) -> dict[str, Any]:
    """What the database says when nobody works on it."""
    async with open_storage(load(installation.settings_file, {})) as storage, storage.pool.connection() as connection:
        row = await connection.fetchrow(_LEFT)
        return dict(row.items()) if row is not None else {}


async def main(*, shops: int, times: int) -> None:
    """Stop it idle, then at work, again and again."""
    with serving("kit.sandbox", str(shops), "3000", "small") as sandbox, installed(sandbox["url"], limit_scale=200) as installation:
        idle = await ended((await until_ready(installation))[0])
        ShopFile(installation).set(**sandbox["tokens"])
        found: list[Stopped] = []
        for _ in range(times):
            daemon, _ = await until_ready(installation)
            pages = await working(installation, shops, shops + (found[-1].pages if found else 0))
            seconds = await ended(daemon)
            found.append(Stopped(seconds=seconds, pages=pages, left=await left(installation)))
    head = ("", "seconds", "pages before", "pages after", "leases held", "runs open")
    name = f"{shops} shops at work"
    rows = [(name, each.seconds, each.pages, each.left["pages"], each.left["leases"], each.left["open_runs"]) for each in found]
    table(head, [("idle", idle, "", "", "", ""), *rows])
    print()
    goal(f"SIGTERM to exit with {shops} working shops", max(each.seconds for each in found), most=10, unit=" s")
    goal("leases and runs left behind", sum(each.left["leases"] + each.left["open_runs"] + each.left["daemons"] for each in found), most=0)
    goal("committed pages that are gone", sum(max(0, each.pages - each.left["pages"]) for each in found), most=0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shops", type=int, default=200)
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args()
    with compiled():
        asyncio.run(main(shops=given.shops, times=given.times))
