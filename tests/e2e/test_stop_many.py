"""SIGTERM in the middle of many first loads: no new work, every committed page stays, every lease is given back, little is asked again."""

import pytest

from mpsyncd.sandbox import SellerSpec
from support.loads import LIVE_PAGES, ask, new_world, one, repeats
from support.processes import Install, until
from support.shop_lists import ShopFile, orders_token

SHOPS = 40
SELLERS = tuple(SellerSpec(name=f"seller-{n}", title=f"ИП Номер {n}", cards=4, trashed=1, orders=900) for n in range(SHOPS))
SLOW = {'sources__wildberries__limits__"statistics.orders"': {"limit": 1, "per": "1500 s", "burst": 1}}
ORDERS = "/api/v1/supplier/orders"
_BUSY = """
SELECT count(DISTINCT r.shop_id) FROM mpsync.runs r JOIN mpsync.run_feeds f USING (run_id) WHERE r.ended_at IS NULL AND f.pages > 0
"""
_PAGES = "SELECT f.feed_id, sum(r.pages)::bigint AS pages FROM mpsync.run_feeds r JOIN mpsync.feeds f USING (feed_id) GROUP BY f.feed_id"


async def pages(dsn: str) -> dict[int, int]:
    """Committed pages of every feed."""
    return {row["feed_id"]: row["pages"] for row in await ask(dsn, _PAGES)}


@pytest.mark.timeout(240)
async def test_a_stop_in_the_middle_of_many_loads(install: Install, database: str) -> None:
    async with new_world(*SELLERS) as world:
        installation = install(world.url, dsn=database, **SLOW)
        ShopFile(installation).set(**{spec.name: orders_token(world, spec.name) for spec in SELLERS})
        daemon = await installation.started()

        async def all_busy() -> bool:
            return bool(await one(database, _BUSY) == SHOPS)

        await until(all_busy, what="a page of every shop", within=120)
        before = await pages(database)
        daemon.process.terminate()
        await until(lambda: daemon.events("daemon_stopping"), what="the stop")
        asked = len(await world.asked())
        assert await daemon.ended(within=30) == 0
        # Answers on their way may still be dropped; nobody asks for another page.
        assert len(await world.asked()) - asked <= SHOPS
        after = await pages(database)
        assert all(after[feed] >= count for feed, count in before.items())
        assert await one(database, "SELECT count(*) FROM mpsync.leases WHERE holder IS NOT NULL") == 0
        assert await one(database, "SELECT count(*) FROM mpsync.daemons WHERE gone_at IS NULL") == 0
        assert await one(database, "SELECT count(*) FROM mpsync.runs WHERE ended_at IS NULL") == 0
        assert not daemon.events("leases_left") + daemon.events("runs_left") + daemon.events("run_left_open")

        first = await world.asked()
        await installation.started()
        await until(all_busy, what="a page of every shop by the next daemon", within=120)
        [_, again] = repeats([first, (await world.asked())[len(first) :]])
        assert again[ORDERS] <= SHOPS * LIVE_PAGES
