"""Slices: the parts of a feed that are asked for one by one. A cursor is written here, in the transaction of its page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsyncd.model.errors import LeaseLost
from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.model.work import OpenSlice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mpsyncd.model.page import Cursor, Page
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
    RETURNING slice_id
), numbered AS (
    SELECT slice_id, row_number() OVER (ORDER BY slice_id) AS place FROM added
)
INSERT INTO mpsync.walks (slice_id, started_at) SELECT slice_id, $8 FROM numbered WHERE ($9::boolean[])[place]
"""


async def add(connection: Connection, feed_id: int, run_id: int, wanted: Sequence[NewSlice], now: datetime) -> Sequence[OpenSlice]:
    """Write slices down in their order, marked ones with a walk id; return all that are open."""
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
        [one.marked or one.kind is SliceKind.WALK for one in wanted],
    )
    return await open_slices(connection, feed_id)


async def drop(connection: Connection, feed_id: int) -> None:
    """Forget the open slices of a feed; the marks of their walks are removed by `maintenance`."""
    await connection.execute(
        "UPDATE mpsync.slices SET state = 'dropped', ended_at = now() WHERE feed_id = $1 AND state IN ('open', 'walked')", feed_id
    )


_RESTART = """
WITH gone AS (
    UPDATE mpsync.slices SET state = 'dropped', ended_at = now() WHERE slice_id = $1 AND state IN ('open', 'walked') RETURNING *
), anew AS (
    INSERT INTO mpsync.slices (feed_id, run_id, kind, key, starts_at, ends_at, created_at)
    SELECT feed_id, run_id, kind, key, starts_at, ends_at, created_at FROM gone
    RETURNING slice_id
)
INSERT INTO mpsync.walks (slice_id, started_at)
SELECT slice_id, $2 FROM anew WHERE EXISTS (SELECT FROM mpsync.walks w WHERE w.slice_id = $1)
"""


async def restart(connection: Connection, slice_id: int, now: datetime) -> None:
    """Forget an open slice and write it down again from its beginning, as one of those that it was written down with."""
    await connection.execute(_RESTART, slice_id, now)


_ADVANCE = """
UPDATE mpsync.slices SET cursor = $2, reached_at = greatest(reached_at, $3), pages = pages + 1, rows = rows + $4,
    share = CASE WHEN $5::float8 IS NULL THEN share ELSE greatest(share, least(1, $5)) END, state = coalesce($6, state),
    ended_at = CASE WHEN $6 = 'done' THEN now() END
WHERE slice_id = $1 AND state = 'open' RETURNING pages, rows
"""
# What was written between the plan of a slice of time and its reading is as old to it as all the rest.
_BEGUN = "UPDATE mpsync.walks SET started_at = greatest(started_at, $2) WHERE walk_id = $1"


async def advance(connection: Connection, work: Work, page: Page, committed: Committed) -> int:
    """Write the position behind a page; return the rows of the slice so far.

    Raises:
        LeaseLost: the slice is no longer open (its feed began anew).
    """
    part, walk_id = work.open_slice.slice, work.open_slice.walk_id
    state = None if not page.last else "walked" if walk_id is not None else "done"
    row = await connection.fetchrow(_ADVANCE, part.slice_id, page.cursor, page.until, committed.seen, page.share, state)
    if row is None:
        raise LeaseLost(f"slice {part.slice_id} of feed {work.feed.feed_id} is no longer open")
    if walk_id is not None and part.kind is not SliceKind.WALK and row["pages"] == 1:
        await connection.execute(_BEGUN, walk_id, page.asked_at)
    rows: int = row["rows"]
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A slice that waits for its sweep: when its marks began, and what its last page said."""

    started_at: datetime
    cursor: Cursor | None
    until: datetime | None


_WALK = """
SELECT w.started_at, p.cursor, p.reached_at FROM mpsync.walks w JOIN mpsync.slices p USING (slice_id)
WHERE w.walk_id = $1 AND p.state = 'walked' FOR UPDATE OF p
"""


async def walked(connection: Connection, walk_id: int) -> Walked | None:
    """The slice of a walk id, locked; None when it does not wait for a sweep (its feed began anew)."""
    row = await connection.fetchrow(_WALK, walk_id)
    return None if row is None else Walked(started_at=row["started_at"], cursor=row["cursor"], until=row["reached_at"])


async def swept(connection: Connection, slice_id: int) -> None:
    """Close a slice whose sweep is done in this transaction, and which `walked` has locked."""
    await connection.execute("UPDATE mpsync.slices SET state = 'done', ended_at = now() WHERE slice_id = $1", slice_id)
