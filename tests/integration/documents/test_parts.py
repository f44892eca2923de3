"""Parts of documents: replaced as a set when the document differs, else left alone."""

from dataclasses import replace
from typing import Any

import pytest

from support.documents import SIZES, TAGS, THING, Lab, moment, stream

WITH_PARTS = stream(THING, SIZES, TAGS)


@pytest.fixture
async def parted(at: Lab) -> Lab:
    return await at.use(WITH_PARTS)


def thing(number: int, *sizes: Any, labels: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": number, "title": f"t{number}", "sizes": list(sizes), "labels": labels, **more}


def size(name: str, stock: Any = 1, **more: Any) -> dict[str, Any]:
    return {"name": name, "stock": stock, **more}


async def sizes(at: Lab) -> list[tuple[Any, ...]]:
    return await at.rows("SELECT thing_id, name, stock, position, thing_title FROM lab.thing_sizes ORDER BY thing_id, position")


async def test_parts_have_tables_of_their_own(parted: Lab) -> None:
    await parted.write(thing(1, size("S"), size("M", 2, colour="red"), labels=["new", None, 7]), thing(2))
    assert await sizes(parted) == [(1, "S", 1, 0, "t1"), (1, "M", 2, 1, "t1")]
    assert await parted.rows("SELECT thing_id, place, value FROM lab.thing_tags ORDER BY place") == [
        (1, 0, "new"),
        (1, 1, None),
        (1, 2, "7"),
    ]
    assert await parted.rows("SELECT extra FROM lab.thing_sizes WHERE name = 'M'") == [({"colour": "red"},)]
    assert await parted.rows("SELECT count(*) FROM lab.things WHERE extra IS NOT NULL") == [(0,)]
    await parted.assert_counts()


async def test_a_changed_document_replaces_its_parts_and_nobody_elses(parted: Lab) -> None:
    await parted.write(thing(1, size("S"), size("M"), size("L")), thing(2, size("S")), at=1)
    before = dict(await parted.rows("SELECT thing_id::text || name, ctid FROM lab.thing_sizes"))
    await parted.write(thing(1, size("S"), size("L", 9), size("XL")), thing(2, size("S")), at=2)
    assert await sizes(parted) == [(1, "S", 1, 0, "t1"), (1, "L", 9, 1, "t1"), (1, "XL", 1, 2, "t1"), (2, "S", 1, 0, "t2")]
    after = dict(await parted.rows("SELECT thing_id::text || name, ctid FROM lab.thing_sizes"))
    assert {name for name in before.keys() & after.keys() if before[name] == after[name]} == {"1S", "2S"}, "unchanged rows stay as they are"
    seen = dict(await parted.rows("SELECT name, first_seen_at FROM lab.thing_sizes WHERE thing_id = 1"))
    assert seen == {"S": moment(1), "L": moment(1), "XL": moment(2)}
    await parted.assert_counts()


async def test_lists_that_vanish_take_their_rows_along(parted: Lab) -> None:
    await parted.write(thing(1, size("S"), labels=["a"]), thing(2, size("S"), labels=["a"]), at=1)
    await parted.write({"id": 1, "sizes": None}, {"id": 2, "labels": []}, at=2)
    assert await sizes(parted) == []
    assert await parted.rows("SELECT count(*) FROM lab.thing_tags") == [(0,)]
    await parted.assert_counts()


async def test_a_list_of_parts_counts_for_the_hash_but_its_noise_does_not(at: Lab) -> None:
    quiet = await at.use(stream(THING, replace(SIZES, noise=frozenset({"served"})), TAGS))
    await quiet.write(thing(1, size("S", served=1)))
    assert (await quiet.write(thing(1, size("S", served=2)), at=2)).unchanged == 1
    assert (await quiet.write(thing(1, size("S", 2, served=2)), at=3)).updated == 1


async def test_an_older_document_does_not_touch_parts(parted: Lab) -> None:
    await parted.write(thing(1, size("M")), at=5)
    await parted.write(thing(1, size("S"), size("M")), at=4)
    assert [row[1] for row in await sizes(parted)] == ["M"]


async def test_parts_of_equal_keys_within_a_page(parted: Lab) -> None:
    filler = [thing(number) for number in range(10, 2500)]
    await parted.write(thing(1, size("S"), size("M")), thing(1, size("M"), size("L")), *filler, thing(1, size("L"), size("XL")))
    assert [row[1] for row in await sizes(parted)] == ["L", "XL"]
    await parted.assert_counts()


async def test_a_double_key_in_one_document_is_kept_aside(parted: Lab) -> None:
    done = await parted.write(thing(1, size("S", 1), size("S", 2), size("M")))
    assert (done.inserted, done.rejected) == (1, 1)
    assert await sizes(parted) == [(1, "S", 1, 0, "t1"), (1, "M", 1, 2, "t1")]
    [(table, key, reason, _)] = await parted.rejected()
    assert (table, key) == ("lab.thing_sizes", '{"name":"S","thing_id":1}')
    assert "another part" in reason
    await parted.retry()
    assert [row[3] for row in await parted.rejected()] == [2]
    assert (await sizes(parted))[0][2] == 1
    await parted.write(thing(1, size("S", 1)), at=2)
    assert await parted.rejected() == []
    await parted.assert_counts()


@pytest.mark.parametrize("bad", [size("M", 5_000_000_000), size("M", "many")], ids=["by PostgreSQL", "by its spelling"])
async def test_a_bad_part_stops_neither_its_document_nor_the_others(parted: Lab, bad: dict[str, Any]) -> None:
    await parted.write(thing(1, size("S"), size("M", 1)), at=1)
    done = await parted.write(thing(1, size("S", 2), bad, title="new"), thing(2, size("S")), at=2)
    assert (done.updated, done.inserted, done.rejected) == (1, 1, 1)
    assert await sizes(parted) == [(1, "S", 2, 0, "new"), (1, "M", 1, 1, "t1"), (2, "S", 1, 0, "t2")], "the older row stays"
    [(table, key, reason, _)] = await parted.rejected()
    assert (table, key) == ("lab.thing_sizes", '{"name":"M","thing_id":1}')
    assert "stock" in reason
    await parted.conn.execute("ALTER TABLE lab.thing_sizes ALTER stock TYPE bigint")
    await parted.assert_counts()


async def test_a_rejected_part_is_written_by_a_retry_beside_its_version_only(parted: Lab) -> None:
    await parted.write(thing(1, size("S"), size("M", 5_000_000_000)), thing(2, size("M", 5_000_000_000)), at=1)
    await parted.conn.execute("UPDATE lab.things SET synced_at = $1 WHERE id = 2", moment(9))
    await parted.conn.execute("ALTER TABLE lab.thing_sizes ALTER stock TYPE bigint")
    wider = await parted.use(WITH_PARTS)
    assert (await wider.retry()).inserted == 1
    assert await sizes(wider) == [(1, "S", 1, 0, "t1"), (1, "M", 5_000_000_000, 1, "t1")]
    assert await wider.rejected() == []
    await wider.assert_counts()


async def test_a_part_without_a_readable_key_deletes_nothing(parted: Lab) -> None:
    await parted.write(thing(1, size("S"), size("M")), at=1)
    await parted.write(thing(1, size("S"), {"name": None, "stock": 3}), at=2)
    assert [row[1] for row in await sizes(parted)] == ["S", "M"]
    assert [row[1] for row in await parted.rejected()] == [None]
    await parted.write(thing(1, size("S")), at=3)
    assert [row[1] for row in await sizes(parted)] == ["S"]
    assert await parted.rejected() == []
    await parted.assert_counts()


async def test_a_list_that_is_none_rejects_the_document(parted: Lab) -> None:
    await parted.write(thing(1, size("S")), at=1)
    done = await parted.write({"id": 1, "sizes": "none", "title": "x"}, thing(2), at=2)
    assert (done.rejected, done.inserted) == (1, 1)
    assert [row[1:3] for row in await parted.rejected()] == [('{"id":1}', "sizes is not a list")]
    assert len(await sizes(parted)) == 1


async def test_parts_made_by_a_function(at: Lab) -> None:
    def rows(told: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"thing_id": told["id"] + told.get("off", 0), "name": name, "stock": stock} for name, stock in told["stocks"].items()]

    made = await at.use(stream(THING, replace(SIZES, at="stocks", carry=None, position=None, rows=rows)))
    done = await made.write({"id": 1, "stocks": {"S": 1, "M": 2}}, {"id": 2, "stocks": {"L": 1}, "off": 1}, {"id": 3, "stocks": None})
    assert (done.inserted, done.rejected) == (2, 2)
    assert await made.rows("SELECT thing_id, name, stock FROM lab.thing_sizes ORDER BY name") == [(1, "M", 2), (1, "S", 1)]
    assert await made.rows("SELECT extra FROM lab.things WHERE id = 1") == [(None,)]
    await made.write({"id": 1, "stocks": {"S": 1}}, at=2)
    assert await made.rows("SELECT name FROM lab.thing_sizes") == [("S",)]
    await made.assert_counts()
