"""Plans of the merge's look-ups: into the primary key, whatever the statistics say, and however they have changed since."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from mpsyncd.storage.documents.history import insertion
from mpsyncd.storage.documents.merge import begin
from support.documents import SIZES, STOCKS, THING, Lab, moment, stream
from support.marks import both_majors

KEYS = list(range(1000))
HASHES = [b"h" * 16] * 1000


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


async def plan_of(at: Lab, sql: str, *values: Any, options: str = "COSTS") -> list[dict[str, Any]]:
    """The plan as `write_page` would get it: inside its transaction, prepared, as often as it takes to get a generic one."""
    async with at.conn.transaction():
        await begin(at.conn, at.catalog, shop_id=at.shop_id, stream=at.stream)
        statement = await at.conn.prepare(f"EXPLAIN (FORMAT JSON, {options}) {sql}")
        for _ in range(7):
            [(told,)] = await statement.fetch(*values)
    return list(nodes(json.loads(told)[0]["Plan"]))


async def scan_of(at: Lab, sql: str, *values: Any, table: str) -> dict[str, Any]:
    """The one scan of the table that is looked up; a TID scan behind it deletes what was found."""
    plan = await plan_of(at, sql, *values)
    [scan] = [node for node in plan if node.get("Relation Name") == table and node["Node Type"] not in {"ModifyTable", "Tid Scan"}]
    assert scan["Node Type"] == "Index Scan", plan
    assert not {"Hash Join", "Merge Join"} & {node["Node Type"] for node in plan}
    return scan


async def assert_by_key(at: Lab, sql: str, *values: Any, table: str, columns: int) -> None:
    scan = await scan_of(at, sql, *values, table=table)
    assert scan["Index Name"] == f"{table}_pk"
    condition = scan["Index Cond"]
    assert condition.lstrip("(").startswith("ROW(shop_id, ") or condition.count("=") == columns, scan


async def fill(at: Lab, rows: int, *, analyse: bool) -> None:
    for schema, extra in (("lab.things (shop_id, id,", "n,"), ("lab.thing_sizes (shop_id, thing_id, name,", "n / 4, (n % 4)::text,")):
        await at.conn.execute(
            f"INSERT INTO {schema} row_hash, first_seen_at, synced_at) SELECT $1, {extra} '', $3, $3 FROM generate_series(1, $2::int) n",
            at.shop_id,
            rows,
            moment(0),
        )
    if analyse:
        await at.conn.execute("ANALYZE lab.things; ANALYZE lab.thing_sizes")


def look_ups(at: Lab) -> list[tuple[str, tuple[Any, ...], str, int]]:
    things, sizes = at.catalog.shape("lab.things").sql, at.catalog.shape("lab.thing_sizes").sql
    return [
        (things.differing, (at.shop_id, KEYS, HASHES), "things", 2),
        (sizes.parts_of(1), (at.shop_id, KEYS), "thing_sizes", 2),
        (sizes.delete, (at.shop_id, KEYS, ["S"] * 1000), "thing_sizes", 3),
    ]


@both_majors
@pytest.mark.parametrize("rows", [0, 3, 200_000], ids=["empty", "tiny", "big"])
@pytest.mark.parametrize("analyse", [None, "empty", "full"])
async def test_look_ups_go_into_the_primary_key(at: Lab, rows: int, analyse: str | None) -> None:
    used = await at.use(stream(THING, SIZES))
    await fill(used, 0, analyse=analyse == "empty")
    await fill(used, rows, analyse=analyse == "full")
    for sql, values, table, columns in look_ups(used):
        await assert_by_key(used, sql, *values, table=table, columns=columns)


@both_majors
async def test_a_shop_that_the_statistics_do_not_know(at: Lab) -> None:
    """Analysed when another shop had everything; the new shop grew since, and seems to have no rows at all."""
    used = await at.use(stream(THING, SIZES))
    await fill(replace(used, shop_id=10**9), 100_000, analyse=True)
    await fill(used, 100_000, analyse=False)
    for sql, values, table, columns in look_ups(used):
        await assert_by_key(used, sql, *values, table=table, columns=columns)


@both_majors
@pytest.mark.parametrize("rows", [0, 3, 200_000], ids=["empty", "tiny", "big"])
@pytest.mark.parametrize("analyse", [None, "empty", "full"])
async def test_the_newest_version_is_found_in_the_primary_key_of_the_history(at: Lab, rows: int, analyse: str | None) -> None:
    used = await at.use(stream(STOCKS))
    for count, analysed in ((0, analyse == "empty"), (rows, analyse == "full")):
        await at.conn.execute(
            "INSERT INTO lab.stocks_history (shop_id, id, amount, row_hash, valid_from, gone) "
            "SELECT $1, n / 4, n, '', $3::timestamptz + n * interval '1 minute', false FROM generate_series(1, $2::int) n",
            at.shop_id,
            count,
            moment(0),
        )
        if analysed:
            await at.conn.execute("ANALYZE lab.stocks_history")
    sql = insertion(used.catalog.shape("lab.stocks"))
    await assert_by_key(used, sql, at.shop_id, KEYS, moment(1), False, table="stocks_history", columns=3)


@both_majors
async def test_what_others_write_meanwhile_is_not_searched_for_keys_that_are_not_there(at: Lab, database: str) -> None:
    """The next shop's first load, not committed yet, lies right behind the keys of this one."""
    used = await at.use(stream(THING, SIZES))
    other = await asyncpg.connect(database)
    try:
        async with other.transaction():
            await fill(replace(used, conn=other, shop_id=used.shop_id + 1), 20_000, analyse=False)
            for sql, values, table, _ in look_ups(used)[::2]:
                plan = await plan_of(used, sql, *values, options="ANALYZE, BUFFERS, TIMING OFF")
                [scan] = [node for node in plan if node.get("Index Name") == f"{table}_pk"]
                assert scan["Actual Loops"] == len(KEYS)
                assert scan["Shared Hit Blocks"] + scan["Shared Read Blocks"] <= 5 * len(KEYS)
    finally:
        await other.close()


async def test_a_plan_made_for_an_empty_table_is_not_kept(at: Lab) -> None:
    """One session from the first row on: the first pages' plans must not stay when the table has grown."""
    for number in range(24):
        await at.write(*[{"id": number * 500 + place, "title": "t"} for place in range(500)], at=number)
    await at.write(*[{"id": number, "title": "t"} for number in range(12_000)], at=99)
    await at.conn.execute("SELECT pg_stat_force_next_flush()")
    read = dict(await at.rows("SELECT indexrelname, idx_tup_read FROM pg_stat_user_indexes WHERE relname = 'things'"))
    assert read == {"things_pk": read["things_pk"], "things_title_ix": 0}
    assert read["things_pk"] <= 24_000, "each key is one step"
