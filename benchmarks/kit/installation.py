"""A real daemon with a folder, a settings file and a PostgreSQL of its own. It is installed the way the end-to-end tests do it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import aiohttp

from kit.children import HERE, environment
from kit.server import free_port

sys.path.append(str(HERE.parent / "tests"))

from mpsyncd.daemon import open_storage
from mpsyncd.settings import load
from mpsyncd.sources.wildberries.source import WILDBERRIES
from mpsyncd.storage import shops
from support.loads import ask, loaded, rows_of
from support.processes import DaemonProcess, Installation, new_home

__all__ = ["DaemonProcess", "Installation", "add_shops", "address", "answered", "ask", "installed", "loaded", "rows_of", "until_ready"]

_POLL = 0.005


@contextmanager
def installed(sandbox: str, *, limit_scale: float = 10_000) -> Iterator[Installation]:
    """An installation with every default but speed of limits, ports and folders."""
    with new_home() as home, closing(Installation(home, sandbox=sandbox)) as made:
        made.tables["engine"].clear()
        made.tables["database.settings"].clear()
        made.set(http={"port": free_port()}, transport={"limit_scale": limit_scale})
        yield made


async def add_shops(installation: Installation, tokens: Mapping[str, str]) -> list[int]:
    """Add many shops at once to a running installation, as `mpsyncd shops add` does but without asking the vendor; their numbers."""
    settings = load(installation.settings_file, environment())
    async with open_storage(settings) as storage, storage.pool.connection() as connection:
        added = []
        for name, token in tokens.items():
            secrets = {"token": token}
            identity = WILDBERRIES.identify(secrets, datetime.now(UTC))
            new = shops.NewShop(source=WILDBERRIES.name, name=name, secrets=secrets, identity=identity)
            added.append((await shops.add(connection, storage.vault, new)).shop_id)
        return added


def address(installation: Installation) -> str:
    """Where its status server listens."""
    return f"http://127.0.0.1:{installation.tables['http']['port']}"


async def answered(session: aiohttp.ClientSession, url: str) -> bool:
    """Whether somebody is there and says 200."""
    try:
        async with session.get(url) as answer:
            return answer.status == 200  # noqa: PLR2004 - "OK"
    except aiohttp.ClientConnectionError:
        return False


async def until_ready(installation: Installation) -> tuple[DaemonProcess, float]:
    """Start a daemon; it, and the seconds from before its process was made until /readyz said 200."""
    began = time.perf_counter()
    daemon = installation.start()
    async with aiohttp.ClientSession() as session:
        while not await answered(session, f"{address(installation)}/readyz"):
            if not daemon.alive:
                raise RuntimeError(f"the daemon ended: {daemon.text()[-2_000:]}")
            await asyncio.sleep(_POLL)
    return daemon, time.perf_counter() - began
