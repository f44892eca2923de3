"""How long a reload takes with a long shop list: nothing changed, one setting, one shop, one key; against checking the files alone.

A real daemon with its own PostgreSQL; all shops of the list are paused, so that only the reload is measured, from SIGHUP to the outcome in
the log. Usage: python benchmarks/reload.py [--shops 1000] [--times 5]
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from uuid import UUID

from kit.children import compiled
from kit.installation import DaemonProcess, Installation, installed, until_ready
from kit.report import table

from mpsyncd.daemon import configuration
from mpsyncd.sandbox.wildberries.tokens import make_token
from support.shop_lists import reloaded

NOWHERE = "http://127.0.0.1:9"


class List:
    """A shop list in one file, with the tokens beside it in files of their own."""

    def __init__(self, installation: Installation, shops: int) -> None:
        self._home = installation.home
        self._shops = shops
        for number in range(shops + 1):
            self.key(number, turn=0)
        self.write()

    def key(self, number: int, *, turn: int) -> None:
        """Give a shop a token of its own seller, another one each turn."""
        token = make_token(
            sid=str(UUID(int=number + 1)),
            oid=number + 1,
            expires=datetime.now(UTC) + timedelta(days=90 + turn),
        )
        (self._home / f"shop-{number}.key").write_text(token)

    def write(self, *, more: int = 0) -> None:
        """Write the list, with `more` shops than usual."""
        entry = '[[shops]]\nname = "shop-{0}"\nsource = "wildberries"\npaused = true\ntoken = {{ file = "shop-{0}.key" }}\n'
        (self._home / "shops.toml").write_text("\n".join(entry.format(number) for number in range(self._shops + more)))


async def timed(daemon: DaemonProcess, change: Callable[[int], None], *, times: int, state: str) -> list[float]:
    """Seconds of reloads behind a change, which must come out as `state`."""
    seconds = []
    for turn in range(times):
        change(turn)
        began = time.perf_counter()
        outcome = await reloaded(daemon)
        seconds.append(time.perf_counter() - began)
        if outcome["event"] != state:
            raise RuntimeError(f"the reload came out as {outcome}")
    return seconds


async def main(*, shops: int, times: int) -> None:
    """Start with the list, then reload it in several ways."""
    with installed(NOWHERE) as installation:
        listed = List(installation, shops)
        began = time.perf_counter()
        for _ in range(times):
            configuration(installation.settings_file, {})
        alone = (time.perf_counter() - began) / times
        daemon, ready = await until_ready(installation)

        def interval(turn: int) -> None:
            installation.set(**{"schedules.frequent": {"every": f"{11 + turn} min"}})

        found = {
            "nothing changed": await timed(daemon, lambda _: None, times=times, state="reload_unchanged"),
            "an interval": await timed(daemon, interval, times=times, state="reload_applied"),
            "a shop comes or goes": await timed(
                daemon, lambda turn: listed.write(more=(turn + 1) % 2), times=times, state="reload_applied"
            ),
            "a key": await timed(daemon, lambda turn: listed.key(0, turn=turn + 1), times=times, state="reload_applied"),
        }
        await daemon.terminate()
    table(
        (f"{shops} shops", "median s", "slowest s", "times reading the files"),
        [
            ("reading and checking the files", alone, "", 1.0),
            ("start with a new list", ready, "", ready / alone),
            *((name, median(seconds), max(seconds), median(seconds) / alone) for name, seconds in found.items()),
        ],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shops", type=int, default=1000)
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args()
    with compiled():
        asyncio.run(main(shops=given.shops, times=given.times))
