"""How fast orders come in: mpsyncd against a loader written by hand, and against dlt; first load, and the same rows again.

Everybody reads the same pages from one vendor on loopback and writes into one PostgreSQL with durable settings, each into a database and
from a process of their own. Usage: python benchmarks/ingest.py [--rows 100000,1000000] [--gzip] [--repeat N] [--dlt-python PATH]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import statistics
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import structlog
from kit.children import serving, told
from kit.cost import MB, pace
from kit.report import goal, table
from kit.server import Server, postgres

PATIENCE = 3_600
OURS, BY_HAND, DLT = "ours", "by_hand", "dlt_rest"
PHASES = ("first", "again")
HUNDRED_THOUSAND = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One phase of one contender: rows of a second, WAL bytes and processor seconds of 100k rows, most memory, the machine's pace."""

    rate: float
    wal: float
    peak: float
    processor: float
    pace: float


Results = dict[tuple[int, str, str], list[Measured]]


async def contend(server: Server, name: str, url: str, *, count: int, python: str) -> list[Measured]:
    """One contender in a fresh database: load, and load again."""
    database = f"{name}_{count}"
    dsn = await server.create(database)
    found = []
    with tempfile.TemporaryDirectory(prefix="mpp") as folder:
        for phase in PHASES:
            await server.settle(database)
            speed, before = pace(), await server.wal()
            said = await told(f"contenders.{name}", dsn, url, phase, python=python, within=PATIENCE, PIPELINES=folder)
            wal = await server.wal() - before
            if said["rows"] != count or (name == OURS and said["changed"] != (count if phase == "first" else 0)):
                raise RuntimeError(f"{name}, {phase}: {said} is not what {count} rows come to")
            share = HUNDRED_THOUSAND / count
            rate = count / said["seconds"]
            speed = (speed + pace()) / 2
            found.append(Measured(rate=rate, wal=wal * share, peak=said["peak"] / MB, processor=said["processor"] * share, pace=speed))
    await server.drop(database)
    return found


async def measure(sizes: list[int], *, packing: str, repeat: int, pythons: dict[str, str]) -> Results:
    """Everybody, every size."""
    results: Results = defaultdict(list)
    async with postgres() as server:
        for count in sizes:
            with serving("kit.vendor", str(count), packing) as vendor:
                print(f"\n{count:,} rows in {vendor['pages']} pages, {vendor['bytes'] / MB:,.0f} MB of JSON, {packing}", flush=True)
                for _ in range(repeat):
                    for name, python in pythons.items():
                        found = await contend(server, name, vendor["url"], count=count, python=python)
                        for phase, measured in zip(PHASES, found, strict=True):
                            results[count, name, phase].append(measured)
            show(results, count)
    return results


def middle(results: Results, count: int, name: str, phase: str) -> Measured:
    """The median of the repetitions, figure by figure."""
    found = results[count, name, phase]
    return Measured(**{field: statistics.median(getattr(each, field) for each in found) for field in Measured.__dataclass_fields__})


def show(results: Results, count: int) -> None:
    """The table of one size."""
    keys = [(name, phase) for size, name, phase in results if size == count]
    rows = []
    for name, phase in keys:
        one = middle(results, count, name, phase)
        ratio = one.rate / middle(results, count, BY_HAND, phase).rate
        rows.append((f"{name} {phase}", one.rate, ratio, one.wal / MB, one.peak, one.processor, one.pace))
    table(("", "rows/s", "x by hand", "WAL MB/100k", "peak MB", "CPU s/100k", "machine"), rows)


def goals(results: Results, sizes: list[int]) -> None:
    """What was wanted (issue "figures to reach")."""
    print()
    for count in sizes:
        first, again = (middle(results, count, OURS, phase) for phase in PHASES)
        goal(f"{count:,} first load", first.rate, least=20_000, unit=" rows/s")
        goal(f"{count:,} unchanged", again.rate, least=30_000, unit=" rows/s")
        goal(f"{count:,} unchanged, WAL of 100k", again.wal / MB, most=1, unit=" MB")
        goal(f"{count:,} first, ours / by hand", first.rate / middle(results, count, BY_HAND, "first").rate, least=0.6)
        if (count, DLT, "first") in results:
            goal(f"{count:,} first, ours / dlt", first.rate / middle(results, count, DLT, "first").rate, least=3.5)
            goal(f"{count:,} unchanged, ours / dlt", again.rate / middle(results, count, DLT, "again").rate, least=5)
    small, large = min(sizes), max(sizes)
    if small != large:
        for phase in PHASES:
            ratio = middle(results, large, OURS, phase).peak / middle(results, small, OURS, phase).peak
            goal(f"peak memory {phase}, {large:,} / {small:,}", ratio, most=1.05)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="100000,1000000", help="sizes, comma between")
    parser.add_argument("--gzip", action="store_true", help="the vendor compresses for who accepts it")
    parser.add_argument("--repeat", type=int, default=1, help="repetitions; medians are shown")
    parser.add_argument("--dlt-python", type=Path, help="interpreter of an environment that has dlt[postgres]")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    pythons = {BY_HAND: sys.executable, OURS: sys.executable}
    if given.dlt_python is not None and given.dlt_python.exists():
        pythons[DLT] = str(given.dlt_python.absolute())
    else:
        print("dlt is skipped: name the interpreter of an environment that has it by --dlt-python (see benchmarks/README.md)")
    sizes = [int(size) for size in given.rows.split(",")]
    results = asyncio.run(measure(sizes, packing="gzip" if given.gzip else "plain", repeat=given.repeat, pythons=pythons))
    goals(results, sizes)


if __name__ == "__main__":
    main()
