"""PostgreSQL goes away in the middle of a load and comes back: the daemon stays, says so, and goes on by itself."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mpsyncd.storage.migrate import migrate
from support.loads import BEYOND_CORE, CORE, CORE_TABLES, World, equal_in_the_end, loaded, rows_of
from support.postgres import PgServer
from support.processes import DaemonProcess, Install, nobody_works_in, until, working_in

AWAY_SECONDS = 20
SLOW = {
    f'sources__wildberries__limits__"{name}"': {"limit": 1, "per": "500 s", "burst": 1}
    for name in ("statistics.orders", "content.cards", "content")
}


async def says(daemon: DaemonProcess, path: str, code: int, *, within: float = 60) -> str:
    """Wait for an answer with this status; its text."""

    async def asked() -> str | None:
        status, text = await daemon.get(path)
        return text if status == code else None

    return str(await until(asked, what=f"{path} answering {code}", within=within))


async def some_pages(dsn: str, shop: int) -> None:
    async def there() -> bool:
        return await rows_of(dsn, "wb.orders", shop) >= 100 and await rows_of(dsn, "wb.cards", shop) >= 100

    await until(there, what="the first pages")


@pytest.fixture
def own_server() -> Iterator[PgServer]:
    """A server that only this test knows, so that it may be stopped."""
    with PgServer(18, migrate=migrate) as server:
        yield server


@pytest.mark.timeout(180)
async def test_a_server_is_stopped_for_twenty_seconds(world: World, install: Install, own_server: PgServer) -> None:
    dsn = own_server.create(migrated=True)
    installation = install(world.url, dsn=dsn, **SLOW)
    shop = await installation.add_shop("seller", world.core_token())
    daemon = await installation.started()
    await some_pages(dsn, shop)
    own_server.stop()
    told = json.loads(await says(daemon, "/readyz", 503))
    assert "PostgreSQL" in told["reasons"][0]
    await stays_alive(daemon, seconds=AWAY_SECONDS)
    own_server.launch()
    await says(daemon, "/readyz", 200)
    await loaded(dsn, shop, parked=BEYOND_CORE)
    await equal_in_the_end(world, dsn, {"seller": shop}, streams=CORE, tables=CORE_TABLES)
    assert daemon.events("storage_unavailable")
    assert daemon.events("storage_returned")
    assert await daemon.terminate() == 0


async def stays_alive(daemon: DaemonProcess, *, seconds: float) -> None:
    """The database is away for so long; what the daemon says of itself meanwhile."""
    with pytest.raises(AssertionError, match="in vain"):
        await until(lambda: not daemon.alive, what="the end of the daemon", within=seconds)
    assert (await daemon.get("/healthz"))[0] == 200
    assert (await daemon.get("/readyz"))[0] == 503
    status, text = await daemon.get("/status")
    assert status == 200
    assert json.loads(text)["shops"] is None


@pytest.mark.timeout(180)
async def test_the_own_server_is_killed_twice(world: World, install: Install) -> None:
    installation = install(world.url, **SLOW)
    daemon = await installation.started()
    shop = await installation.add_shop("seller", world.core_token())
    dsn = await installation.dsn()
    await some_pages(dsn, shop)
    for _ in range(2):
        await killed(installation.data / "postgres.json")
        await says(daemon, "/readyz", 200)
    assert daemon.alive
    await loaded(dsn, shop, parked=BEYOND_CORE)
    await equal_in_the_end(world, dsn, {"seller": shop}, streams=CORE, tables=CORE_TABLES)
    assert await daemon.terminate() == 0
    await nobody_works_in(installation.cluster)


async def killed(runtime: Path) -> None:
    """Kill the server and wait for the next one."""
    pid = server_pid(runtime)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: server_pid(runtime) not in {0, pid}, what="the next server")


@pytest.mark.timeout(180)
async def test_the_own_server_hangs_for_a_while(world: World, install: Install) -> None:
    installation = install(world.url, **SLOW)
    daemon = await installation.started()
    shop = await installation.add_shop("seller", world.core_token())
    dsn = await installation.dsn()
    await some_pages(dsn, shop)
    with hanging(installation.cluster):
        assert (await daemon.get("/healthz"))[0] == 200
        await says(daemon, "/readyz", 503, within=90)
    await says(daemon, "/readyz", 200)
    await loaded(dsn, shop, parked=BEYOND_CORE)
    await equal_in_the_end(world, dsn, {"seller": shop}, streams=CORE, tables=CORE_TABLES)


@contextmanager
def hanging(cluster: Path) -> Iterator[None]:
    """Every process of the server stands still."""
    pids = working_in(cluster)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def server_pid(runtime: Path) -> int:
    """The server that the runtime file names, 0 while there is no such file."""
    try:
        return int(json.loads(runtime.read_text(encoding="utf-8"))["server_pid"])
    except (OSError, ValueError):
        return 0
