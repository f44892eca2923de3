"""Documents that point at what nobody has read: a stub stands there until it is, and nothing takes a stub for the object."""

from dataclasses import replace

import pytest

from mpsyncd.model.errors import ConfigError
from mpsyncd.model.stream import Reference, Table
from mpsyncd.storage.documents import Catalog
from support.documents import BINS, PAIRS, SIZES, THING, Lab, moment, stream

THINGS_OF = Table(name="lab.bins", key=("id",), refers=(Reference(table="lab.things", columns={"id": "thing"}),))
PARTS_OF = replace(SIZES, refers=(Reference(table="lab.bins", columns={"id": "bin"}),))


async def referring(at: Lab) -> Lab:
    return await at.use(stream(THINGS_OF), THING)


async def things(at: Lab) -> list[tuple[object, ...]]:
    return await at.rows("SELECT id, title, row_hash = '', deleted_at FROM lab.things ORDER BY id")


async def test_what_is_pointed_at_and_missing_becomes_a_stub_once(at: Lab) -> None:
    await at.write({"id": 1, "title": "here"}, at=1)
    bins = await referring(at)
    await bins.write({"id": 10, "thing": 1}, {"id": 11, "thing": 2}, {"id": 12, "thing": 2}, {"id": 13, "thing": None}, {"id": 14}, at=2)
    await bins.write({"id": 15, "thing": 2}, {"id": 16, "thing": "no key"}, at=3)
    assert await things(at) == [(1, "here", False, None), (2, None, True, None)]
    assert await at.rows("SELECT count(*) FROM lab.bins") == [(7,)]
    await at.assert_counts()


async def test_the_object_fills_its_stub_however_old_the_answer_is(at: Lab) -> None:
    await (await referring(at)).write({"id": 10, "thing": 1}, at=9)
    done = await at.write({"id": 1, "title": "read before the stub was made"}, at=5)
    assert (done.inserted, done.updated) == (0, 1)
    assert await at.rows("SELECT title, first_seen_at, synced_at FROM lab.things") == [
        ("read before the stub was made", moment(9), moment(5))
    ]
    await at.assert_counts()


async def test_a_walk_that_does_not_see_it_leaves_a_stub_alone(at: Lab) -> None:
    await at.write({"id": 1}, at=1)
    await (await referring(at)).write({"id": 10, "thing": 2}, at=2)
    walk_id = await at.walk(3)
    await at.write({"id": 1}, at=4, walk_id=walk_id)
    assert (await at.sweep(walk_id, at=3)).tombstoned == 0
    assert [row[0] for row in await things(at)] == [1, 2]


async def test_a_tombstone_is_no_reason_for_a_stub(at: Lab) -> None:
    await at.write({"id": 1}, {"id": 2}, at=1)
    walk_id = await at.walk(2)
    await at.write({"id": 1}, at=3, walk_id=walk_id)
    await at.sweep(walk_id, at=2)
    await (await referring(at)).write({"id": 10, "thing": 2}, at=4)
    assert [row[3] for row in await things(at)] == [None, moment(2)]
    await at.assert_counts()


async def test_parts_point_too(at: Lab) -> None:
    sizes = await at.use(stream(THING, PARTS_OF), BINS)
    await sizes.write({"id": 1, "sizes": [{"name": "S", "bin": 7}, {"name": "M", "bin": 8}, {"name": "L"}]}, at=1)
    assert await at.rows("SELECT id, row_hash = '' FROM lab.bins ORDER BY id") == [(7, True), (8, True)]
    await at.assert_counts()


@pytest.mark.parametrize(
    "reference, told",
    [
        (Reference(table="lab.nothing", columns={"id": "thing"}), "no stream's main table"),
        (Reference(table="lab.thing_sizes", columns={"thing_id": "thing"}), "no stream's main table"),
        (Reference(table="lab.pairs", columns={"day": "thing"}), "its key is day, code"),
    ],
)
async def test_a_reference_that_can_not_be_is_refused_at_the_start(at: Lab, reference: Reference, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        await Catalog.load(at.conn, [THING, SIZES, PAIRS, replace(BINS, refers=(reference,))])
