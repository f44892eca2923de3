"""What a daemon costs that has nothing to do: 50 shops, all read, nothing due.

The baseline is a process that only holds the same libraries and a pool of connections.
Usage: python benchmarks/idle.py [--shops 50] [--seconds 60]
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from kit.children import HERE, environment, serving
from kit.cost import MB, peak, processor, resident
from kit.installation import add_shops, installed, loaded, until_ready
from kit.report import goal, table

PATIENCE = 300
SETTLE_SECONDS = 5.0
LIBRARIES = """
import asyncio, aiohttp.web, asyncpg, apscheduler.schedulers.asyncio, pydantic_settings, structlog, orjson, cryptography, jinja2, sys
async def main():
    async with asyncpg.create_pool(sys.argv[1], min_size=1, max_size=10):
        print(flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
asyncio.run(main())
"""


@contextmanager
def bare(dsn: str) -> Iterator[int]:
    """The baseline; its process id."""
    command = [sys.executable, "-c", LIBRARIES, dsn]
    with subprocess.Popen(command, cwd=HERE, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            if process.stdout is None or not process.stdout.readline():
                raise RuntimeError("the baseline ended before it was ready")
            yield process.pid
        finally:
            if process.stdin:
                process.stdin.close()


async def main(*, shops: int, seconds: float) -> None:
    """Load everything, wait, look."""
    with serving("kit.sandbox", str(shops), "100", "small") as sandbox, installed(sandbox["url"]) as installation:
        daemon, _ = await until_ready(installation)
        fresh = resident(daemon.pid)
        dsn = await installation.dsn()
        await loaded(dsn, *await add_shops(installation, sandbox["tokens"]), within=PATIENCE)
        await asyncio.sleep(SETTLE_SECONDS)
        with bare(dsn) as baseline:
            before = {pid: processor(pid) for pid in (daemon.pid, baseline)}
            await asyncio.sleep(seconds)
            shares = {pid: 100 * (processor(pid) - used) / seconds for pid, used in before.items()}
            memory = {pid: resident(pid) for pid in before}
        most = peak(daemon.pid)
        await daemon.terminate()
    table(
        ("", "RSS MB", "% of a core"),
        [
            ("libraries and a pool", memory[baseline] / MB, shares[baseline]),
            ("daemon without shops", fresh / MB, ""),
            (f"daemon with {shops} shops, idle", memory[daemon.pid] / MB, shares[daemon.pid]),
            ("its peak, during the first load", most / MB, ""),
        ],
    )
    print()
    goal(f"memory with {shops} idle shops", memory[daemon.pid] / MB, most=90, unit=" MB")
    goal(f"processor with {shops} idle shops", shares[daemon.pid], most=1, unit=" % of a core")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shops", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    asyncio.run(main(shops=given.shops, seconds=given.seconds))
