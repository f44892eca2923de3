"""Funnel, finance and adverts by real processes: kills, corrections, lost rights, wrong answers. In the end all is true."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mpsyncd.model.run import Mode
from mpsyncd.sandbox import Category, Fault, FaultKind, SellerSpec
from mpsyncd.sandbox.world.finance_book import FinanceBook
from mpsyncd.sources.wildberries.source import WILDBERRIES
from mpsyncd.storage import requests
from mpsyncd.storage.pool import connect
from support.loads import World, equal_in_the_end, explained, loaded, new_world, one, unread
from support.processes import Install, until

SHOP = SellerSpec(name="shop", title="ООО Деньги", cards=40, trashed=6, orders=200, jam=True, weeks=5, operations=40, campaigns=70)
KILLS = 6
QUICKEST = {"limit_scale": 10_000}
SLOW = {"limit": 1, "per": "300 s", "burst": 1}
"""A request in a third of a second, so that the load outlives its killers."""
DAYS = 350
REPORTS = "/api/v2/nm-report/downloads"
DETAILED = "/api/finance/v1/sales-reports/detailed"
MONEY = ("finance", "finance_reports", "acquiring", "acquiring_reports", "balance")
BEYOND_MONEY = tuple(stream.name for stream in WILDBERRIES.streams if stream.name not in MONEY)
MONEY_TABLES = tuple(table.name for stream in WILDBERRIES.streams if stream.name in MONEY for table in stream.tables)
_LIVE = "SELECT count(*) FROM wb.finance WHERE shop_id = $1 AND deleted_at IS NULL"
_GONE = "SELECT count(*) FROM wb.finance WHERE shop_id = $1 AND deleted_at IS NOT NULL"


@pytest.fixture
async def shops() -> AsyncIterator[World]:
    """One seller of everything, whose world moves, with quick limits."""
    async with new_world(SHOP, limit_scale=QUICKEST["limit_scale"], event_rate=5) as made:
        yield made


async def ready(world: World, install: Install, database: str) -> int:
    """The number of a shop, when everything of it is read."""
    installation = install(world.url, dsn=database, transport=QUICKEST)
    shop = await installation.add_shop("shop", world.token("shop"))
    await installation.started()
    await loaded(database, shop, within=120)
    return shop


async def money_ready(world: World, install: Install, database: str) -> int:
    """The number of a shop whose key opens finance alone, when that is read."""
    installation = install(world.url, dsn=database, transport=QUICKEST)
    shop = await installation.add_shop("shop", world.token("shop", categories={Category.FINANCE}))
    await installation.started()
    await loaded(database, shop, parked=BEYOND_MONEY)
    return shop


async def feeds(database: str, shop: int, state: str) -> dict[str, str]:
    """Why feeds are in a state, by stream."""
    return {feed["stream"]: feed["reason"] for feed in await explained(database, shop) if feed["state"] == state}


async def only(database: str, shop: int, stream: str, *, mode: Mode) -> None:
    """Run one stream and wait for the end."""
    connection = await connect(database)
    try:
        request = await requests.create(connection, shop_id=shop, mode=mode, requested_by="a test", streams=(stream,))
    finally:
        await connection.close()
    ended = "SELECT r.ended_at IS NOT NULL FROM mpsync.run_requests q JOIN mpsync.runs r USING (run_id) WHERE q.request_id = $1"
    await until(lambda: one(database, ended, request), what=f"the {mode.value} run of {stream}")


@pytest.mark.timeout(240)
async def test_kills_order_no_second_report_and_lose_nothing(install: Install) -> None:
    reports = ("report_create", "report_list", "report_file")
    names = (*(f"analytics.{name}" for name in ("funnel", *reports)), "finance.detailed", "advert.fullstats", "advert.adverts")
    slow = {f'sources__wildberries__limits__"{name}"': SLOW for name in names}
    moments = random.Random(20_261_121)
    async with new_world(SHOP) as world:
        installation = install(world.url, **slow)
        daemon = await installation.started()
        shop = await installation.add_shop("shop", world.token("shop"))
        dsn = await installation.dsn()
        for _ in range(KILLS):
            await asyncio.sleep(moments.uniform(0.3, 2.0))
            await daemon.kill()
            daemon = installation.start()
        await daemon.ready()
        assert await unread(dsn, shop), "the killers came too late to disturb anything"
        await loaded(dsn, shop, within=120)
        await equal_in_the_end(world, dsn, {"shop": shop})
        ordered = [each for each in await world.asked() if each["method"] == "POST" and each["path"] == REPORTS]
        assert [each["status"] for each in ordered].count(200) == 1


@pytest.mark.timeout(240)
async def test_corrections_of_past_reports_and_what_changes_late(shops: World, install: Install, database: str) -> None:
    shop = await money_ready(shops, install, database)
    owner = shops.sandbox.core.world.sellers["shop"]
    assert isinstance(owner.finance, FinanceBook)
    week, dice = owner.finance.statements(owner.born)[-1], random.Random(7)
    for _ in range(20):
        owner.finance.correct(week, dice=dice)
    await equal_in_the_end(shops, database, {"shop": shop}, streams=MONEY, tables=MONEY_TABLES)
    assert await one(database, _GONE, shop) > 0
    assert await one(database, "SELECT count(*) FROM wb.finance WHERE shop_id = $1 AND rrd_id > 7000000000", shop) > 0


@pytest.mark.timeout(240)
async def test_a_subscription_that_ends_in_the_middle_costs_time_and_no_day(shops: World, install: Install, database: str) -> None:
    shops.arm(Fault(kind=FaultKind.JAM_LOST, path=f"{REPORTS}/file"))
    shop = await ready(shops, install, database)
    await equal_in_the_end(shops, database, {"shop": shop})
    state = "SELECT state FROM mpsync.capabilities WHERE shop_id = $1 AND capability = 'jam'"
    assert await one(database, state, shop) == "missing"
    asked = [each for each in await shops.asked() if each["path"].endswith("sales-funnel/products")]
    assert len(asked) > DAYS


@pytest.mark.timeout(240)
async def test_weeks_that_are_suddenly_empty_are_believed_by_force_alone(shops: World, install: Install, database: str) -> None:
    shop = await money_ready(shops, install, database)
    before = await one(database, _LIVE, shop)
    shops.arm(Fault(kind=FaultKind.NO_CONTENT, path=DETAILED))
    await only(database, shop, "finance", mode=Mode.SELECTIVE)
    assert "gave nothing" in (await feeds(database, shop, "failed"))["finance"]
    assert await one(database, _LIVE, shop) == before
    await only(database, shop, "finance", mode=Mode.FORCED)
    assert await one(database, _LIVE, shop) == 0
    await shops.cure()
    await only(database, shop, "finance", mode=Mode.FORCED)
    await equal_in_the_end(shops, database, {"shop": shop}, streams=MONEY, tables=MONEY_TABLES)


@pytest.mark.timeout(240)
async def test_rights_that_go_and_come_back(shops: World, install: Install, database: str) -> None:
    slow = {'sources__wildberries__limits__"finance.detailed"': {"limit": 1, "per": "5000 s", "burst": 1}}
    installation = install(shops.url, dsn=database, transport=QUICKEST, **slow)
    rights = {Category.STATISTICS, Category.FINANCE}
    first = shops.token("shop", categories=rights)
    shop = await installation.add_shop("shop", first)
    await installation.started()
    await until(lambda: one(database, _LIVE, shop), what="the first rows")
    await shops.revoke(first)
    disabled = "SELECT status = 'disabled' FROM mpsync.shops WHERE shop_id = $1"
    await until(lambda: one(database, disabled, shop), what="the shop to stop")
    without = shops.token("shop", categories=rights - {Category.FINANCE})
    await installation.good("shops", "rotate-key", "shop", "--token-file", "-", stdin=without)
    read = ("orders", "sales")
    await loaded(database, shop, parked={stream.name for stream in WILDBERRIES.streams} - set(read))
    assert set(await feeds(database, shop, "parked")) >= set(MONEY)
    await installation.good("shops", "rotate-key", "shop", "--token-file", "-", stdin=shops.token("shop", categories=rights))
    await loaded(database, shop, parked=set(BEYOND_MONEY) - set(read))
    tables = (*MONEY_TABLES, "wb.orders", "wb.sales")
    await equal_in_the_end(shops, database, {"shop": shop}, streams=(*MONEY, *read), tables=tables)


FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": FaultKind.HEAVY_BATCH, "count": 3},
    {"kind": FaultKind.UNKNOWN_VALUES, "count": 6},
    {"kind": FaultKind.CHANGED_TYPES, "count": 10},
    {"kind": FaultKind.SNAPSHOT_EXPIRED, "count": 1},
    {"kind": FaultKind.REPORT_FAILED, "count": 1},
    {"kind": FaultKind.REPORT_RETRY, "count": 1},
    {"kind": FaultKind.SERVER_ERROR, "count": 5, "status": 503, "probability": 0.2},
    {"kind": FaultKind.TRUNCATED, "count": 5, "probability": 0.2},
)


@pytest.mark.timeout(240)
async def test_wrong_answers_of_every_kind(shops: World, install: Install, database: str) -> None:
    shops.arm(*(Fault(**fault) for fault in FAULTS))
    shop = await ready(shops, install, database)
    hit = {fault["kind"] for fault in await shops.faults() if fault["hits"]}
    assert {"heavy_batch", "unknown_values", "changed_types"} <= hit
    await shops.cure()
    await equal_in_the_end(shops, database, {"shop": shop}, mode=Mode.FULL)
