"""The reader of parents, on a real table: what it gives, in which order, from where on, and along which index."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mpsyncd.model.errors import ConfigError
from mpsyncd.model.stream import Parents, Stream, Table
from mpsyncd.storage.documents import Catalog
from mpsyncd.storage.parents import PLANS, statement
from mpsyncd.storage.pool import Database
from mpsyncd.storage.store import PostgresStore
from support.documents import THINGS
from support.storage import FACTS, add_shop, execute

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
TABLES = """
CREATE SCHEMA kin;
CREATE TABLE kin.folk (
    shop_id bigint NOT NULL, id bigint NOT NULL, name text, kind integer, changed_at timestamptz, rate numeric, extra jsonb,
    row_hash bytea NOT NULL DEFAULT 'x', first_seen_at timestamptz NOT NULL DEFAULT now(), synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz, CONSTRAINT folk_pk PRIMARY KEY (shop_id, id)
);
CREATE TABLE kin.days (
    shop_id bigint NOT NULL, day date NOT NULL, code text NOT NULL, extra jsonb,
    row_hash bytea NOT NULL DEFAULT 'x', first_seen_at timestamptz NOT NULL DEFAULT now(), synced_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz, CONSTRAINT days_pk PRIMARY KEY (shop_id, day, code)
);
"""
FOLK, DAYS = Table(name="kin.folk", key=("id",)), Table(name="kin.days", key=("day", "code"))


def _stream(*tables: Table) -> Stream:
    return Stream(name="folk", tables=tables, read=THINGS.read, schedule="daily")


async def _store(pool: Database) -> tuple[PostgresStore, int]:
    await execute(pool, TABLES)
    shop = await add_shop(pool)
    return PostgresStore(pool, facts=FACTS, streams=[_stream(FOLK), _stream(DAYS)]), shop.shop_id


async def _add(pool: Database, shop_id: int, count: int, **values: Any) -> None:
    names = "".join(f", {name}" for name in values)
    given = "".join(f", ${place}" for place, _ in enumerate(values, start=3))
    query = f"INSERT INTO kin.folk (shop_id, id{names}) SELECT $1, n{given} FROM generate_series(1, $2::int) n"
    await execute(pool, query, shop_id, count, *values.values())


async def _read(store: PostgresStore, shop_id: int, parents: Parents, **how: Any) -> list[list[Any]]:
    reader = store.parents(shop_id, parents, since=how.pop("since", None))
    return [list(rows) async for rows in reader(**how)]


async def test_live_rows_of_one_shop_come_in_pages_in_order_of_their_key(pool: Database) -> None:
    store, shop_id = await _store(pool)
    other = await add_shop(pool, "south")
    await _add(pool, shop_id, 2001, name="a")
    await _add(pool, other.shop_id, 3)
    await execute(pool, "UPDATE kin.folk SET deleted_at = now() WHERE shop_id = $1 AND id = 7", shop_id)
    pages = await _read(store, shop_id, Parents(stream="folk", table="kin.folk", columns=("name",)))
    assert [len(page) for page in pages] == [1000, 1000]
    assert [row["id"] for page in pages for row in page] == [n for n in range(1, 2002) if n != 7]
    assert pages[0][0] == {"id": 1, "name": "a"}
    every = await _read(store, shop_id, Parents(stream="folk", table="kin.folk", deleted=True))
    assert [row["id"] for page in every for row in page] == list(range(1, 2002))
    await execute(pool, "UPDATE kin.folk SET row_hash = '' WHERE shop_id = $1 AND id = 8", shop_id)
    pages = await _read(store, shop_id, Parents(stream="folk", table="kin.folk"))
    assert [row["id"] for page in pages for row in page][5:8] == [6, 9, 10], "of a stub nobody knows whether the vendor has it"


async def test_rows_that_are_gone_come_too_when_they_are_wanted(pool: Database) -> None:
    store, shop_id = await _store(pool)
    await _add(pool, shop_id, 3)
    await execute(pool, "UPDATE kin.folk SET deleted_at = now() WHERE id = 2")
    [page] = await _read(store, shop_id, Parents(stream="folk", table="kin.folk", deleted=True))
    assert [row["id"] for row in page] == [1, 2, 3]


async def test_reading_goes_on_behind_a_key(pool: Database) -> None:
    store, shop_id = await _store(pool)
    await _add(pool, shop_id, 5)
    [page] = await _read(store, shop_id, Parents(stream="folk", table="kin.folk"), after=[3])
    assert page == [{"id": 4}, {"id": 5}]
    assert await _read(store, shop_id, Parents(stream="folk", table="kin.folk"), after=[5]) == []


async def test_a_key_of_several_columns_is_one_position_and_what_is_given_can_be_given_back(pool: Database) -> None:
    store, shop_id = await _store(pool)
    days = [("2026-11-01", "b"), ("2026-11-01", "c"), ("2026-11-02", "a")]
    for day, code in days:
        await execute(pool, "INSERT INTO kin.days (shop_id, day, code) VALUES ($1, $2::text::date, $3)", shop_id, day, code)
    parents = Parents(stream="folk", table="kin.days")
    [page] = await _read(store, shop_id, parents)
    assert [(row["day"], row["code"]) for row in page] == days
    [page] = await _read(store, shop_id, parents, after=[page[1]["day"], page[1]["code"]])
    assert [(row["day"], row["code"]) for row in page] == days[2:]


async def test_where_and_changed_choose_the_parents(pool: Database) -> None:
    store, shop_id = await _store(pool)
    await _add(pool, shop_id, 4, kind=1, changed_at=MOMENT)
    await execute(pool, "UPDATE kin.folk SET kind = id WHERE id > 1")
    await execute(pool, "UPDATE kin.folk SET changed_at = changed_at + interval '1 day' WHERE id = 3")
    parents = Parents(stream="folk", table="kin.folk", columns=("kind", "changed_at"), where={"kind": (2, 3)}, changed="changed_at")
    assert [row["id"] for [*page] in await _read(store, shop_id, parents) for row in page] == [2, 3]
    [page] = await _read(store, shop_id, parents, since=MOMENT + timedelta(hours=1))
    assert page == [{"id": 3, "kind": 3, "changed_at": "2026-11-02T00:00:00+00:00"}]


async def test_a_declaration_that_does_not_fit_is_said_so(pool: Database) -> None:
    store, shop_id = await _store(pool)
    with pytest.raises(ConfigError, match="lacks colour"):
        await _read(store, shop_id, Parents(stream="folk", table="kin.folk", columns=("colour",)))
    with pytest.raises(ConfigError, match="declared by none"):
        await _read(store, shop_id, Parents(stream="folk", table="kin.elsewhere"))


@pytest.mark.parametrize("analysed", [True, False])
async def test_a_page_goes_along_the_primary_key_and_sorts_nothing(pool: Database, *, analysed: bool) -> None:
    _, shop_id = await _store(pool)
    await _add(pool, shop_id, 30_000)
    if analysed:
        await execute(pool, "ANALYZE kin.folk")
    async with pool.transaction() as connection:
        await connection.execute(PLANS)
        shape = (await Catalog.load(connection, [FOLK])).shape("kin.folk")
        query, values = statement(shape, Parents(stream="folk", table="kin.folk"), after=[5000], since=None)
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {query}", shop_id, *values))
    assert "using folk_pk" in plan
    assert "Sort" not in plan
