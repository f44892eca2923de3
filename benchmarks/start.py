"""How long a daemon takes until it is ready on a database that is there already, and until it has stopped after SIGTERM.

Ready means that /readyz says 200, counted from before the process is made, and includes the start of its own PostgreSQL. The baselines are
the interpreter alone and the program's shortest command. Usage: python benchmarks/start.py [--times 7]
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import statistics
import subprocess
import sys
import time

from kit.children import compiled, environment, serving
from kit.installation import Installation, add_shops, installed, loaded, until_ready
from kit.report import goal, table

SHOPS = 3


async def once(installation: Installation) -> tuple[float, float]:
    """Start and stop; seconds of each."""
    daemon, ready = await until_ready(installation)
    began = time.perf_counter()
    daemon.process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(daemon.process.wait)
    took = time.perf_counter() - began
    if daemon.process.returncode != 0:
        raise RuntimeError(f"the daemon ended with {daemon.process.returncode}: {daemon.text()[-2_000:]}")
    return ready, took


def command(*arguments: str) -> float:
    """Seconds of a command."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment())
    return time.perf_counter() - began


async def main(times: int) -> None:
    """Make a database with shops, then start on it again and again."""
    with serving("kit.sandbox", str(SHOPS), "300", "small") as sandbox, installed(sandbox["url"]) as installation:
        daemon, cold = await until_ready(installation)
        await loaded(await installation.dsn(), *await add_shops(installation, sandbox["tokens"]))
        await daemon.terminate()
        pairs = [await once(installation) for _ in range(times)]
    series = {
        "interpreter alone": [command("-c", "pass") for _ in range(times)],
        "mpsyncd --version": [command("-m", "mpsyncd", "--version") for _ in range(times)],
        "start to ready, new folder": [cold],
        "start to ready, warm": [ready for ready, _ in pairs],
        "SIGTERM to exit": [took for _, took in pairs],
    }
    base = statistics.median(series["interpreter alone"])
    rows = [(name, statistics.median(found), min(found), max(found), statistics.median(found) / base) for name, found in series.items()]
    table(("seconds", "median", "least", "most", "x interpreter"), rows)
    print()
    goal("start to ready on a warm database", statistics.median(series["start to ready, warm"]), most=1, unit=" s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=7, help="how often it is started")
    given = parser.parse_args()
    with compiled():
        asyncio.run(main(given.times))
