"""Finance of a sandbox in a real database: first load, corrections, kills, and answers of nothing by mistake, each equal to the truth."""

from datetime import timedelta

import pytest

from mpsyncd.model.errors import EmptySnapshot, Forbidden
from mpsyncd.model.run import Mode
from mpsyncd.model.stream import Lane
from mpsyncd.sandbox import SellerSpec, TokenType
from mpsyncd.storage.pool import Database
from support.sandbox_caller import Caller
from support.wb_loading import Loading

SHOP = SellerSpec(name="shop", title="ООО Отчёты", cards=12, trashed=1, orders=20, weeks=10, operations=30)
TABLES = ("wb.finance", "wb.finance_reports", "wb.acquiring", "wb.acquiring_reports", "wb.balance")
STREAMS = ("finance", "finance_reports", "acquiring", "acquiring_reports", "balance")
GONE = "SELECT count(*) FROM wb.finance WHERE deleted_at IS NOT NULL"


async def loading(pool: Database, database: str, **options: object) -> Loading:
    return await Loading.begin(Caller(SHOP, finance_cap=30, **options), pool, database)


def pass_days(load: Loading, days: float) -> None:
    """The world moves on, a correction every few hours."""
    load.caller.wait(timedelta(days=days).total_seconds())


async def follow(load: Loading) -> None:
    for name in STREAMS:
        await load.run(name)


async def test_the_first_load_is_the_truth(pool: Database, database: str) -> None:
    load = await loading(pool, database)
    await load.load(*STREAMS)
    assert await load.untrue(*TABLES) == []
    assert await load.value("SELECT count(DISTINCT date_from) FROM wb.finance") == SHOP.weeks


async def test_new_weeks_and_corrections_are_followed(pool: Database, database: str) -> None:
    load = await loading(pool, database, event_rate=0.002)
    await load.load(*STREAMS)
    for _ in range(4):
        pass_days(load, 3)
        await follow(load)
    load.caller.bare("POST", "/_freeze")
    await follow(load)
    assert await load.untrue(*TABLES) == []
    assert await load.value(GONE) > 0, "no row went away: the test proves nothing about sweeps"
    assert await load.value("SELECT count(DISTINCT date_from) FROM wb.finance") > SHOP.weeks


async def test_kills_cost_no_row_and_few_requests(pool: Database, database: str) -> None:
    load = await loading(pool, database)
    pages = 0
    for lane in Lane:
        pages += await load.stubborn("finance", lane, lives=2)
    assert await load.untrue("wb.finance") == []
    assert await load.value(GONE) == 0
    spared = await load.run("finance", Lane.BACKFILL, mode=Mode.FULL) + await load.run("finance")
    assert pages <= 2 * spared
    assert await load.value("SELECT count(*) FROM mpsync.runs") > 6


@pytest.mark.parametrize("kind", ["no_content", "empty_page"])
@pytest.mark.parametrize("behind", [0, 2])
async def test_an_end_by_mistake_ends_nothing(pool: Database, database: str, kind: str, behind: int) -> None:
    load = await loading(pool, database)
    for _ in range(2):
        for lane in Lane:
            await load.run("finance", lane, mode=Mode.FULL, trouble=(behind, kind))
    assert await load.untrue("wb.finance") == []
    assert await load.value(GONE) == 0


@pytest.mark.parametrize("lane", Lane)
async def test_weeks_that_are_suddenly_empty_are_a_suspicion_and_no_deletion(pool: Database, database: str, lane: Lane) -> None:
    load = await loading(pool, database)
    await load.load("finance")
    load.caller.bare("POST", "/_faults", [{"kind": "no_content"}])
    with pytest.raises(EmptySnapshot):
        await load.run("finance", lane, mode=Mode.FULL)
    load.caller.bare("DELETE", "/_faults")
    assert await load.untrue("wb.finance") == []
    await load.run("finance", lane, mode=Mode.FULL)
    assert await load.untrue("wb.finance") == []
    assert await load.value(GONE) == 0


async def test_fields_that_change_under_way_do_no_harm(pool: Database, database: str) -> None:
    load = await loading(pool, database)
    load.caller.bare("POST", "/_faults", [{"kind": "changed_types"}])
    await load.load("finance", "acquiring", "finance_reports", "acquiring_reports")
    assert await load.untrue("wb.finance", "wb.acquiring", "wb.finance_reports", "wb.acquiring_reports") == []


async def test_base_tokens_read_the_rows_and_are_parked_for_the_rest(pool: Database, database: str) -> None:
    load = await Loading.begin(Caller(SHOP), pool, database)
    load.caller.token = load.caller.make(type=TokenType.BASE)
    for name in STREAMS:
        if name in {"finance", "balance"}:
            await load.load(name, pause=43_200)
        else:
            with pytest.raises(Forbidden) as refused:
                await load.run(name)
            assert refused.value.capability is None, "only this stream is parked"
    await load.run("finance", pause=43_200)
    assert await load.untrue("wb.finance", "wb.balance") == []
