"""A storm of refusals: nobody asks again before the time that a refusal told, and nothing is missing in the end."""

import pytest

from mpsyncd.sandbox import Fault, FaultKind
from support.loads import BEYOND_CORE, CORE, CORE_TABLES, World, equal_in_the_end, loaded, new_world, unread
from support.processes import Install, until


async def spent(world: World) -> bool:
    """Whether every fault has struck as often as it may."""
    return all(not fault["alive"] for fault in await world.faults())


@pytest.mark.timeout(180)
async def test_a_storm_of_429_and_a_closed_seller(install: Install, database: str) -> None:
    async with new_world(grace=0.8) as world:  # a busy machine reads a refusal that late
        await weathered(world, install, database)


async def weathered(world: World, install: Install, database: str) -> None:
    """Every refusal is obeyed, and the load comes to its end."""
    installation = install(world.url, dsn=database)
    shop = await installation.add_shop("seller", world.core_token())
    world.arm(
        Fault(kind=FaultKind.GLOBAL_LIMIT, path="/api/v1/supplier", probability=0.5, count=2, pause=3),
        Fault(kind=FaultKind.TOO_MANY, path="/api/v1/supplier", probability=0.5, count=5, pause=2),
        Fault(kind=FaultKind.TOO_MANY, path="/content", probability=0.5, count=5, pause=2),
    )
    await installation.started()
    await loaded(database, shop, within=120, parked=BEYOND_CORE)
    stats = await world.stats()
    assert stats["throttled"] >= 8
    assert stats["violations"] == 0, stats
    await world.cure()
    await equal_in_the_end(world, database, {"seller": shop}, streams=CORE, tables=CORE_TABLES)
    assert (await world.stats())["violations"] == 0


@pytest.mark.timeout(180)
async def test_a_refusal_is_kept_over_a_restart(world: World, install: Install, database: str) -> None:
    """A closed gate stands in the database before anybody dies."""
    installation = install(world.url, dsn=database)
    shop = await installation.add_shop("seller", world.core_token())
    world.arm(Fault(kind=FaultKind.TOO_MANY, path="/api/v1/supplier/orders", count=1, pause=90))
    daemon = await installation.started()

    async def refused() -> bool:
        return await spent(world)

    await until(refused, what="the refusal")
    await until(lambda: daemon.events("gate_closed"), what="the closed gate in the log")
    await daemon.kill()
    before = len(await world.asked())
    daemon = await installation.started()

    async def cards_are_read() -> bool:
        return not any(feed.startswith("cards") for feed in await unread(database, shop) or ["cards"])

    await until(cards_are_read, what="the streams of other limits")
    assert not any(request["path"].startswith("/api/v1/supplier/orders") for request in await world.asked(before))
    assert (await world.stats())["violations"] == 0
