"""`null` where a list should be, from any method at any request: nothing is lost, nothing doubled, and the next read ends as before."""

from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from mpsyncd.model.errors import BadData, EmptySnapshot
from mpsyncd.model.run import Mode
from mpsyncd.model.stream import Lane
from mpsyncd.sandbox import SellerSpec
from mpsyncd.sources.wildberries.source import WILDBERRIES
from mpsyncd.storage.pool import Database
from support.sandbox_caller import Caller
from support.truth import stored_rows
from support.wb_loading import Loading

SHOP = SellerSpec(name="shop", title="ООО Пустота", cards=40, trashed=5, orders=120, weeks=10, operations=30, campaigns=12)


async def rows(load: Loading, *tables: str) -> dict[str, list[dict[str, Any]]]:
    connection = await asyncpg.connect(load.dsn, server_settings={"timezone": "UTC"})
    try:
        stored = {table: await stored_rows(connection, table, shop_id=load.shop.shop_id) for table in tables}
        return {table: [{**row, "synced_at": None} for row in told] for table, told in stored.items()}
    finally:
        await connection.close()


@pytest.mark.parametrize("name", [stream.name for stream in WILDBERRIES.streams])
async def test_null_in_place_of_a_list_loses_nothing(pool: Database, database: str, name: str) -> None:
    stream = WILDBERRIES.stream(name)
    load = await Loading.begin(Caller(SHOP, finance_cap=30), pool, database)
    load.caller.bare("POST", "/_freeze")
    parents = () if stream.parents is None else (stream.parents.stream,)
    lanes = stream.lanes if stream.shortcut is None else (Lane.LIVE,)  # files hold no null
    await load.load(*parents)
    for lane in lanes:
        await load.run(name, lane)
    tables = [table.name for table in stream.tables]
    before = await rows(load, *tables)
    for behind in (0, 1):
        for lane in lanes:
            with suppress(BadData, EmptySnapshot):  # a clear state, and tried again
                await load.run(name, lane, mode=Mode.FULL, trouble=(behind, "null_lists"))
            await load.run(name, lane, mode=Mode.FULL)
    assert sum(fault["hits"] for fault in load.caller.bare("GET", "/_faults")) >= len(lanes), "nothing was spoilt: this proves nothing"
    assert before[stream.main.name]
    assert await rows(load, *tables) == before
