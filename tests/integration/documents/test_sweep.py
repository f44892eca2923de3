"""The end of a walk: exactly what it did not see goes, and nothing when it is not to be trusted."""

from typing import Any

import pytest

from mpsyncd.model.errors import BadData, EmptySnapshot
from mpsyncd.model.stream import Table
from support.documents import BINS, PAIRS, SIZES, THING, Lab, moment, stream
from support.marks import both_majors


async def dead(at: Lab) -> list[tuple[Any, ...]]:
    return await at.rows("SELECT id, deleted_at FROM lab.things WHERE deleted_at IS NOT NULL ORDER BY id")


async def test_what_a_walk_misses_is_tombstoned_and_what_comes_back_is_revived(at: Lab) -> None:
    await at.write(*[{"id": number, "title": "x"} for number in range(5)], at=1)
    walk_id = await at.walk(2)
    await at.write({"id": 0, "title": "x"}, {"id": 1, "title": "new"}, {"id": 0, "title": "x"}, at=3, walk_id=walk_id)
    await at.write({"id": 2, "title": "x"}, at=4, walk_id=walk_id)
    assert await at.rows("SELECT seen FROM mpsync.walks") == [(3,)]
    assert (await at.sweep(walk_id, at=2)).tombstoned == 2
    assert await dead(at) == [(3, moment(2)), (4, moment(2))]
    assert await at.rows("SELECT count(*) FROM mpsync.walk_seen") == [(0,)]
    await at.assert_counts()
    done = await at.write({"id": 3, "title": "x"}, at=5)
    assert (done.updated, done.unchanged) == (1, 0), "its hash is equal and it is written all the same"
    assert await dead(at) == [(4, moment(2))]
    await at.assert_counts()


async def test_an_answer_from_before_the_walk_revives_nothing(at: Lab) -> None:
    await at.write({"id": 1}, {"id": 2}, at=1)
    walk_id = await at.walk(5)
    await at.write({"id": 2}, at=6, walk_id=walk_id)
    await at.sweep(walk_id, at=5)
    await at.write({"id": 1, "title": "asked before, committed late"}, at=4)
    assert await dead(at) == [(1, moment(5))]
    await at.assert_counts()


async def test_rows_written_since_the_walk_began_stay(at: Lab) -> None:
    await at.write({"id": 1}, at=1)
    walk_id = await at.walk(2)
    await at.write({"id": 1}, at=3, walk_id=walk_id)
    await at.write({"id": 9}, at=4)
    assert (await at.sweep(walk_id, at=2)).tombstoned == 0


@both_majors
@pytest.mark.parametrize(
    "table, keys",
    [
        (THING, [{"id": 0}, {"id": -(2**62)}, {"id": "5"}, {"id": 7.0}]),
        (PAIRS, [{"day": "2026-11-01", "code": code} for code in ("", "a,b", '"', "\\", " ", "(x)", "ё", "NULL", "a b")]),
    ],
    ids=["bigint", "date and text"],
)
async def test_marks_are_equal_in_pages_and_in_the_sweep(at: Lab, table: Table, keys: list[dict[str, Any]]) -> None:
    used = await at.use(stream(table))
    await used.write(*keys, at=1)
    for missing in range(len(keys)):
        walk_id = await used.walk(2 * missing + 2)
        seen = [key for place, key in enumerate(keys) if place != missing]
        await used.write(*seen, at=2 * missing + 3, walk_id=walk_id)
        assert (await used.sweep(walk_id, at=2 * missing + 2)).tombstoned == 1
        await used.assert_counts()
        await used.write(keys[missing], at=2 * missing + 3)


async def test_a_rejected_row_was_seen(at: Lab) -> None:
    await at.write({"id": 1}, {"id": 2}, at=1)
    walk_id = await at.walk(2)
    await at.write({"id": 1}, {"id": 2, "amount": "x"}, at=3, walk_id=walk_id)
    assert (await at.sweep(walk_id, at=2)).tombstoned == 0


async def test_a_row_without_a_readable_key_holds_the_sweep_back(at: Lab) -> None:
    await at.write({"id": 1}, {"id": 2}, at=1)
    for minute, force in ((2, False), (4, True)):
        walk_id = await at.walk(minute)
        await at.write({"id": 1}, {"ID of old": 2}, at=minute + 1, walk_id=walk_id)
        assert (await at.sweep(walk_id, at=minute, force=force)).tombstoned == int(force)


async def test_an_empty_walk_deletes_nothing_without_force(at: Lab) -> None:
    await at.write({"id": 1}, at=1)
    walk_id = await at.walk(2)
    await at.write(at=3, walk_id=walk_id)
    with pytest.raises(EmptySnapshot, match="came back empty while 1 rows"):
        await at.sweep(walk_id, at=2)
    assert await dead(at) == []
    assert (await at.sweep(walk_id, at=2, force=True)).tombstoned == 1


async def test_an_empty_walk_over_nothing_is_fine(at: Lab) -> None:
    assert (await at.sweep(await at.walk(2), at=2)).tombstoned == 0


@pytest.mark.parametrize("live, seen, refused", [(20, 9, True), (20, 10, False), (19, 1, False), (100, 49, True)])
async def test_a_walk_that_would_remove_too_much(at: Lab, live: int, seen: int, refused: bool) -> None:
    await at.write(*[{"id": number} for number in range(live)], at=1)
    walk_id = await at.walk(2)
    await at.write(*[{"id": number} for number in range(seen)], at=3, walk_id=walk_id)
    if refused:
        with pytest.raises(EmptySnapshot, match=f"{live - seen} of {live} rows"):
            await at.sweep(walk_id, at=2, share=0.5)
        assert await dead(at) == []
    assert (await at.sweep(walk_id, at=2, share=0.5, force=refused)).tombstoned == live - seen


async def test_marks_lost_in_a_crash_void_the_walk(at: Lab) -> None:
    """What PostgreSQL does to an unlogged table after a crash."""
    await at.write({"id": 1}, at=1)
    walk_id = await at.walk(2)
    await at.write({"id": 1}, at=3, walk_id=walk_id)
    await at.conn.execute("TRUNCATE mpsync.walk_seen")
    await at.write({"id": 2}, at=4, walk_id=walk_id)
    with pytest.raises(BadData, match="counted 2 rows and has 1 marks"):
        await at.sweep(walk_id, at=2)
    assert await dead(at) == []


async def test_a_trash_list_tombstones_the_rows_of_the_other_table(at: Lab) -> None:
    await at.write({"id": 1}, {"id": 2}, {"id": 3}, at=1)
    trash = await at.use(stream(BINS, tombstones="lab.things"), THING)
    for minute, seen in ((2, (1, 2)), (6, (2,))):
        walk_id = await trash.walk(minute)
        await trash.write(*[{"id": number} for number in seen], at=minute + 1, walk_id=walk_id)
        await trash.sweep(walk_id, at=minute)
        await trash.assert_counts()
    assert await dead(at) == [(1, moment(2)), (2, moment(2))]
    await at.write({"id": 1}, at=8)
    walk_id = await trash.walk(9)
    await trash.write({"id": 2}, at=10, walk_id=walk_id)
    assert (await trash.sweep(walk_id, at=9)).tombstoned == 0
    assert await dead(at) == [(2, moment(2))], "restored, and read since"


async def test_a_trash_list_spares_what_was_read_since(at: Lab) -> None:
    trash = await at.use(stream(BINS, tombstones="lab.things"), THING)
    walk_id = await trash.walk(2)
    await trash.write({"id": 1}, at=3, walk_id=walk_id)
    await at.write({"id": 1}, at=4)
    assert (await trash.sweep(walk_id, at=2)).tombstoned == 0


async def test_parts_of_a_tombstone_wait_for_its_return(at: Lab) -> None:
    parted = await at.use(stream(THING, SIZES))
    rows = [{"id": number, "sizes": [{"name": "S"}]} for number in (1, 2)]
    await parted.write(*rows, at=1)
    walk_id = await parted.walk(2)
    await parted.write(rows[0], at=3, walk_id=walk_id)
    await parted.sweep(walk_id, at=2)
    await parted.write(rows[1], at=4)
    assert await parted.rows("SELECT thing_id, name FROM lab.thing_sizes ORDER BY 1") == [(1, "S"), (2, "S")]
    await parted.assert_counts()
