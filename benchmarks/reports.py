"""What a process holds in memory while it reads a report of a gigabyte in CSV, plain and in a ZIP, and how long its loop works in a turn.

The vendor is a process of its own; the measured one is this. Every file is spooled, looked through and then walked once more, as a merge
does. Each case runs in a fresh process, because memory is counted from its birth. Usage: python benchmarks/reports.py [--megabytes 1000]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from datetime import timedelta
from random import Random
from zoneinfo import ZoneInfo

import structlog
from kit.children import serving, tell, told
from kit.cost import MB, peak
from kit.report import goal, table

from mpsyncd.model.clock import SystemClock
from mpsyncd.model.rate import Rate
from mpsyncd.model.request import Request
from mpsyncd.model.source import Identity, Key, Source
from mpsyncd.model.stream import Lane
from mpsyncd.transport import MemoryLedger, SourceOptions, Transport, TransportOptions

PATIENCE = 1200
FORMATS = {"csv": "csv", "zip": "zip+csv"}
VENDOR = Source(
    name="vendor",
    hosts={"files": "http://127.0.0.1"},
    secrets=(),
    identify=lambda _credentials, _now: Identity(scopes={}, variant="any", lease_group="bench"),
    rates=lambda _identity: (Rate(name="files", limit=100),),
    authorize=lambda request, _credentials: request,
    classify=lambda _response, _request: None,
    probes={},
    streams=(),
    pipeline=(),
    zone=ZoneInfo("UTC"),
)


async def turns(found: list[float]) -> None:
    """Write down the milliseconds of processor time that the loop worked before it came back here, until cancelled.

    Processor time and not the wall's: a machine that others use too makes everybody wait.
    """
    while True:
        began = time.thread_time()
        await asyncio.sleep(0.001)
        found.append((time.thread_time() - began) * 1000)


async def measure(url: str, kind: str) -> None:
    """Read one file and tell what it cost."""
    options = TransportOptions(sources={"vendor": SourceOptions(base_url=url)}, answer_limit=4 << 30, answer_timeout=timedelta(hours=1))
    key = Key(credentials={}, identity=VENDOR.identify({}, SystemClock().now()))
    found: list[float] = []
    async with Transport(options, SystemClock(), MemoryLedger(), Random(1)) as transport:
        way = transport.open(VENDOR, shop_id=1, key=lambda: key, lane=Lane.LIVE, manual=False, reason=lambda _reason, _until: None)
        async with way as api:
            begun = peak()
            watch, began = asyncio.create_task(turns(found)), time.perf_counter()
            request = Request(method="GET", host="files", path=f"/{kind}", limits=("files",), rows_format=FORMATS[kind])  # type: ignore[arg-type]
            answer = await api.send(request)
            opened = time.perf_counter()
            rows = sum([len(piece) async for piece in answer.rows.pieces()])
            walked = time.perf_counter()
            watch.cancel()
            await answer.rows.close()
    found.sort()
    tell(
        begun=begun, peak=peak(), rows=rows, counted=answer.rows.count, look=opened - began, walk=walked - opened,
        p99=found[int(len(found) * 0.99)], longest=found[-1],
    )  # fmt: skip


async def main(sizes: list[int]) -> None:
    """Every size in both spellings."""
    lines, peaks = list[tuple[object, ...]](), dict[tuple[int, str], float]()
    for size in sizes:
        with serving("kit.files", str(size)) as vendor:
            for kind in FORMATS:
                one = await told("reports", "--measure", f"http://127.0.0.1:{vendor['port']}", kind, within=PATIENCE)
                if not one["rows"] == one["counted"] == vendor["rows"]:
                    raise RuntimeError(f"{vendor['rows']} rows were sent, {one} came")
                grown = peaks[size, kind] = (one["peak"] - one["begun"]) / MB
                rate = one["rows"] / one["walk"]
                lines.append((f"{size} MB {kind}", one["rows"], grown, one["look"], one["walk"], rate, one["p99"], one["longest"]))
    table(("file", "rows", "grown MB", "fetch and look s", "walk s", "rows/s", "turn p99 ms", "longest ms"), lines)
    print()
    for (size, kind), grown in peaks.items():
        goal(f"{size} MB {kind}, memory on top", grown, most=25, unit=" MB")


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if sys.argv[1:2] == ["--measure"]:
        asyncio.run(measure(*sys.argv[2:4]))
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("--megabytes", default="10,100,1000", help="sizes, comma between")
        asyncio.run(main([int(size) for size in parser.parse_args().megabytes.split(",")]))
