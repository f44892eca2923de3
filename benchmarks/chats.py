"""How long it takes to read a thousand chats with twelve thousand messages, against the least time that the vendor's limits allow.

A real daemon with a PostgreSQL of its own reads sellers of the sandbox, which keeps the published limits and gives fifty events a page (the
vendor does not publish how many it gives; with more it is as much quicker). The floor comes from the sandbox's log, as in first_load.py.
Shops have budgets of their own, so five of them must take no longer than one.

Usage: python benchmarks/chats.py [--shops 1] [--scale 1] [--chats 1000] [--messages 12]
"""

from __future__ import annotations

import argparse
import asyncio
import time
from datetime import UTC, datetime

from first_load import ENOUGH, PATIENCE, asked, tell
from kit.children import serving
from kit.cost import MB, peak, processor
from kit.installation import add_shops, ask, installed, until_ready
from kit.report import goal

_READ = "SELECT count(*) FROM mpsync.feeds WHERE stream = 'chat_events' AND last_success_at IS NOT NULL"
_COUNTS = "SELECT chats_total, chats_synced, messages_added FROM sync_logs WHERE chats_total IS NOT NULL ORDER BY id"
_LOOK = 0.25


async def main(*, shops: int, scale: float, chats: int, messages: int) -> None:
    """One run."""
    with (
        serving("kit.talk", str(shops), str(scale), str(chats), str(messages)) as sandbox,
        installed(sandbox["url"], limit_scale=scale) as installation,
    ):
        await add_shops(installation, sandbox["tokens"])
        since = datetime.now(UTC)
        daemon, ready = await until_ready(installation)
        began = time.monotonic()
        dsn = await installation.dsn()
        while (await ask(dsn, _READ))[0][0] < shops:
            if time.monotonic() - began > PATIENCE:
                raise RuntimeError("the chats were not read in time")
            await asyncio.sleep(_LOOK)
        took = time.monotonic() - began
        cost = f"peak {peak(daemon.pid) / MB:.0f} MB, processor {processor(daemon.pid):.0f} s"
        log = await asked(sandbox["url"])
        rows = [tuple(row) for row in await ask(dsn, _COUNTS)]
        await daemon.terminate()
    print(f"ready after {ready:.1f} s, all read {took:.1f} s later; {cost}; chats, whole, events by shop: {rows}", flush=True)
    worst = tell(log, sandbox, since=since)
    goal("wall / floor", took / worst, most=ENOUGH)
    goal("429", sum(one["status"] == 429 for one in log), most=0)  # noqa: PLR2004 - too many requests


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shops", type=int, default=1, help="how many, all at once")
    parser.add_argument("--scale", type=float, default=1.0, help="how many times faster than published the limits are")
    parser.add_argument("--chats", type=int, default=1000, help="chats of each")
    parser.add_argument("--messages", type=int, default=12, help="messages of a chat, about")
    given = parser.parse_args()
    asyncio.run(main(shops=given.shops, scale=given.scale, chats=given.chats, messages=given.messages))
