"""What a page leaves in the main table: typing, hashes, duplicates, ages, guards, counts, and nothing at all when it breaks."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from mpsyncd.model.errors import BadData, ConfigError
from mpsyncd.model.page import Page
from mpsyncd.model.stream import Table
from mpsyncd.storage.documents import Catalog
from mpsyncd.storage.documents.rows import put
from mpsyncd.storage.documents.shape import Item
from support.documents import BINS, PAIRS, TAGS, THING, Lab, PiecedRows, moment, page, stream
from support.marks import both_majors

WHOLE = {
    "id": 7,
    "title": "tab\there, \\N and \\, line\nbreak\r, \x02, 'quotes\", ё",
    "amount": 7.0,
    "price": "12.50",
    "rate": 0.1,
    "flag": True,
    "at": "2026-11-01T10:00:00.123456+03:00",
    "day": "2026-11-01",
    "tags": ["a", 'b"c\\', "", "NULL", None, "{x,y}"],
    "counts": [1, 2],
    "body": {"deep": [1, {"x": "\\u0000 as text"}], "empty": {}},
    "code": "6e2fa4a2-6b1c-4c1b-8e6e-3f1f3e0d5a11",
    "unknownKey": {"kept": "whole"},
    "shopId": 99,
    "extra": "mine",
    "deletedAt": None,
}


async def _thing(at: Lab, number: int = 7) -> dict[str, Any]:
    row = await at.conn.fetchrow("SELECT * FROM lab.things WHERE shop_id = $1 AND id = $2", at.shop_id, number)
    assert row is not None
    return dict(row)


@both_majors
@pytest.mark.parametrize("update", [False, True], ids=["copied", "upserted"])
async def test_postgres_types_every_kind_alike_on_both_ways(at: Lab, update: bool) -> None:
    if update:
        await at.write({"id": 7}, at=0)
    done = await at.write(WHOLE)
    assert (done.seen, done.inserted, done.updated) == (1, int(not update), int(update))
    row = await _thing(at)
    assert row["title"] == WHOLE["title"]
    assert (row["amount"], row["price"], row["rate"], row["flag"]) == (7, Decimal("12.50"), 0.1, True)
    assert row["at"] == datetime(2026, 11, 1, 7, 0, 0, 123456, tzinfo=UTC)
    assert (row["day"], row["tags"], row["counts"]) == (date(2026, 11, 1), WHOLE["tags"], [1, 2])
    assert row["body"] == WHOLE["body"]
    assert str(row["code"]) == WHOLE["code"]
    assert row["extra"] == {key: WHOLE[key] for key in ("unknownKey", "shopId", "extra", "deletedAt")}
    assert (row["shop_id"], row["deleted_at"]) == (at.shop_id, None)
    assert (row["first_seen_at"], row["synced_at"]) == (moment(0 if update else 1), moment(1))


async def test_empty_texts_are_null_where_a_text_can_not_stand(at: Lab) -> None:
    names = ("amount", "price", "rate", "flag", "at", "day", "tags", "code")
    await at.write({"id": 7, "title": "", **dict.fromkeys(names, "")})
    row = await _thing(at)
    assert row["title"] == ""
    assert {row[name] for name in names if name != "tags"} | {row["tags"]} == {None}
    assert await at.rejected() == []


async def test_the_same_again_writes_nothing_and_a_difference_only_itself(at: Lab) -> None:
    rows = [{"id": number, "title": f"t{number}"} for number in range(50)]
    await at.write(*rows, at=1)
    before = await at.rows("SELECT id, ctid FROM lab.things ORDER BY id")
    done = await at.write(*reversed(rows), at=2)
    assert (done.seen, done.unchanged, done.changed) == (50, 50, 0)
    assert await at.rows("SELECT id, ctid FROM lab.things ORDER BY id") == before
    done = await at.write(*rows[:25], {"id": 25, "title": "new"}, *rows[26:], at=3)
    assert (done.unchanged, done.updated) == (49, 1)
    moved = {row[0] for row in set(await at.rows("SELECT id, ctid FROM lab.things")) - set(before)}
    assert moved == {25}
    assert await at.rows("SELECT DISTINCT synced_at FROM lab.things ORDER BY 1") == [(moment(1),), (moment(3),)]
    await at.assert_counts()


async def test_the_order_of_keys_and_noise_are_no_difference(at: Lab) -> None:
    quiet = await at.use(stream(replace(THING, noise=frozenset({"served"}))))
    await quiet.write({"id": 1, "title": "a", "served": 1})
    assert (await quiet.write({"served": 2, "title": "a", "id": 1}, at=2)).unchanged == 1
    assert (await quiet.write({"served": 2, "title": "b", "id": 1}, at=2)).updated == 1


async def test_a_new_version_and_a_new_column_write_rows_again(at: Lab) -> None:
    await at.write({"id": 1, "fresh": "x"})
    newer = await at.use(stream(replace(THING, version=2)))
    assert (await newer.write({"id": 1, "fresh": "x"}, at=2)).updated == 1
    await at.conn.execute("ALTER TABLE lab.things ADD COLUMN fresh text")
    wider = await at.use(newer.stream)
    assert (await wider.write({"id": 1, "fresh": "x"}, at=3)).updated == 1
    assert await at.rows("SELECT fresh, extra FROM lab.things") == [("x", None)]


@pytest.mark.parametrize("size", [400, 1200])
async def test_the_last_of_equal_keys_wins_within_a_page(at: Lab, size: int) -> None:
    """Within a batch and over batches, where the database already holds the earlier one."""
    rows = [{"id": number % 1500, "title": f"{number}"} for number in range(4000)]
    done = await at.write(*rows, size=size)
    assert done.seen == 4000
    assert done.inserted == 1500
    assert done.seen == done.inserted + done.updated + done.unchanged
    last = {row["id"]: row["title"] for row in rows}
    assert dict(await at.rows("SELECT id, title FROM lab.things")) == last
    await at.assert_counts()


async def test_never_older_over_newer(at: Lab) -> None:
    await at.write({"id": 1, "title": "new"}, at=5)
    assert (await at.write({"id": 1, "title": "old"}, at=4)).unchanged == 1
    assert (await _thing(at, 1))["title"] == "new"
    assert (await at.write({"id": 1, "title": "newer"}, at=6)).updated == 1
    row = await _thing(at, 1)
    assert (row["title"], row["synced_at"], row["first_seen_at"]) == ("newer", moment(6), moment(5))


async def test_a_guard_beats_the_age_of_the_request(at: Lab) -> None:
    guarded = await at.use(stream(replace(THING, guard="version")))
    await guarded.write({"id": 1, "version": 5, "title": "v5"}, at=5)
    assert (await guarded.write({"id": 1, "version": 4, "title": "v4, from a lagging copy"}, at=9)).unchanged == 1
    assert (await guarded.write({"id": 1, "version": 6, "title": "v6, committed late"}, at=3)).updated == 1
    assert (await guarded.write({"id": 1, "version": 6, "title": "v6 too, asked before"}, at=2)).unchanged == 1
    assert (await guarded.write({"id": 1, "version": None, "title": "no version"}, at=10)).updated == 1
    row = await _thing(at, 1)
    assert (row["title"], row["synced_at"]) == ("no version", moment(10))


async def test_a_guard_of_moments_compares_moments(at: Lab) -> None:
    guarded = await at.use(stream(replace(THING, guard="at")))
    await guarded.write({"id": 1, "at": "2026-11-01T10:00:00+03:00"}, at=5)
    assert (await guarded.write({"id": 1, "at": "2026-11-01T09:00:00+03:00"}, at=6)).unchanged == 1
    assert (await guarded.write({"id": 1, "at": "2026-11-01T08:00:00Z"}, at=4)).updated == 1


async def test_what_a_stub_holds_is_always_written(at: Lab) -> None:
    await at.conn.execute(
        "INSERT INTO lab.things (shop_id, id, row_hash, first_seen_at, synced_at) VALUES ($1, 1, '', $2, $2)", at.shop_id, moment(0)
    )
    await at.write({"id": 1, "title": "whole"})
    assert (await _thing(at, 1))["title"] == "whole"


async def test_keys_are_read_as_oddly_as_they_are_spelt(at: Lab) -> None:
    cured = await at.use(
        stream(replace(THING, row=lambda told: {**told, "id": told["name"].removeprefix("n")} if "name" in told else told))
    )
    await cured.write({"id": 1}, {"id": "2"}, {"id": 3.0}, {"name": "n4"})
    assert [row[0] for row in await at.rows("SELECT id FROM lab.things ORDER BY id")] == [1, 2, 3, 4]
    assert (await cured.write({"id": "1"}, {"id": 2}, {"id": "3.0"}, {"name": "n4"}, at=2)).inserted == 0
    pairs = await at.use(stream(PAIRS))
    await pairs.write({"day": "2026-11-01", "code": "a"}, {"day": "2026-11-01T00:00:00Z", "code": "b"}, {"day": "2026-11-02", "code": ""})
    assert (await pairs.write({"day": "2026-11-01", "code": "b"}, {"day": "2026-11-02", "code": ""}, at=2)).inserted == 0
    assert await at.rows("SELECT count(*) FROM lab.pairs") == [(3,)]


async def test_a_table_of_nothing_but_its_key(at: Lab) -> None:
    bins = await at.use(stream(BINS))
    assert (await bins.write({"id": 1}, {"id": 2})).inserted == 2
    assert (await bins.write({"id": 1, "more": 1}, {"id": 2}, at=2)).updated == 1


async def test_other_shops_are_untouched(at: Lab) -> None:
    other = replace(
        at,
        shop_id=await at.conn.fetchval(
            "INSERT INTO mpsync.shops (customer_id, source, name, lease_group) VALUES (1, 'ozon', 'o', 'o') RETURNING shop_id"
        ),
    )
    await at.write({"id": 1, "title": "mine"})
    await other.write({"id": 1, "title": "theirs"})
    assert sorted(await at.rows("SELECT shop_id, title FROM lab.things")) == [(at.shop_id, "mine"), (other.shop_id, "theirs")]


@pytest.mark.parametrize("error", [BadData("broken list"), ConnectionResetError()])
async def test_a_page_that_breaks_leaves_nothing(at: Lab, error: Exception) -> None:
    rows = PiecedRows([{"id": number, "title": "x"} for number in range(5000)] + [{"id": "bad"}], 400, error)
    walk_id = await at.walk(0)
    with pytest.raises(type(error)):
        await at.commit(Page(rows=rows, cursor=None, last=True, asked_at=moment(1)), walk_id=walk_id)
    assert rows.walked == 1
    for table in ("lab.things", "mpsync.rejected_rows", "mpsync.walk_seen", "mpsync.table_counts"):
        assert await at.rows(f"SELECT count(*) FROM {table}") == [(0,)], table
    assert (await at.write({"id": 1})).inserted == 1, "the connection is usable"


async def test_a_cancelled_page_leaves_nothing(at: Lab) -> None:
    class Stuck(PiecedRows):
        async def pieces(self):  # type: ignore[no-untyped-def]  # noqa: ANN202
            async for piece in super().pieces():
                yield piece
            await asyncio.Event().wait()

    rows = Stuck([{"id": number} for number in range(5000)], 400)
    writing = asyncio.create_task(at.commit(Page(rows=rows, cursor=None, last=True, asked_at=moment(1))))
    await asyncio.sleep(0.05)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await at.rows("SELECT count(*) FROM lab.things") == [(0,)]


async def test_a_lost_connection_is_raised_and_no_task_stays(at: Lab, database: str) -> None:
    killer = await asyncpg.connect(database)
    pid = at.conn.get_server_pid()

    class Fatal(PiecedRows):
        async def pieces(self):  # type: ignore[no-untyped-def]  # noqa: ANN202
            async for piece in super().pieces():
                yield piece
            await killer.execute("SELECT pg_terminate_backend($1, 5000)", pid)
            yield [{"id": 9}] * 1000

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await at.commit(Page(rows=Fatal([{"id": 1}] * 3000), cursor=None, last=True, asked_at=moment(1)))
    assert await killer.fetchval("SELECT count(*) FROM lab.things") == 0
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
    await killer.close()


async def test_two_lanes_that_meet_neither_lose_nor_count_twice(at: Lab, database: str) -> None:
    """Both hold the same new rows, in opposite order; the younger answer stays, whoever commits first."""
    conn = await asyncpg.connect(database)
    other = replace(at, conn=conn)
    rows = [{"id": number, "title": "live"} for number in range(2000)]
    past = [{"id": number, "title": "backfill"} for number in reversed(range(2000))]
    await asyncio.gather(at.commit(page(rows, at=2)), other.commit(page(past, at=1)))
    await conn.close()
    assert await at.rows("SELECT title, count(*) FROM lab.things GROUP BY title") == [("live", 2000)]
    await at.assert_counts()


async def test_a_row_that_somebody_else_wrote_is_taken_over(at: Lab) -> None:
    """Not through the merge, so not under its lock: COPY meets it, the upsert gets over it."""
    await at.conn.execute(
        "INSERT INTO lab.things (shop_id, id, row_hash, first_seen_at, synced_at) VALUES ($1, 3, '', $2, $2)", at.shop_id, moment(0)
    )
    shape = at.catalog.shape("lab.things")
    documents = [{"id": number, "title": "ours"} for number in range(10)]
    cells = shape.cells([shape.pick(document, ()) for document in documents])
    assert cells is not None
    items = [Item(told, (told["id"],), b"h" * 16, cells=row) for told, row in zip(documents, cells, strict=True)]
    async with at.conn.transaction():
        written, refused = await put(at.conn, shape, items, shop_id=at.shop_id, asked_at=moment(1), new=True)
    assert (len(written), refused) == (10, [])
    assert await at.rows("SELECT count(*) FROM lab.things WHERE title = 'ours'") == [(10,)]


@pytest.mark.parametrize(
    "table, words",
    [
        (Table(name="lab.nowhere", key=("id",)), "lab.nowhere is not in the database"),
        (Table(name="lab.things", key=("nid",)), "lacks the column nid"),
        (Table(name="lab.things", key=("title",)), r"primary key \(shop_id, id\)"),
        (Table(name="lab.things", key=("id",), guard="moved"), "lacks the column moved"),
        (Table(name="lab.bare", key=("id",)), "lacks the column extra, row_hash, first_seen_at, synced_at, deleted_at"),
        (Table(name="lab.turned", key=("id",)), "shop_id as its first column"),
        (Table(name="lab.priced", key=("price",)), "key column price of type numeric"),
        (TAGS, "part of lab.things, which no stream declares"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_does_not_fit_is_said_in_words(at: Lab, table: Table, words: str) -> None:
    ours = "extra jsonb, row_hash bytea, first_seen_at timestamptz, synced_at timestamptz, deleted_at timestamptz"
    await at.conn.execute(
        f"CREATE TABLE lab.bare (shop_id bigint, id bigint, PRIMARY KEY (shop_id, id));"
        f"CREATE TABLE lab.turned (id bigint, shop_id bigint, {ours}, PRIMARY KEY (shop_id, id));"
        f"CREATE TABLE lab.priced (shop_id bigint, price numeric, {ours}, PRIMARY KEY (shop_id, price))"
    )
    with pytest.raises(ConfigError, match=words):
        await Catalog.load(at.conn, [table])


async def test_parts_must_hang_on_their_document(at: Lab) -> None:
    for part in (replace(TAGS, key=("place", "thing_id")), replace(TAGS, carry={}), replace(TAGS, at=None)):
        with pytest.raises(ConfigError, match=r"lab\.thing_tags"):
            await Catalog.load(at.conn, [THING, part])
