"""A customer who is switched off: all of its shops stop after the page in hand, nobody else notices, and they go on where they stopped."""

import json

import pytest

from mpsyncd.sandbox import SellerSpec
from support.loads import BEYOND_CORE, CORE, CORE_TABLES, LIVE_PAGES, World, ask, equal_in_the_end, loaded, new_world, one, repeats, rows_of
from support.processes import Install, Installation, until

SELLERS = tuple(SellerSpec(name=name, title=f"ИП {name}", cards=120, trashed=15, orders=1500) for name in ("flax-1", "flax-2", "wool"))
SLOW = {'sources__wildberries__limits__"statistics.orders"': {"limit": 1, "per": "700 s", "burst": 1}}
ORDERS = "/api/v1/supplier/orders"
OPEN = "SELECT count(*) FROM mpsync.runs WHERE shop_id = ANY ($1::bigint[]) AND ended_at IS NULL"


async def _add(installation: Installation, world: World, name: str) -> int:
    customer = name.partition("-")[0].title()
    out = await installation.good(
        "shops", "add", "wildberries", "--token-file", "-", "--name", name, "--customer", customer, "--json", stdin=world.core_token(name)
    )  # fmt: skip
    return int(json.loads(out)["shop"]["shop_id"])


@pytest.mark.timeout(180)
async def test_all_shops_of_a_customer_stop_at_once_and_go_on_later(install: Install, database: str) -> None:
    async with new_world(*SELLERS) as world:
        installation = install(world.url, dsn=database, **SLOW)
        shops = {spec.name: await _add(installation, world, spec.name) for spec in SELLERS}
        flax, wool = [shops["flax-1"], shops["flax-2"]], shops["wool"]
        daemon = await installation.started()

        async def some_pages() -> bool:
            return all([await rows_of(database, "wb.orders", shop) >= 200 for shop in shops.values()])

        await until(some_pages, what="the first pages of every shop")
        assert await one(database, OPEN, flax) >= 2
        assert "shops (2) ends" in await installation.good("customers", "off", "Flax")

        async def stopped() -> bool:
            return bool(await one(database, OPEN, flax) == 0)

        await until(stopped, what="the end of the customer's runs", within=20)
        cut = await ask(database, "SELECT DISTINCT shop_id FROM mpsync.runs WHERE state = 'interrupted' ORDER BY shop_id")
        assert [row["shop_id"] for row in cut] == flax
        committed = [await rows_of(database, "wb.orders", shop) for shop in flax]
        assert all(0 < rows < 1500 for rows in committed)
        first = await world.asked()
        assert await one(database, OPEN, [wool]) >= 1
        await loaded(database, wool, parked=BEYOND_CORE)
        asked_meanwhile = {request["seller"] for request in await world.asked(len(first))}
        assert asked_meanwhile == {"wool"}
        assert [await rows_of(database, "wb.orders", shop) for shop in flax] == committed
        refused = await installation.command("sync", "flax-1")
        assert (refused.code, "switched off" in refused.err) == (1, True)

        assert "go on" in await installation.good("customers", "on", "Flax")
        await loaded(database, *shops.values(), within=90, parked=BEYOND_CORE)
        assert daemon.alive
        [_, again] = repeats([first, await world.asked(len(first))])
        assert again[ORDERS] <= LIVE_PAGES * 2 * len(shops)
        await equal_in_the_end(world, database, shops, streams=CORE, tables=CORE_TABLES)
