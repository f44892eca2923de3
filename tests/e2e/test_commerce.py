"""Sales, order feed, prices, stocks, warehouses by real processes: first load, changes, kills, a key of the base type."""

import asyncio
import random

import pytest

from mpsyncd.sandbox import Category, Fault, FaultKind, SellerSpec, TokenType
from mpsyncd.sources.wildberries.source import WILDBERRIES
from support.loads import ask, equal_in_the_end, explained, new_world, one, run, unread
from support.processes import Install, until
from support.truth import KEYS, PARTS

SHOP = SellerSpec(name="shop", title="ООО Торговля", cards=230, trashed=20, orders=1_500)
SMALL = SellerSpec(name="small", title="ИП Малый", cards=30, trashed=4, orders=60)
APART = SellerSpec(name="apart", title="ИП Склады", cards=120, trashed=5, orders=300, named_warehouses=True)
CATEGORIES = frozenset({Category.CONTENT, Category.STATISTICS, Category.ANALYTICS, Category.PRICES, Category.MARKETPLACE})
STREAMS = ("orders", "sales", "order_feed", "cards", "cards_trash", "prices", "stocks", "seller_stocks", "warehouses", "offices")
TABLES = tuple(table.name for name in STREAMS for table in WILDBERRIES.stream(name).tables)
SNAPSHOTS = ("wb.prices", "wb.price_sizes", "wb.stocks", "wb.seller_stocks")
KILLS = 8
QUICKEST = 10_000
TRUSTING = {"sweep_share": 1.0}
"""The sandbox's sellers close warehouses: most of the stock may leave at once, and nobody is there to believe it."""
SLOW = {"limit": 1, "per": "500 s", "burst": 1}
"""A request in half a second, so that the load outlives its killers."""


_UNREAD = """
SELECT f.stream || ' ' || f.lane || ' ' || f.state || coalesce(' (' || f.reason || ')', '') FROM unnest($2::text[]) AS s (stream)
LEFT JOIN mpsync.feeds f ON f.shop_id = $1 AND f.stream = s.stream
WHERE CASE f.lane WHEN 'live' THEN f.last_success_at IS NULL WHEN 'backfill' THEN f.state <> 'done' ELSE true END
"""


async def read(dsn: str, *shops: int, without: tuple[str, ...] = ()) -> None:
    """Wait until all history of the streams of this file is read."""
    wanted = [name for name in STREAMS if name not in without]

    async def left() -> list[str]:
        return [row[0] for shop in shops for row in await ask(dsn, _UNREAD, shop, wanted)]

    async def none_left() -> bool:
        return not await left()

    try:
        await until(none_left, what="the first load", within=120)
    except AssertionError as error:
        raise AssertionError(f"{error}; left: {await left()}") from None


_COLUMNS = """
SELECT string_agg('t.' || attname, ', ') FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0
AND attname NOT IN ('row_hash', 'valid_from', 'gone')
"""
_UNTOLD = """
SELECT count(*) FROM {table} t LEFT JOIN LATERAL (
    SELECT h.* FROM {table}_history h WHERE h.shop_id = t.shop_id AND {same} ORDER BY h.valid_from DESC LIMIT 1
) h ON true
WHERE t.shop_id = $1 AND (h.gone IS DISTINCT FROM {gone} OR ROW({columns}) IS DISTINCT FROM ROW({remembered}))
"""


async def assert_histories(dsn: str, shop: int) -> None:
    """The newest version of every row is the row as it stands, and every complete read is written down."""
    for table in SNAPSHOTS:
        columns = await one(dsn, _COLUMNS, f"{table}_history")
        question = _UNTOLD.format(
            table=table,
            same=" AND ".join(f"h.{name} = t.{name}" for name in KEYS[table]),
            gone="false" if table in PARTS else "(t.deleted_at IS NOT NULL)",
            columns=columns,
            remembered=columns.replace("t.", "h."),
        )
        assert await one(dsn, question, shop) == 0, table
        assert await one(dsn, "SELECT count(*) FROM mpsync.snapshots WHERE shop_id = $1 AND table_name = $2", shop, table) >= 2, table


@pytest.mark.timeout(240)
async def test_first_load_and_what_changes_then(install: Install, database: str) -> None:
    async with new_world(SHOP, APART, event_rate=20) as world:
        installation = install(world.url, dsn=database, engine=TRUSTING)
        shops = {name: await installation.add_shop(name, world.token(name, categories=CATEGORIES)) for name in ("shop", "apart")}
        await installation.started()
        await read(database, *shops.values())
        for shop in shops.values():
            assert await run(database, shop, streams=STREAMS) == "done"
        await equal_in_the_end(world, database, shops, tables=TABLES, streams=STREAMS)
        for shop in shops.values():
            await assert_histories(database, shop)
        assert await one(database, "SELECT count(DISTINCT warehouse_id) FROM wb.stocks WHERE shop_id = $1", shops["apart"]) > 1
        assert await one(database, "SELECT count(DISTINCT warehouse_id) FROM wb.stocks WHERE shop_id = $1", shops["shop"]) == 1


@pytest.mark.timeout(240)
async def test_kills_in_the_middle_of_everything(install: Install) -> None:
    names = ("statistics.orders", "statistics.sales", "analytics.order_feed", "prices", "analytics.wb_stocks", "analytics.seller_stocks")
    slow = {f'sources__wildberries__limits__"{name}"': SLOW for name in names}
    moments = random.Random(20_261_121)
    async with new_world(SHOP) as world:
        installation = install(world.url, engine=TRUSTING, **slow)
        daemon = await installation.started()
        shop = await installation.add_shop("shop", world.token("shop", categories=CATEGORIES))
        dsn = await installation.dsn()
        for _ in range(KILLS):
            await asyncio.sleep(moments.uniform(0.3, 2.0))
            await daemon.kill()
            daemon = installation.start()
        await daemon.ready()
        assert await unread(dsn, shop), "the killers came too late to disturb anything"
        await read(dsn, shop)
        await equal_in_the_end(world, dsn, {"shop": shop}, tables=TABLES, streams=STREAMS)
        await assert_histories(dsn, shop)


async def test_a_base_token_is_refused_stock_and_reads_the_rest(install: Install, database: str) -> None:
    async with new_world(SMALL, limit_scale=QUICKEST) as world:
        installation = install(world.url, dsn=database, transport={"limit_scale": QUICKEST}, engine=TRUSTING)
        token = world.token("small", type=TokenType.BASE, categories=CATEGORIES)
        shop = await installation.add_shop("small", token)
        await installation.started()
        closed = ("stocks", "seller_stocks")
        await read(database, shop, without=closed)
        reasons = {feed["stream"]: feed["reason"] for feed in await explained(database, shop) if feed["state"] == "parked"}
        assert all("tokens of the base type may not use this method" in reasons[name] for name in closed)
        tables = [table for table in TABLES if table not in {"wb.stocks", "wb.seller_stocks"}]
        await equal_in_the_end(world, database, {"small": shop}, tables=tables, streams=[name for name in STREAMS if name not in closed])
        assert await one(database, "SELECT count(*) FROM wb.stocks WHERE shop_id = $1", shop) == 0


async def test_an_empty_stock_is_not_believed(install: Install, database: str) -> None:
    async with new_world(SHOP, event_rate=0) as world:
        installation = install(world.url, dsn=database)
        shop = await installation.add_shop("shop", world.token("shop", categories=CATEGORIES))
        await installation.started()
        await read(database, shop)
        before = await one(database, "SELECT count(*) FROM wb.stocks WHERE shop_id = $1 AND deleted_at IS NULL", shop)
        world.arm(Fault(kind=FaultKind.NO_CONTENT, path="/api/analytics/v1/stocks-report/wb-warehouses"))
        assert await run(database, shop, streams=("stocks",)) == "failed"
        feed = next(feed for feed in await explained(database, shop) if feed["stream"] == "stocks")
        assert f"came back empty while {before} rows live here" in feed["reason"]
        assert await one(database, "SELECT count(*) FROM wb.stocks WHERE shop_id = $1 AND deleted_at IS NULL", shop) == before
        await world.cure()
        await equal_in_the_end(world, database, {"shop": shop}, tables=TABLES, streams=STREAMS)
        assert not await one(database, "SELECT bool_or(gone) FROM wb.stocks_history WHERE shop_id = $1", shop)
