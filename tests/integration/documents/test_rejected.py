"""Bad rows: every good one is written, every bad one kept whole with its reason."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from mpsyncd.model.errors import BadData
from mpsyncd.model.request import BadRow
from mpsyncd.model.stream import Write
from support.documents import DAY, PAIRS, THING, Lab, page, stream
from support.marks import both_majors

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "NaN": ({"price": "NaN"}, "column price: 'NaN' is not a number"),
    "Infinity": ({"rate": "Infinity"}, "column rate: 'Infinity' is not a number"),
    "hexadecimal": ({"price": "0x1F"}, "column price"),
    "words of time": ({"at": "now"}, "column at: 'now' is not of the form"),
    "day and month turned": ({"day": "01.02.2026"}, "column day: '01.02.2026' is not of the form"),
    "no such day": ({"at": "2026-02-30T10:00:00Z"}, "column at"),
    "half a number": ({"amount": 7.5}, "column amount: '7.5' is not a whole number"),
    "true for a number": ({"amount": True}, "column amount"),
    "out of range": ({"amount": 3_000_000_000}, "column amount"),
    "overflow": ({"price": 12345678.5}, "column price"),
    "too long": ({"short": "123456"}, "column short"),
    "NUL in text": ({"title": "a\x00b"}, "column title: holds the character NUL"),
    "NUL in JSON": ({"body": {"x": "a\x00b"}}, "column body"),
    "NUL in extra": ({"other": "a\x00b"}, "column extra"),
    "a list": ({"code": ["x"]}, "column code"),
    "no list": ({"tags": "x"}, "column tags: 'x' is not a list"),
    "bad element": ({"counts": ["x"]}, "column counts"),
    "no uuid": ({"code": "x"}, "column code"),
    "not null": ({"must": None}, "column must"),
    "broken text": ({"title": "\ud800"}, "not valid Unicode"),
}


@pytest.fixture
async def strict(at: Lab) -> Lab:
    """COPY and upsert name every column, so its default never comes to help."""
    await at.conn.execute("UPDATE lab.things SET must = 'x'; ALTER TABLE lab.things ALTER must SET NOT NULL")
    return at


def good(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "must": "x", "title": f"t{number}", **more}


@both_majors
@pytest.mark.parametrize("name", BAD)
async def test_one_bad_row_among_good_ones(strict: Lab, name: str) -> None:
    told, reason = BAD[name]
    bad = good(500) | told
    for minute in (1, 2):  # copied first, then compared with what is stored
        done = await strict.write(*[good(number, amount=minute) for number in range(500)], bad, at=minute)
        assert (done.seen, done.rejected, done.changed) == (501, 1, 500)
    [(table, key, why, times)] = await strict.rejected()
    assert (table, key, times) == ("lab.things", None if name == "broken text" else '{"id":500}', 2)
    assert reason in why
    [(document,)] = await strict.rows("SELECT document FROM mpsync.rejected_rows")
    if name != "broken text":
        assert orjson.loads(document) == bad
    assert "\\ud800" in document or name != "broken text"
    await strict.write(good(500, price=1), at=3)
    assert [row for row in await strict.rejected() if row[1] is not None] == [], "written well at last"
    await strict.assert_counts()


async def test_many_bad_rows_in_one_batch(strict: Lab) -> None:
    rows = [good(number, amount=3_000_000_000 if number % 7 == 0 else number) for number in range(900)]
    done = await strict.write(*rows)
    bad = len([number for number in range(900) if number % 7 == 0])
    assert (done.rejected, done.inserted) == (bad, 900 - bad)
    assert await strict.rows("SELECT count(*) FROM lab.things WHERE amount = id") == [(900 - bad,)]
    assert len(await strict.rejected()) == bad
    await strict.assert_counts()


@pytest.mark.parametrize("key", [None, "seven", 7.5, [], 2**70, "\x00"])
async def test_a_key_that_can_not_be_read(at: Lab, key: object) -> None:
    done = await at.write({"id": 1}, {"id": key, "title": "lost?"}, {"title": "no key at all"})
    assert (done.inserted, done.rejected) == (1, 2)
    told = await at.rejected()
    assert {row[1] for row in told} == {None}
    assert all(row[2].startswith("key column id ") for row in told), told


async def test_a_row_function_that_refuses_or_fails(at: Lab) -> None:
    def row(told: dict[str, Any]) -> dict[str, Any]:
        if told["title"] == "refused":
            raise BadData("title: is 'refused'")
        return {**told, "title": told["title"].upper()}

    cured = await at.use(stream(replace(THING, row=row)))
    done = await cured.write(
        {"id": 1, "title": "a"}, {"id": 2, "title": "refused"}, {"id": 3, "title": None}, {"id": 4}, {"id": 5, "title": "b"}
    )
    assert (done.inserted, done.rejected) == (2, 3)
    assert await at.rows("SELECT id, title FROM lab.things ORDER BY id") == [(1, "A"), (5, "B")]
    reasons = [row[2] for row in sorted(await at.rejected(), key=lambda row: row[1])]
    assert reasons[0] == "title: is 'refused'"
    assert all("the row function can not read it" in reason for reason in reasons[1:])


async def test_a_row_function_may_not_change_a_plain_key(at: Lab) -> None:
    moved = await at.use(stream(replace(THING, row=lambda told: {**told, "id": told["id"] + 1})))
    assert (await moved.write({"id": 1})).rejected == 1


async def test_a_rejected_object_that_comes_back_unchanged_is_forgiven(at: Lab) -> None:
    await at.write({"id": 1, "amount": 1}, at=1)
    await at.write({"id": 1, "amount": "x"}, at=2)
    assert len(await at.rejected()) == 1
    assert (await at.write({"id": 1, "amount": 1}, at=3)).unchanged == 1
    assert await at.rejected() == []


async def test_an_older_answer_does_not_forgive(at: Lab) -> None:
    await at.write({"id": 1, "amount": "x"}, at=5)
    await at.write({"id": 1, "amount": 1}, at=4)
    assert len(await at.rejected()) == 1


async def test_a_huge_key_is_a_bad_row(at: Lab) -> None:
    """It fits into no index, neither of the table nor of the rejected rows."""
    pairs = await at.use(stream(replace(THING, name="lab.pairs", key=("day", "code"))))
    noise = "".join(chr(0x400 + number * 7919 % 900) for number in range(9000))
    done = await pairs.write({"day": "2026-11-01", "code": noise}, {"day": "2026-11-01", "code": "a"})
    assert (done.inserted, done.rejected) == (1, 1)
    [(_, key, reason, _)] = await pairs.rejected()
    assert len(key) < 2500
    assert "index" in reason


async def test_numbers_beyond_64_bits_reach_numeric_columns(at: Lab) -> None:
    await at.conn.execute("ALTER TABLE lab.things ALTER price TYPE numeric")
    wide = await at.use(at.stream)
    assert (await wide.write({"id": 1, "price": 10**30})).inserted == 1
    assert await at.rows("SELECT price::text FROM lab.things") == [(str(10**30),)]


async def test_a_retry_writes_what_is_cured_by_now(at: Lab) -> None:
    await at.write({"id": 1, "amount": 3_000_000_000}, {"id": 2, "amount": "x"}, {"id": 3, "amount": 4_000_000_000}, at=1)
    await at.write({"id": 3, "amount": 3}, at=0.5)
    assert len(await at.rejected()) == 3
    await at.conn.execute("ALTER TABLE lab.things ALTER amount TYPE bigint")
    wider = await at.use(at.stream)
    done = await wider.retry()
    assert (done.inserted, done.updated, done.rejected) == (1, 1, 1)
    assert await wider.rows("SELECT id, amount FROM lab.things ORDER BY id") == [(1, 3_000_000_000), (3, 4_000_000_000)]
    assert [(row[1], row[3]) for row in await wider.rejected()] == [('{"id":2}', 2)]
    await wider.assert_counts()


async def test_a_retry_of_what_is_stored_newer_by_now_only_forgets(at: Lab) -> None:
    await at.write({"id": 1, "amount": 3_000_000_000}, at=1)
    await at.conn.execute("UPDATE mpsync.rejected_rows SET object_key = NULL")
    await at.write({"id": 1, "amount": 1}, at=2)
    await at.conn.execute("ALTER TABLE lab.things ALTER amount TYPE bigint")
    assert (await (await at.use(at.stream)).retry()).changed == 0
    assert await at.rows("SELECT amount FROM lab.things") == [(1,)]
    assert await at.rejected() == []


async def test_an_error_that_is_no_rows_fault_is_raised(at: Lab) -> None:
    await at.conn.execute(
        "CREATE FUNCTION lab.boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100'; END $$;"
        "CREATE TRIGGER boom BEFORE INSERT ON lab.things FOR EACH ROW EXECUTE FUNCTION lab.boom()"
    )
    with pytest.raises(Exception, match="53100"):
        await at.write({"id": 1})
    assert await at.rejected() == []


NO_DOCUMENT = BadRow(raw=["7", "x", "9"], reason="the row has 3 cells where the header names 2")


@both_majors
async def test_a_row_that_no_document_could_be_made_of_is_kept_alone_with_its_reason(at: Lab) -> None:
    for minute in (1, 2):
        done = await at.write({"id": 1}, NO_DOCUMENT, {"id": 2}, at=minute)
        assert (done.seen, done.rejected) == (3, 1)
    assert await at.rejected() == [("lab.things", None, NO_DOCUMENT.reason, 2)]
    [(document,)] = await at.rows("SELECT document FROM mpsync.rejected_rows")
    assert orjson.loads(document)["mpsyncd:raw"] == ["7", "x", "9"]
    assert await at.rows("SELECT id FROM lab.things ORDER BY id") == [(1,), (2,)]
    assert (await at.retry()).rejected == 1
    assert await at.rejected() == [("lab.things", None, NO_DOCUMENT.reason, 3)]
    await at.assert_counts()


async def test_such_a_row_holds_a_sweep_back(at: Lab) -> None:
    """Nobody knows which row it was: nothing may be called missing."""
    await at.write({"id": 1}, {"id": 2})
    walk = await at.walk(2)
    await at.write({"id": 1}, NO_DOCUMENT, at=3, walk_id=walk)
    await at.sweep(walk, at=2)
    assert await at.rows("SELECT id FROM lab.things WHERE deleted_at IS NULL ORDER BY id") == [(1,), (2,)]


async def test_such_a_row_waits_with_the_others_of_a_slice_that_is_replaced_whole(at: Lab) -> None:
    told = await at.use(stream(replace(PAIRS, write=Write.REPLACE, scope=lambda part: {"day": part.key["day"]})))
    part = await at.part(day=DAY.date())
    await told.commit(page([{"day": "2026-11-01", "code": "a"}, NO_DOCUMENT], at=1), part=part)
    assert await told.rejected() == []
    await told.commit(page([{"day": "2026-11-01", "code": "b"}], at=2, last=True), part=part)
    assert await told.rejected() == [("lab.pairs", None, NO_DOCUMENT.reason, 1)]
    assert await told.rows("SELECT code FROM lab.pairs ORDER BY code") == [("a",), ("b",)]
