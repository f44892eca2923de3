"""How long a full sync of a Kaiten company takes, against the least time that its limit allows, and how much memory it needs.

A real daemon with a PostgreSQL of its own reads a company of the sandbox, which is a process too and keeps the limit: 50 requests a second,
of which four fifths are used, or 5 and the headers of the older documentation. The floor is the number of requests that the sandbox was
asked, as if they had come as densely as the limit allows. Comments are a request a card and no part of it.

Usage: python benchmarks/kaiten.py [--cards 1000] [--large] [--old] [--changes]. --large: cards without parts, 24 KB each. --changes: then
also what changed meanwhile, all streams, comments of changed cards too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from kit.children import serving
from kit.cost import MB, peak, processor
from kit.installation import ask, installed, until_ready
from kit.report import goal, table

from support.loads import Switches
from support.processes import DaemonProcess

SPACES, BOARDS, USERS, TAGS, SELECTS = 20, 100, 300, 300, 30
OURS, THEIRS_OLD = 40.0, 5.0
ENOUGH, ENOUGH_LARGE, MEMORY = 1.05, 1.1, 150
STREAMS = (
    *("spaces", "users", "card_types", "tags", "custom_properties", "property_values"),
    *("boards", "columns", "lanes", "cards"),
)
_LEFT = "SELECT count(*) FROM mpsync.feeds WHERE shop_id = $1 AND stream = ANY ($2) AND last_success_at IS NOT NULL"
_POLL = 0.05
PATIENCE = 1_200


async def measure(*, cards: int, large: bool, old: bool, changes: bool) -> None:
    """Load one company and report."""
    archived = cards // 10
    sizes = (SPACES, BOARDS, USERS, TAGS, SELECTS, cards - archived, archived, int(large), int(old), 1)
    with serving("kit.companies", *map(str, sizes)) as told, installed(told["url"], limit_scale=1) as installation:
        installation.set(sources__kaiten={"hosts": ["127.0.0.1"]})
        daemon, _ = await until_ready(installation)
        text = f"api_url = {told['address']}\napi_token = {told['token']}\n"
        added = await installation.good("shops", "add", "kaiten", "--token-file", "-", "--name", "acme", "--json", stdin=text)
        shop = int(json.loads(added)["shop"]["shop_id"])
        dsn, switches = await installation.dsn(), Switches(told["url"])
        await read_whole(dsn, shop, STREAMS, daemon)
        spent = processor(daemon.pid)
        log = [one for one in await switches.asked() if not one["path"].endswith("/current")]
        stored = (await ask(dsn, "SELECT count(*) FROM kaiten.cards WHERE shop_id = $1 AND deleted_at IS NULL", shop))[0][0]
        report(log, spent=spent, memory=peak(daemon.pid), rate=THEIRS_OLD if old else OURS, large=large)
        print(f"{stored:,} cards stored of {cards:,}; refused: {(await switches.stats())['throttled']}")
        if changes:
            await read_whole(dsn, shop, (*STREAMS, "comments"), daemon)
            before = len(await switches.asked())
            await installation.good("sync", "acme")
            times = moments((await switches.asked())[before:])
            rate = THEIRS_OLD if old else OURS
            print(f"changes: {len(times)} requests in {times[-1] - times[0]:.1f} s, floor at {rate:g} a second {len(times) / rate:.1f} s")
            goal("changes, time against the floor", (times[-1] - times[0]) * rate / len(times), most=ENOUGH_LARGE)


async def read_whole(dsn: str, shop: int, streams: Sequence[str], daemon: DaemonProcess) -> None:
    """Return when each of the streams was read once; twenty minutes at most."""
    began = time.perf_counter()
    while (await ask(dsn, _LEFT, shop, streams))[0][0] < len(streams):
        if time.perf_counter() - began > PATIENCE:
            raise TimeoutError(daemon.text()[-2_000:])
        await asyncio.sleep(_POLL)


def moments(log: Sequence[Mapping[str, str]]) -> list[float]:
    """When requests came, in seconds, ascending."""
    return sorted(datetime.fromisoformat(one["at"]).timestamp() for one in log)


def report(log: Sequence[Mapping[str, str]], *, spent: float, memory: int, rate: float, large: bool) -> None:
    """Print what was asked, and the time against the floor."""
    table(("method", "requests"), sorted(Counter(one["path"] for one in log).items()))
    times = moments([one for one in log if not one["path"].endswith("/comments")])
    took, floor = times[-1] - times[0], len(times) / rate
    seconds = Counter(int(each - times[0]) for each in times)
    print("by second:", *(seconds[each] for each in range(int(took) + 1)))
    print(f"{len(times)} requests in {took:.1f} s, floor at {rate:g} a second {floor:.1f} s; {spent:.1f} s of processor time")
    goal("time against the floor", took / floor, most=ENOUGH_LARGE if large else ENOUGH)
    goal("memory of the daemon", memory / MB, most=MEMORY, unit=" MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--cards", type=int, default=1_000)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--old", action="store_true")
    parser.add_argument("--changes", action="store_true")
    given = parser.parse_args()
    asyncio.run(measure(cards=given.cards, large=given.large, old=given.old, changes=given.changes))
