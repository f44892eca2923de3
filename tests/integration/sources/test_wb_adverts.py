"""Adverts of a sandbox in a real database: first load, what moves afterwards, kills, refused and heavy batches, each equal to the truth."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from mpsyncd.model.errors import BadData, EmptySnapshot
from mpsyncd.model.run import Mode
from mpsyncd.sandbox import SellerSpec
from mpsyncd.sandbox.world.campaigns import Stage
from mpsyncd.sources.wildberries.source import WILDBERRIES
from mpsyncd.storage.pool import Database
from support.sandbox_caller import Caller
from support.wb_loading import Loading

SHOP = SellerSpec(name="shop", title="ООО Реклама", cards=12, trashed=1, orders=20, campaigns=64, advert_history=timedelta(days=12))
TABLES = (
    "wb.campaigns",
    "wb.campaign_products",
    "wb.campaign_days",
    "wb.campaign_apps",
    "wb.campaign_nms",
    "wb.campaign_spend",
    "wb.campaign_payments",
    "wb.advert_balance",
    "wb.campaign_budgets",
)
DAYS = ("wb.campaign_days", "wb.campaign_apps", "wb.campaign_nms")
SPENDING = {Stage.READY, Stage.RUNNING, Stage.PAUSED}
STREAMS = ("campaigns", "campaign_days", "campaign_spend", "campaign_payments", "campaign_budgets", "advert_balance")


async def loading(pool: Database, database: str, **options: object) -> Loading:
    """Limits are a hundred times wider, so that the vendor's late figures do not grow while they are read."""
    return await Loading.begin(Caller(SHOP, limit_scale=100, **options), pool, database, pause=1)


async def follow(load: Loading) -> None:
    for name in STREAMS:
        await load.run(name)


async def test_the_first_load_is_the_truth(pool: Database, database: str) -> None:
    load = await loading(pool, database)
    await load.load(*STREAMS)
    assert await load.untrue(*TABLES) == []
    assert await load.value("SELECT count(DISTINCT type) FROM wb.campaigns") == 2, "none is of the obsolete type"
    assert await load.value("SELECT count(*) FROM wb.campaign_spend WHERE upd_time IS NULL") > 0
    assert await load.value("SELECT count(*) FROM wb.campaign_days WHERE booster_stats IS NOT NULL") > 0


async def test_what_moves_afterwards_is_followed(pool: Database, database: str) -> None:
    load = await loading(pool, database, event_rate=0.002)
    await load.load(*STREAMS)
    for days in (0.3, 3, 1, 9):
        load.caller.wait(timedelta(days=days).total_seconds())
        await follow(load)
    load.caller.bare("POST", "/_freeze")
    await follow(load)
    assert await load.untrue(*TABLES) == []
    assert await load.value("SELECT count(*) FROM wb.campaigns WHERE deleted_at IS NOT NULL") > 0
    assert await load.value("SELECT count(*) FROM wb.advert_balance_history") > 1


@pytest.mark.parametrize("name", ["campaigns", "campaign_days", "campaign_spend", "campaign_budgets"])
async def test_kills_cost_nothing(pool: Database, database: str, name: str) -> None:
    load = await loading(pool, database)
    await load.load("campaigns")
    for lane in WILDBERRIES.stream(name).lanes:
        await load.stubborn(name, lane, lives=2)
    assert await load.untrue(*(table.name for table in WILDBERRIES.stream(name).tables)) == []


async def test_batches_that_are_too_heavy_pass_in_pieces(pool: Database, database: str) -> None:
    load = await loading(pool, database)
    await load.load("campaigns")
    load.caller.bare("POST", "/_faults", [{"kind": "heavy_batch"}])
    await load.load("campaign_days")
    assert await load.untrue(*DAYS) == []
    answered = [dict(request["query"]) for request in load.asked("/adv/v3/fullstats") if request["status"] == 200]
    asked = [len(query["ids"].split(",")) for query in answered]
    assert max(asked) <= 10


async def test_a_campaign_that_has_left_meanwhile_costs_no_other_one(pool: Database, database: str) -> None:
    load = await loading(pool, database)
    await load.load("campaigns")
    await load.value("UPDATE wb.campaigns SET status = 9 WHERE status IN (-1, 4, 8) AND type = 9 RETURNING 1")
    await load.load("campaign_days")
    assert await load.untrue(*DAYS) == []
    assert await load.value("SELECT sum(skipped) FROM mpsync.run_feeds") > 0


async def test_fields_that_change_under_way_do_no_harm(pool: Database, database: str) -> None:
    load = await loading(pool, database)
    load.caller.bare("POST", "/_faults", [{"kind": "changed_types"}])
    await load.load(*STREAMS)
    nested = {"wb.campaign_days", "wb.advert_balance"}  # lists inside are kept as they were told
    assert await load.untrue(*(table for table in TABLES if table not in nested)) == []
    assert await load.value("SELECT count(*) FROM wb.campaign_days") > 0


async def test_statuses_that_nobody_knows_are_kept(pool: Database, database: str) -> None:
    load = await loading(pool, database)
    load.caller.bare("POST", "/_faults", [{"kind": "unknown_values"}])
    await load.load(*STREAMS)
    assert await load.value("SELECT count(*) FROM wb.campaigns") == SHOP.campaigns
    assert await load.value("SELECT count(*) FROM mpsync.rejected_rows") == 0


@pytest.mark.parametrize("kind", ["empty_page", "repeated_page"])
async def test_answers_by_mistake_lose_nothing(pool: Database, database: str, kind: str) -> None:
    load = await loading(pool, database)
    await load.load(*STREAMS)
    for name, behind in {"campaigns": 2, "campaign_days": 1, "campaign_spend": 0, "campaign_payments": 0, "campaign_budgets": 1}.items():
        for lane in WILDBERRIES.stream(name).lanes:
            with suppress(BadData, EmptySnapshot):  # both are tried again
                await load.run(name, lane, mode=Mode.FULL, trouble=(behind, kind))
            await load.run(name, lane, mode=Mode.FULL)
    assert await load.untrue(*TABLES) == []


@pytest.mark.parametrize("left", [0, 3])
async def test_budgets_of_campaigns_that_have_ended_go_without_doubt(pool: Database, database: str, left: int) -> None:
    load = await loading(pool, database)
    await load.load(*STREAMS)
    load.caller.wait(60)
    owner = load.caller.core.world.sellers["shop"]
    begun = [each for each in owner.adverts.present(load.caller.now).values() if not each.old and each.stage in SPENDING]
    for one in begun[left:]:
        owner.adverts.put(replace(one, stage=Stage.FINISHED, changed_at=load.caller.now))
    await load.run("campaigns")
    await load.run("campaign_budgets")
    assert len(begun) > 20
    assert await load.value("SELECT count(*) FROM wb.campaign_budgets WHERE deleted_at IS NULL") == left
    assert await load.value("SELECT count(*) FROM wb.campaign_budgets WHERE deleted_at IS NOT NULL") == len(begun) - left


async def test_budgets_of_living_campaigns_that_are_not_told_are_a_suspicion(pool: Database, database: str) -> None:
    load = await loading(pool, database)
    await load.load("campaigns", "campaign_budgets")
    load.caller.bare("POST", "/_faults", [{"kind": "empty_page"}])
    load.caller.wait(60)
    with pytest.raises(EmptySnapshot):
        await load.run("campaign_budgets")
    assert await load.untrue("wb.campaign_budgets") == []


async def test_a_shop_that_suddenly_has_no_campaigns_is_a_suspicion(pool: Database, database: str) -> None:
    load = await loading(pool, database)
    await load.load("campaigns", "campaign_spend")
    load.caller.bare("POST", "/_faults", [{"kind": "empty_page"}])
    with pytest.raises(EmptySnapshot):
        await load.run("campaigns")
    with pytest.raises(EmptySnapshot):
        await load.run("campaign_spend")
    assert await load.untrue("wb.campaigns", "wb.campaign_spend") == []
