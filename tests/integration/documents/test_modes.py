"""Write modes: slices replaced in one go, snapshots with a history, rows that are only added, documents without a key."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from mpsyncd.model.errors import ConfigError, EmptySnapshot
from mpsyncd.model.page import Slice
from mpsyncd.model.stream import Write
from support.documents import PAIRS, PLACES, SPENDS, STOCKS, THING, Lab, moment, page, stream


def days(part: Slice) -> dict[str, Any]:
    return {"day": (date.fromisoformat(part.key["from"]), date.fromisoformat(part.key["to"]))}


REPLACED = stream(replace(PAIRS, write=Write.REPLACE, scope=days))
FIRST, SECOND = {"from": "2026-11-01", "to": "2026-11-02"}, {"from": "2026-11-02", "to": "2026-11-03"}


def pair(day: int, code: str, amount: int = 1) -> dict[str, Any]:
    return {"day": f"2026-11-0{day}", "code": code, "amount": amount}


async def alive(at: Lab) -> list[tuple[Any, ...]]:
    return await at.rows("SELECT extract(day FROM day)::int, code, amount FROM lab.pairs WHERE deleted_at IS NULL ORDER BY 1, 2")


@pytest.fixture
async def replaced(at: Lab) -> Lab:
    used = await at.use(REPLACED)
    await used.commit(page([pair(1, "a"), pair(1, "b")], at=1, last=True), part=await used.part(**FIRST))
    await used.commit(page([pair(2, "a")], at=1, last=True), part=await used.part(**SECOND))
    return used


async def test_a_slice_replaces_its_scope_and_nothing_else(replaced: Lab) -> None:
    done = await replaced.commit(page([pair(1, "b", 2), pair(1, "c")], at=2, last=True), part=await replaced.part(**FIRST))
    assert (done.inserted, done.updated, done.tombstoned) == (1, 1, 1)
    assert await alive(replaced) == [(1, "b", 2), (1, "c", 1), (2, "a", 1)]
    await replaced.assert_counts()
    assert await replaced.rows("SELECT (SELECT count(*) FROM mpsync.slice_rows), (SELECT count(*) FROM mpsync.walk_seen)") == [(0, 0)]
    await replaced.commit(page([pair(1, "a")], at=3, last=True), part=await replaced.part(**FIRST))
    assert await alive(replaced) == [(1, "a", 1), (2, "a", 1)], "what vanished may come back"
    await replaced.assert_counts()


async def test_half_a_slice_is_not_seen(replaced: Lab) -> None:
    before, part = await alive(replaced), await replaced.part(**FIRST)
    done = await replaced.commit(page([pair(1, "x"), pair(1, "b", 9)], at=2), part=part)
    assert (done.seen, done.changed) == (2, 0)
    assert await alive(replaced) == before
    done = await replaced.commit(page([pair(1, "b", 7)], at=3, last=True), part=part)
    assert (done.seen, done.inserted, done.updated, done.tombstoned) == (1, 1, 2, 1)
    assert await alive(replaced) == [(1, "b", 7), (1, "x", 1), (2, "a", 1)]
    await replaced.assert_counts()


async def test_a_slice_of_many_pages(replaced: Lab) -> None:
    part = await replaced.part(**FIRST)
    for number in range(3):
        await replaced.commit(page([pair(1, f"{number}-{row}") for row in range(1500)], at=2 + number, last=number == 2), part=part)
    assert len(await alive(replaced)) == 4501
    await replaced.assert_counts()


async def test_an_empty_slice_and_an_unreadable_row_remove_nothing(replaced: Lab) -> None:
    for rows in ([], [pair(1, "a"), {"day": "2026-11-01"}]):
        done = await replaced.commit(page(rows, at=2, last=True), part=await replaced.part(**FIRST))
        assert done.tombstoned == 0
    assert len(await alive(replaced)) == 3


async def test_replacing_needs_a_scope_and_a_slice(at: Lab) -> None:
    bare = await at.use(stream(replace(PAIRS, write=Write.REPLACE)))
    with pytest.raises(ConfigError, match="declares no `scope`"):
        await bare.commit(page([], last=True), part=await bare.part())
    used = await at.use(REPLACED)
    with pytest.raises(ConfigError, match="declares no `scope`"):
        await used.commit(page([], last=True))
    with pytest.raises(ConfigError, match="can not walk"):
        await used.commit(page([], last=True), part=await used.part(**FIRST), walk_id=await used.walk(1))


async def test_a_snapshot_keeps_every_version_and_every_read(at: Lab) -> None:
    stocks = await at.use(stream(STOCKS))
    await stocks.write({"id": 1, "amount": 5}, {"id": 2, "amount": 5}, at=1, last=True)
    await stocks.write({"id": 1, "amount": 5}, {"id": 2, "amount": 5}, at=2, last=True)
    await stocks.write({"id": 1, "amount": 4}, at=3)
    await stocks.write({"id": 2, "amount": 5}, at=3, last=True)
    history = await stocks.rows("SELECT id, amount, valid_from, gone FROM lab.stocks_history ORDER BY valid_from, id")
    assert history == [(1, 5, moment(1), False), (2, 5, moment(1), False), (1, 4, moment(3), False)]
    taken = await stocks.rows("SELECT taken_at, rows FROM mpsync.snapshots ORDER BY taken_at")
    assert taken == [(moment(1), 2), (moment(2), 2), (moment(3), 2)]


async def test_a_snapshot_by_walk_tells_when_a_row_is_gone(at: Lab) -> None:
    stocks = await at.use(stream(STOCKS))
    for minute, ids in ((1, (1, 2)), (3, (1,)), (5, (1, 2))):
        walk_id = await stocks.walk(minute)
        await stocks.write(*[{"id": number, "amount": 5} for number in ids], at=minute + 0.5, walk_id=walk_id, last=True)
        await stocks.sweep(walk_id, at=minute)
    history = await stocks.rows("SELECT valid_from, gone FROM lab.stocks_history WHERE id = 2 ORDER BY valid_from")
    assert history == [(moment(1.5), False), (moment(3), True), (moment(5.5), False)]
    assert await stocks.rows("SELECT rows FROM mpsync.snapshots ORDER BY taken_at") == [(2,), (1,), (2,)]
    await stocks.assert_counts()


def stock(amount: int, **places: Any) -> dict[str, Any]:
    return {"id": 1, "amount": amount, "places": [{"name": name, "amount": told} for name, told in places.items()]}


async def test_parts_of_a_snapshot_have_a_history_of_their_own(at: Lab) -> None:
    """And the document has a version only when its own columns changed."""
    stocks = await at.use(stream(STOCKS, PLACES))
    await stocks.write(stock(5, north=1, south=2), at=1, last=True)
    await stocks.write(stock(5, north=1, south=3), at=2, last=True)
    await stocks.write(stock(6, south=3), at=3, last=True)
    await stocks.write(stock(6, north=1, south=3), at=4, last=True)
    places = "SELECT name, amount, valid_from, gone FROM lab.stock_places_history ORDER BY name, valid_from"
    assert await stocks.rows(places) == [
        ("north", 1, moment(1), False),
        ("north", 1, moment(3), True),
        ("north", 1, moment(4), False),
        ("south", 2, moment(1), False),
        ("south", 3, moment(2), False),
    ]
    history = "SELECT amount, valid_from, gone FROM lab.stocks_history ORDER BY valid_from"
    assert await stocks.rows(history) == [(5, moment(1), False), (6, moment(3), False)]
    taken = await stocks.rows("SELECT table_name, taken_at, rows FROM mpsync.snapshots ORDER BY taken_at, table_name")
    assert taken[4:] == [
        ("lab.stock_places", moment(3), 1),
        ("lab.stocks", moment(3), 1),
        ("lab.stock_places", moment(4), 2),
        ("lab.stocks", moment(4), 1),
    ]
    await stocks.assert_counts()


async def test_a_rejected_part_that_is_taken_later_is_remembered(at: Lab) -> None:
    stocks = await at.use(stream(STOCKS, PLACES))
    await stocks.write(stock(5, north=1, south="much"), at=1)
    mended = replace(PLACES, row=lambda place: {**place, "amount": 7 if place["amount"] == "much" else place["amount"]})
    await (await at.use(stream(STOCKS, mended))).retry()
    history = await at.rows("SELECT name, amount, valid_from FROM lab.stock_places_history ORDER BY name")
    assert history == [("north", 1, moment(1)), ("south", 7, moment(1))]


async def test_a_row_that_is_only_hashed_anew_makes_no_version(at: Lab) -> None:
    stocks = await at.use(stream(STOCKS))
    await stocks.write({"id": 1, "amount": 5}, at=1)
    done = await (await at.use(stream(replace(STOCKS, version=2)))).write({"id": 1, "amount": 5}, at=2)
    assert done.updated == 1
    assert await at.rows("SELECT valid_from FROM lab.stocks_history") == [(moment(1),)]


async def test_an_empty_list_where_stock_was_is_a_suspicion(at: Lab) -> None:
    stocks = await at.use(stream(STOCKS))
    walk_id = await stocks.walk(1)
    await stocks.write({"id": 1, "amount": 5}, {"id": 2, "amount": 5}, at=1.5, walk_id=walk_id, last=True)
    await stocks.sweep(walk_id, at=1)
    walk_id = await stocks.walk(3)
    await stocks.write(at=3.5, walk_id=walk_id, last=True)
    with pytest.raises(EmptySnapshot, match="came back empty while 2 rows live here"):
        await stocks.sweep(walk_id, at=3)
    told = "SELECT (SELECT count(*) FROM lab.stocks WHERE deleted_at IS NULL), (SELECT count(*) FROM lab.stocks_history)"
    assert await stocks.rows(told) == [(2, 2)]
    assert await stocks.rows("SELECT taken_at FROM mpsync.snapshots") == [(moment(1),)], "an empty list is no reading of the stock"
    await stocks.sweep(walk_id, at=3, force=True)
    assert await stocks.rows("SELECT id, gone FROM lab.stocks_history ORDER BY valid_from, id") == [
        (1, False),
        (2, False),
        (1, True),
        (2, True),
    ]


async def test_a_history_must_fit_its_table(at: Lab) -> None:
    await at.conn.execute("ALTER TABLE lab.stocks ADD COLUMN place text")
    with pytest.raises(ConfigError, match=r"lab\.stocks_history lacks place"):
        await at.use(stream(STOCKS))
    with pytest.raises(ConfigError, match=r"lab\.things_history lacks"):
        await at.use(stream(replace(THING, write=Write.SNAPSHOT)))


async def test_rows_that_are_only_added(at: Lab) -> None:
    used = await at.use(stream(replace(THING, write=Write.APPEND)))
    await used.write({"id": 1, "title": "a"}, at=1)
    done = await used.write({"id": 1, "title": "b"}, {"id": 2, "title": "b"}, at=2)
    assert (done.inserted, done.updated, done.unchanged) == (1, 0, 1)
    assert await used.rows("SELECT id, title FROM lab.things ORDER BY id") == [(1, "a"), (2, "b")]


async def test_documents_without_a_key_are_told_apart_by_counting(at: Lab) -> None:
    spends = await at.use(stream(SPENDS))
    once, twice = {"day": "2026-11-01", "amount": 5}, {"day": "2026-11-01", "amount": 7}
    for minute in (1, 2):  # the same slice read again adds nothing, whatever the order
        rows = [once, twice, twice] if minute == 1 else [twice, once, twice]
        await spends.commit(page(rows, at=minute, last=True, size=1), part=await spends.part())
        assert await spends.rows("SELECT number, amount FROM lab.spends ORDER BY amount, number") == [(1, 5), (1, 7), (2, 7)]
    part = await spends.part()
    await spends.commit(page([twice, once], at=3), part=part)
    await spends.commit(page([twice, {"amount": 9}, twice], at=4, last=True), part=part)
    assert await spends.rows("SELECT number, amount FROM lab.spends ORDER BY amount, number") == [(1, 5), (1, 7), (2, 7), (3, 7), (1, 9)]
    await spends.assert_counts()


async def test_a_replaced_scope_of_documents_without_a_key(at: Lab) -> None:
    table = replace(SPENDS, write=Write.REPLACE, scope=lambda part: {"day": date.fromisoformat(part.key["day"])})
    spends = await at.use(stream(table))
    rows = [{"day": "2026-11-01", "amount": 7}] * 3
    await spends.commit(page([*rows], at=1, last=True), part=await spends.part(day="2026-11-01"))
    done = await spends.commit(page(rows[:2], at=2, last=True), part=await spends.part(day="2026-11-01"))
    assert done.tombstoned == 1
    assert await spends.rows("SELECT number FROM lab.spends WHERE deleted_at IS NULL ORDER BY 1") == [(1,), (2,)]
    await spends.assert_counts()
