"""Two daemons on one database: each shop has one worker, and a dead one is replaced."""

import signal
from collections.abc import Sequence
from typing import Any

import pytest

from mpsyncd.sandbox import SellerSpec
from support.loads import BEYOND_CORE, CORE, CORE_TABLES, LIVE_PAGES, World, ask, equal_in_the_end, loaded, new_world, one, repeats, rows_of
from support.processes import DaemonProcess, Install, Installation, until

SELLERS = tuple(SellerSpec(name=f"seller-{n}", title=f"ИП Номер {n}", cards=120, trashed=15, orders=700) for n in range(3))
SLOW = {'sources__wildberries__limits__"statistics.orders"': {"limit": 1, "per": "700 s", "burst": 1}}
ORDERS = "/api/v1/supplier/orders"
_HOLDERS = """
SELECT l.lease_group, d.pid FROM mpsync.leases l LEFT JOIN mpsync.daemons d ON d.daemon_id = l.holder ORDER BY l.lease_group
"""


async def holders(dsn: str) -> list[Any]:
    """The process that holds each group, None for none."""
    return [row["pid"] for row in await ask(dsn, _HOLDERS)]


async def all_held(dsn: str, by: Sequence[int]) -> bool:
    found = await holders(dsn)
    return len(found) == len(SELLERS) and all(pid in by for pid in found)


async def two(
    install: Install, world: World, dsn: str, *, lease_ttl: str = "3 s"
) -> tuple[Installation, DaemonProcess, DaemonProcess, dict[str, int]]:
    """Two daemons of one installation, and three shops."""
    installation = install(world.url, dsn=dsn, engine={"lease_ttl": lease_ttl}, **SLOW)
    first, second = await installation.started(), await installation.started()
    shops = {spec.name: await installation.add_shop(spec.name, world.core_token(spec.name)) for spec in SELLERS}
    return installation, first, second, shops


@pytest.mark.timeout(180)
async def test_a_killed_daemon_is_replaced_within_a_lease(install: Install, database: str) -> None:
    async with new_world(*SELLERS) as world:
        _, first, second, shops = await two(install, world, database)

        async def some_pages() -> bool:
            return all([await rows_of(database, "wb.orders", shop) >= 100 for shop in shops.values()])

        await until(some_pages, what="the first pages of every shop")
        assert await all_held(database, (first.pid, second.pid))
        held = await holders(database)
        victim, heir = (first, second) if held.count(first.pid) >= held.count(second.pid) else (second, first)
        before = await world.asked()
        await victim.kill()

        async def taken_over() -> bool:
            return await all_held(database, (heir.pid,))

        await until(taken_over, what="the takeover", within=30)
        await loaded(database, *shops.values(), within=120, parked=BEYOND_CORE)
        [_, again] = repeats([before, await world.asked(len(before))])
        assert again[ORDERS] <= LIVE_PAGES * 2 * len(shops)
        interrupted = await one(database, "SELECT count(*) FROM mpsync.runs WHERE state = 'interrupted'")
        assert interrupted >= 1
        await equal_in_the_end(world, database, shops, streams=CORE, tables=CORE_TABLES)


@pytest.mark.timeout(180)
async def test_a_stopped_daemon_hands_over_at_once(install: Install, database: str) -> None:
    async with new_world(*SELLERS) as world:
        _, first, second, shops = await two(install, world, database, lease_ttl="60 s")
        assert await first.terminate() == 0

        async def taken_over() -> bool:
            return await all_held(database, (second.pid,))

        await until(taken_over, what="the takeover", within=10)  # a sixth of the time that the leases had left
        await loaded(database, *shops.values(), within=120, parked=BEYOND_CORE)
        [again] = repeats([await world.asked()])
        assert again[ORDERS] <= LIVE_PAGES * 2 * len(shops)
        await equal_in_the_end(world, database, shops, streams=CORE, tables=CORE_TABLES)


@pytest.mark.timeout(240)
async def test_a_frozen_daemon_that_wakes_up_too_late_writes_nothing(install: Install, database: str) -> None:
    """Its leases have a new fence meanwhile: whatever it had in hand is dropped."""
    async with new_world(*SELLERS) as world:
        _, first, second, shops = await two(install, world, database)
        held = await holders(database)
        sleeper, heir = (first, second) if held.count(first.pid) >= held.count(second.pid) else (second, first)
        sleeper.process.send_signal(signal.SIGSTOP)
        try:

            async def taken_over() -> bool:
                return await all_held(database, (heir.pid,))

            # Frozen in a transaction it keeps its lease locked; the heir ends that two terms after the last renewal.
            await until(taken_over, what="the takeover", within=30)
        finally:
            sleeper.process.send_signal(signal.SIGCONT)
        await loaded(database, *shops.values(), within=120, parked=BEYOND_CORE)
        assert sleeper.alive
        assert heir.alive
        await equal_in_the_end(world, database, shops, streams=CORE, tables=CORE_TABLES)
