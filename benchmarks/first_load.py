"""How long the first load of a Wildberries shop takes, against the least time that the vendor's limits allow.

A real daemon with a PostgreSQL of its own reads sellers of the sandbox, which is a process too and keeps the published limits: at scale 1 a
run takes as long as it would in life. The floor comes from the sandbox's log: the requests that were made, as if each had left at the first
moment that its limit allows. What `mpsyncd plan` foretold stands beside it.

Usage: python benchmarks/first_load.py [--shops 3] [--scale 1] [--plain]. --plain: shops without the subscription that opens reports; the
run ends when the funnel's last 30 days are there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
from kit.account import CAMPAIGNS, CARDS, ORDERS, TRASHED
from kit.children import serving
from kit.cost import MB, peak, processor
from kit.installation import Installation, add_shops, ask, installed, loaded, until_ready
from kit.report import goal, table

PATIENCE = 3 * 3600
ENOUGH = 1.05
FINANCE_ROWS = 600_000
DAYS = 30
_LOOK = 0.5
_DAYS_THERE = "SELECT count(*) FROM (SELECT day FROM wb.funnel WHERE shop_id = $1 AND day > current_date - $2::int GROUP BY day) d"
_TOTALS_THERE = "SELECT count(*) FROM wb.product_totals WHERE shop_id = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What one limit of one seller was asked for. Times in seconds since the daemon was started."""

    name: str
    requests: int
    refused: int
    first: float
    last: float
    interval: float
    burst: int

    @property
    def floor(self) -> float:
        """The least time from a full limit to the last of so many requests."""
        return max(0.0, (self.requests - self.burst) * self.interval)


async def asked(url: str) -> list[Mapping[str, Any]]:
    """The sandbox's log."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/_requests") as answer:
        return list((await answer.json())["requests"])


def gates(log: Sequence[Mapping[str, Any]], limits: Mapping[str, Sequence[float]], seller: str, *, since: datetime) -> list[Gate]:
    """Every limit of a seller, the one that took longest first."""
    found: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
    for one in log:
        if one["seller"] == seller and one["gate"]:
            moment = datetime.fromisoformat(one["at"]) - since
            found[one["gate"].partition("/")[2]].append((moment.total_seconds(), one["status"]))
    told = [
        Gate(
            name=name,
            requests=len(times),
            refused=sum(status == 429 for _, status in times),  # noqa: PLR2004 - too many requests
            first=times[0][0],
            last=times[-1][0],
            interval=limits[name][0],
            burst=int(limits[name][1]),
        )
        for name, times in found.items()
    ]
    return sorted(told, key=lambda gate: (-gate.floor, -gate.last))


async def planned(installation: Installation, shop: str) -> Mapping[str, Any]:
    """What `mpsyncd plan` says before anything was read, told how large the shop is."""
    rows = {
        "wb.cards": CARDS,
        "wb.trashed_cards": TRASHED,
        "wb.orders": ORDERS,
        "wb.sales": ORDERS,
        "wb.order_feed": ORDERS // 3,
        "wb.finance": FINANCE_ROWS,
        "wb.campaigns": CAMPAIGNS,
        "wb.prices": CARDS,
    }
    assumed = [word for name, count in rows.items() for word in ("--assume", f"{name}={count}")]
    told: Mapping[str, Any] = json.loads(await installation.good("plan", "--shop", shop, "--json", *assumed))
    return told


async def reached(dsn: str, sql: str, *values: object, least: int) -> float:
    """When a count came up to a number, by the wall's steady clock."""
    while True:
        if (await ask(dsn, sql, *values))[0][0] >= least:
            return time.monotonic()
        await asyncio.sleep(_LOOK)


async def main(*, shops: int, scale: float, jam: bool) -> None:
    """One run."""
    arguments = (str(shops), str(scale), "jam" if jam else "plain", str(FINANCE_ROWS))
    with serving("kit.account", *arguments) as sandbox, installed(sandbox["url"], limit_scale=scale) as installation:
        numbers = await add_shops(installation, sandbox["tokens"])
        plan = await planned(installation, next(iter(sandbox["tokens"])))
        began, since = time.monotonic(), datetime.now(UTC)
        daemon, _ = await until_ready(installation)
        dsn = await installation.dsn()
        totals = max(await asyncio.gather(*(reached(dsn, _TOTALS_THERE, shop, least=CARDS) for shop in numbers))) - began
        print(f"totals of {DAYS} days of all products after {totals:.1f} s", flush=True)
        if jam:
            await loaded(dsn, *numbers, within=PATIENCE)
        else:
            await asyncio.gather(*(reached(dsn, _DAYS_THERE, shop, DAYS, least=DAYS) for shop in numbers))
        took = time.monotonic() - began
        cost = f"peak {peak(daemon.pid) / MB:.0f} MB, processor {processor(daemon.pid):.0f} s"
        log = await asked(sandbox["url"])
        counts = await ask(dsn, "SELECT table_name, sum(live) FROM mpsync.table_counts GROUP BY 1 ORDER BY 1")
        await daemon.terminate()
    print(f"{took:.1f} s; {cost}; " + ", ".join(f"{name} {rows:,}" for name, rows in counts), flush=True)
    worst = tell(log, sandbox, since=since)
    compare(plan, gates(log, sandbox["limits"], next(iter(sandbox["tokens"])), since=since))
    if jam:
        goal("wall / floor", took / worst, most=ENOUGH)
    else:
        floor = (DAYS - 3) * 20 / scale
        goal(f"daily rows of {DAYS} days / floor of {floor:g} s", took / floor, most=ENOUGH)
    goal("429", sum(one["status"] == 429 for one in log), most=0)  # noqa: PLR2004 - too many requests


def tell(log: Sequence[Mapping[str, Any]], sandbox: Mapping[str, Any], *, since: datetime) -> float:
    """Print every limit of every seller; the longest floor."""
    lines, floors = [], [1e-9]
    for seller in sandbox["tokens"]:
        for gate in gates(log, sandbox["limits"], seller, since=since):
            lines.append((f"{seller} {gate.name}", gate.requests, gate.refused, gate.floor, gate.first, gate.last))
            floors.append(gate.floor)
    table(("limit", "requests", "429", "floor s", "first s", "last s"), lines)
    return max(floors)


def compare(plan: Mapping[str, Any], found: Sequence[Gate]) -> None:
    """Print what was foretold, to be read beside what was asked: the sandbox has names of its own for limits."""
    asked = sum(gate.requests - gate.refused for gate in found)
    print(f"planned {plan['requests']} requests in {plan['time']:g} s, asked {asked}: " + ", ".join(_foretold(plan)), flush=True)


def _foretold(plan: Mapping[str, Any]) -> list[str]:
    return [f"{one['limit']} {one['requests']}" for one in plan["gates"]]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shops", type=int, default=1, help="how many, all at once")
    parser.add_argument("--scale", type=float, default=1.0, help="how many times faster than published the limits are")
    parser.add_argument("--plain", action="store_true", help="without the subscription; until 30 days are there")
    given = parser.parse_args()
    asyncio.run(main(shops=given.shops, scale=given.scale, jam=not given.plain))
