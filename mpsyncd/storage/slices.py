"""Slices: the parts of a feed that are asked for one by one. A cursor is written here, in the transaction of its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.model.errors import LeaseLost
from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.model.work import OpenSlice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mpsyncd.model.page import Page
    from mpsyncd.model.work import Committed, NewSlice, Work
    from mpsyncd.storage.pool import Connection, Record

_SLICES = """
SELECT p.slice_id, p.kind, p.state, p.key, p.starts_at, p.ends_at, p.cursor, p.created_at, w.walk_id
FROM mpsync.slices p LEFT JOIN mpsync.walks w USING (slice_id)
WHERE p.feed_id = $1 AND p.state IN ('open', 'walked') ORDER BY p.slice_id
"""


async def open_slices(connection: Connection, feed_id: int) -> Sequence[OpenSlice]:
    """Slices of the feed that are not done, oldest first. Their `now` is when they were written down; an attempt sets its own."""
    return [_open_slice(row) for row in await connection.fetch(_SLICES, feed_id)]


def _open_slice(row: Record) -> OpenSlice:
    part = Slice(
        slice_id=row["slice_id"],
        kind=SliceKind(row["kind"]),
        now=row["created_at"],
        start=row["starts_at"],
        end=row["ends_at"],
        cursor=row["cursor"],
        key=row["key"],
    )
    return OpenSlice(slice=part, walked=row["state"] == "walked", walk_id=row["walk_id"])


_ADD = """
WITH added AS (
    INSERT INTO mpsync.slices (feed_id, run_id, kind, key, starts_at, ends_at, cursor, created_at)
    SELECT $1, $2, kind, key, starts_at, ends_at, cursor, $8
    FROM unnest($3::text[], $4::jsonb[], $5::timestamptz[], $6::timestamptz[], $7::jsonb[])
         WITH ORDINALITY AS told (kind, key, starts_at, ends_at, cursor, place) ORDER BY place
    RETURNING slice_id, kind
)
INSERT INTO mpsync.walks (slice_id, started_at) SELECT slice_id, $8 FROM added WHERE kind = 'walk'
"""


async def add(connection: Connection, feed_id: int, run_id: int, wanted: Sequence[NewSlice], now: datetime) -> Sequence[OpenSlice]:
    """Write slices down in their order, a walk with its walk id; return all that are open."""
    await connection.execute(
        _ADD,
        feed_id,
        run_id,
        [one.kind.value for one in wanted],
        [one.key for one in wanted],
        [one.start for one in wanted],
        [one.end for one in wanted],
        [one.cursor for one in wanted],
        now,
    )
    return await open_slices(connection, feed_id)


async def drop(connection: Connection, feed_id: int) -> None:
    """Forget the open slices of a feed; the marks of their walks are removed by `maintenance`."""
    await connection.execute(
        "UPDATE mpsync.slices SET state = 'dropped', ended_at = now() WHERE feed_id = $1 AND state IN ('open', 'walked')", feed_id
    )


_ADVANCE = """
UPDATE mpsync.slices SET cursor = $2, reached_at = greatest(reached_at, $3), pages = pages + 1, rows = rows + $4,
    state = CASE WHEN NOT $5::boolean THEN state WHEN kind = 'walk' THEN 'walked' ELSE 'done' END,
    ended_at = CASE WHEN $5 AND kind <> 'walk' THEN now() END
WHERE slice_id = $1 AND state = 'open'
"""


async def advance(connection: Connection, work: Work, page: Page, committed: Committed) -> None:
    """Write the position behind a page; LeaseLost when the slice is no longer open (its feed began anew)."""
    slice_id = work.open_slice.slice.slice_id
    told = await connection.execute(_ADVANCE, slice_id, page.cursor, page.until, committed.seen, page.last)
    if told == "UPDATE 0":
        raise LeaseLost(f"slice {slice_id} of feed {work.feed.feed_id} is no longer open")


_SWEPT = """
UPDATE mpsync.slices SET state = 'done', ended_at = now() WHERE slice_id = $1 AND state = 'walked'
"""
_WALKED = """
UPDATE mpsync.feeds SET last_walk_at = greatest(last_walk_at, $2), last_full_at = now() WHERE feed_id = $1
"""


async def swept(connection: Connection, work: Work, started_at: datetime) -> None:
    """Close a walk whose sweep is done in this transaction."""
    slice_id = work.open_slice.slice.slice_id
    if await connection.execute(_SWEPT, slice_id) == "UPDATE 0":
        raise LeaseLost(f"slice {slice_id} of feed {work.feed.feed_id} does not wait for a sweep")
    await connection.execute(_WALKED, work.feed.feed_id, started_at)


_WALK = """
SELECT w.started_at FROM mpsync.walks w JOIN mpsync.slices p USING (slice_id) WHERE w.walk_id = $1 AND p.state = 'walked' FOR UPDATE OF p
"""


async def walk_start(connection: Connection, walk_id: int) -> datetime | None:
    """When a walk began that waits for its sweep; None when it does not (its feed began anew)."""
    started: datetime | None = await connection.fetchval(_WALK, walk_id)
    return started
