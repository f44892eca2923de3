"""SIGTERM in the middle of a page: what is committed stays, the rest is read by the next daemon."""

from mpsyncd.sandbox import Fault, FaultKind
from support.loads import BEYOND_CORE, CORE, CORE_TABLES, LIVE_PAGES, SELLER, World, ask, equal_in_the_end, loaded, one, repeats, rows_of
from support.processes import Install, until

ORDERS = "/api/v1/supplier/orders"
SLOW = {'sources__wildberries__limits__"statistics.orders"': {"limit": 1, "per": "300 s", "burst": 1}}


async def test_stopped_while_a_page_trickles_in(world: World, install: Install, database: str) -> None:
    installation = install(world.url, dsn=database, **SLOW)
    shop = await installation.add_shop("seller", world.core_token())
    before = len(await world.asked())
    daemon = await installation.started()

    async def some_pages() -> bool:
        return await rows_of(database, "wb.orders", shop) >= 200

    await until(some_pages, what="the first pages of orders")
    world.arm(Fault(kind=FaultKind.TRICKLE, path=ORDERS, pause=2.0))

    async def trickling() -> bool:
        return any(request["fault"] == "trickle" for request in await world.asked(before))

    await until(trickling, what="a page on its way")
    committed = await rows_of(database, "wb.orders", shop)
    assert await daemon.terminate() == 0
    assert daemon.events("signal_received")[0]["signal"] == "SIGTERM"
    assert await rows_of(database, "wb.orders", shop) >= committed
    assert await rows_of(database, "wb.orders", shop) < SELLER.orders
    assert await one(database, "SELECT count(*) FROM mpsync.leases WHERE holder IS NOT NULL") == 0
    assert await one(database, "SELECT count(*) FROM mpsync.daemons WHERE gone_at IS NULL") == 0
    runs = await ask(database, "SELECT state FROM mpsync.runs WHERE ended_at IS NULL OR state IN ('running', 'waiting')")
    assert runs == []

    first = await world.asked(before)
    await world.cure()
    await installation.started()
    await loaded(database, shop, parked=BEYOND_CORE)
    [_, again] = repeats([first, await world.asked(before + len(first))])
    assert again[ORDERS] <= LIVE_PAGES * 2
    await equal_in_the_end(world, database, {"seller": shop}, streams=CORE, tables=CORE_TABLES)


async def test_a_second_signal_does_not_wait(world: World, install: Install, database: str) -> None:
    """Nothing is lost by that either: it is a kill that says so."""
    installation = install(world.url, dsn=database)
    shop = await installation.add_shop("seller", world.core_token())
    daemon = await installation.started()
    daemon.process.terminate()
    await until(lambda: not daemon.alive or daemon.events("signal_received"), what="the first signal in the log")
    daemon.process.terminate()
    assert await daemon.ended() in {0, -15}
    await installation.started()
    await loaded(database, shop, parked=BEYOND_CORE)
    await equal_in_the_end(world, database, {"seller": shop}, streams=CORE, tables=CORE_TABLES)
