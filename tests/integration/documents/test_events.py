"""Events about tracked fields: only real changes, once, never a first sight."""

from dataclasses import replace
from typing import Any

import pytest

from mpsyncd.model.stream import Track
from support.documents import THING, Lab, moment, stream

TITLE = Track(field="title", event="TITLE", value=lambda told: told["title"].strip().lower())
COUNT = Track(field="counts", event="COUNT", value=lambda told: told.get("counts"))


@pytest.fixture
async def tracked(at: Lab) -> Lab:
    return await at.use(stream(replace(THING, tracks=(TITLE, COUNT))))


async def events(at: Lab) -> list[tuple[Any, ...]]:
    return await at.rows("SELECT event, object_key, field, before, after, happened_at FROM mpsync.event_log ORDER BY event_id")


async def test_a_new_object_is_silent_and_a_change_is_told_once(tracked: Lab) -> None:
    await tracked.write({"id": 1, "title": "A", "counts": [1]}, at=1)
    assert await events(tracked) == []
    for minute in (2, 3):
        await tracked.write({"id": 1, "title": "B", "counts": [1]}, {"id": 2, "title": "new"}, at=minute)
    assert await events(tracked) == [("TITLE", {"id": 1}, "title", "a", "b", moment(2))]
    await tracked.write({"id": 1, "title": "C", "counts": None}, at=4)
    assert [row[0:1] + row[3:5] for row in (await events(tracked))[1:]] == [("TITLE", "b", "c"), ("COUNT", [1], None)]


async def test_what_the_normaliser_takes_away_is_no_event(tracked: Lab) -> None:
    await tracked.write({"id": 1, "title": "A"}, at=1)
    assert (await tracked.write({"id": 1, "title": " a "}, at=2)).updated == 1
    assert await events(tracked) == []


async def test_an_older_answer_makes_no_event(tracked: Lab) -> None:
    await tracked.write({"id": 1, "title": "A"}, at=5)
    await tracked.write({"id": 1, "title": "B"}, at=4)
    assert await events(tracked) == []
    assert await tracked.rows("SELECT value FROM mpsync.tracked WHERE field = 'title'") == [("a",)]


async def test_a_new_version_begins_anew_in_silence_and_misses_nothing_after(tracked: Lab) -> None:
    await tracked.write({"id": 1, "title": "A"}, at=1)
    upper = Track(field="title", event="TITLE", value=lambda told: told["title"].upper(), version=2)
    newer = await tracked.use(stream(replace(THING, tracks=(upper, COUNT))))
    await newer.write({"id": 1, "title": "A"}, at=2)
    assert await events(newer) == []
    await newer.write({"id": 1, "title": "B"}, at=3)
    assert [row[3:5] for row in await events(newer)] == [("A", "B")]


async def test_a_track_added_later_begins_with_the_next_read(at: Lab) -> None:
    await at.write({"id": 1, "title": "A"}, at=1)
    tracked = await at.use(stream(replace(THING, tracks=(TITLE,))))
    await tracked.write({"id": 1, "title": "A"}, at=2)
    await tracked.write({"id": 1, "title": "B"}, at=3)
    assert [row[3:5] for row in await events(tracked)] == [("a", "b")]


async def test_a_rejected_row_and_an_unreadable_value_make_no_event(tracked: Lab) -> None:
    await tracked.write({"id": 1, "title": "A"}, {"id": 2, "title": "A"}, at=1)
    done = await tracked.write({"id": 1, "title": "B", "amount": 3_000_000_000}, {"id": 2, "title": None, "counts": [2]}, at=2)
    assert (done.rejected, done.updated) == (1, 1)
    assert [(row[1], row[2]) for row in await events(tracked)] == [({"id": 2}, "counts")]
    await tracked.write({"id": 2, "title": "b", "counts": [2]}, at=3)
    assert [row[3:5] for row in (await events(tracked))[1:]] == [("a", "b")]


async def test_a_revived_row_is_compared_with_what_was_known(tracked: Lab) -> None:
    await tracked.write({"id": 1, "title": "A"}, {"id": 2, "title": "A"}, at=1)
    walk_id = await tracked.walk(2)
    await tracked.write({"id": 2, "title": "A"}, at=3, walk_id=walk_id)
    await tracked.sweep(walk_id, at=2)
    await tracked.write({"id": 1, "title": "A"}, at=4)
    assert await events(tracked) == []
    await tracked.write({"id": 1, "title": "B"}, at=5)
    assert len(await events(tracked)) == 1
