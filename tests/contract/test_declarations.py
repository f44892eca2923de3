"""What streams declare about each other, their history and their scopes makes sense together, and to a real PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.model.source import Source
from mpsyncd.model.stream import Stream, Write
from mpsyncd.sources import SOURCES
from mpsyncd.storage.documents import Catalog
from mpsyncd.storage.documents.statements import relation, within
from mpsyncd.storage.parents import page
from mpsyncd.storage.pool import Database, open_database
from support.sources import every_stream

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WINDOW = Slice(slice_id=1, kind=SliceKind.WINDOW, now=NOW, start=NOW - 9 * DAY, end=NOW)


@every_stream
def test_parents_are_of_a_stream_that_walks_and_nobody_waits_in_a_circle(source: Source, stream: Stream) -> None:
    seen, child = [stream.name], stream
    while child.parents is not None:
        parent = source.stream(child.parents.stream)
        assert parent.walk is not None, f"{child.name} would wait for {parent.name} for ever: it never walks"
        assert child.parents.table == parent.main.name
        assert parent.name not in seen, f"a circle: {[*seen, parent.name]}"
        seen, child = [*seen, parent.name], parent


@every_stream
def test_no_day_falls_between_the_lanes(source: Source, stream: Stream) -> None:
    del source
    behind = [stream.history_behind] if stream.history_behind else []
    behind += [stream.shortcut.behind] if stream.shortcut else []
    assert not behind or stream.backfill is not None, "there is no history to leave to anybody"
    for left in behind:
        assert left % DAY == timedelta(0), "whole days"
        assert left + DAY <= stream.overlap, "a day falls out when the lanes are planned before and after a midnight"
    widths = [stream.window] if stream.history_behind else []
    widths += [stream.shortcut.window] if stream.shortcut else []
    assert [width for width in widths if width is not None and width % DAY] == [], "windows meet at midnights"


@every_stream
def test_who_distrusts_emptiness_has_something_to_compare_with(source: Source, stream: Stream) -> None:
    del source
    assert not stream.suspect_empty or stream.main.scope is not None or stream.day is not None


@every_stream
def test_what_is_read_again_is_upserted_and_somebody_says_when(source: Source, stream: Stream) -> None:
    assert stream.again is None or (source.receive is not None and stream.main.write is Write.UPSERT)


async def test_what_is_read_again_is_told_by_columns(database: str) -> None:
    async with open_database(database) as pool, pool.transaction() as connection:
        for source in SOURCES:
            catalog = await Catalog.load(connection, [table for each in source.streams for table in each.tables])
            for stream in source.streams:
                assert stream.again is None or set(stream.again.by) <= set(catalog.shape(stream.main.name).names), stream.name


async def test_parents_and_scopes_name_columns_that_take_their_values(database: str) -> None:
    async with open_database(database) as pool:
        for source in SOURCES:
            for stream in source.streams:
                await _try(pool, source, stream)


async def _try(pool: Database, source: Source, stream: Stream) -> None:
    async with pool.transaction() as connection:
        if stream.parents is not None:
            tables = [table for each in source.streams for table in each.tables]
            shape = (await Catalog.load(connection, tables)).shape(stream.parents.table)
            assert await page(connection, shape, stream.parents, shop_id=1, since=NOW) == []
            assert len(stream.parents.child) in {0, len(shape.table.key)}
        if stream.main.scope is not None:
            for part in (WINDOW, replace(WINDOW, kind=SliceKind.SINCE)):
                conditions, values = within(stream.main.scope(part), first=1)
                assert conditions, f"{stream.name}: a slice that is the whole truth of everything is a walk"
                found = f"SELECT count(*) FROM {relation(stream.main.name)} t WHERE {' AND '.join(conditions)}"
                assert await connection.fetchval(found, *values) == 0
