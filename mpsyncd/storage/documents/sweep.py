"""The end of a walk, or of a slice that marked what it saw: what it did not see is tombstoned, unless it is not to be trusted.

Rows that were written after the walk began stay, whatever it saw. A tombstone bears the start of the walk, so that only a younger answer
revives the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from mpsyncd.model.errors import BadData, ConfigError, EmptySnapshot
from mpsyncd.model.page import SliceKind
from mpsyncd.model.stream import Write
from mpsyncd.storage.documents import history
from mpsyncd.storage.documents.merge import Merge, count, lock
from mpsyncd.storage.documents.statements import listed, quoted, read_for, within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mpsyncd.model.page import Slice
    from mpsyncd.model.stream import Stream
    from mpsyncd.model.work import Committed
    from mpsyncd.storage.documents.catalog import Catalog
    from mpsyncd.storage.documents.shape import Shape
    from mpsyncd.storage.pool import Connection

log = structlog.get_logger(__name__)

_FEW = 20
# The table may just have grown out of nothing: plans are made for what it is now.
_PLANS = "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"
_WALK = """
SELECT w.seen, w.unread, (SELECT count(*) FROM mpsync.walk_seen m WHERE m.walk_id = w.walk_id) AS marks
FROM mpsync.walks w WHERE w.walk_id = $1
"""
_LIVE = "SELECT coalesce((SELECT live FROM mpsync.table_counts WHERE shop_id = $1 AND table_name = $2), 0)"
_UNMARK = "DELETE FROM mpsync.walk_seen WHERE walk_id = $1"
_OVER = "DELETE FROM mpsync.walks WHERE walk_id = $1"


async def sweep_walk(
    conn: Connection,
    catalog: Catalog,
    *,
    shop_id: int,
    stream: Stream,
    walk_id: int,
    started_at: datetime,
    part: Slice | None = None,
    share: float,
    force: bool,
    run_id: int | None,
) -> Committed:
    """Tombstone rows of the main table that the walk did not see, apply `stream.tombstones`, remove the walk and its marks.

    `part`: a slice of time that marked what it saw sweeps its scope only, and no other table; None stands for a walk. A stream that does
    not sweep only has its walk closed.
    Must run in a READ COMMITTED transaction of the caller, which rolls back when this raises.

    Raises:
        EmptySnapshot: the walk saw nothing where rows live, or more than `share` of at least 20 live rows would go, and not `force`.
        BadData: the walk's logged count and its marks differ (a crash of the database in between): it must be walked again.
    """
    main = catalog.shape(stream.main.name)
    await lock(conn, shop_id, main.table.name)
    await conn.execute(_PLANS)
    merge = Merge(
        conn=conn, shop_id=shop_id, stream=stream, run_id=run_id, walk_id=walk_id, main=main, parts=(), salt=b"", any_rejected=False
    )
    walk = await conn.fetchrow(_WALK, walk_id)
    if walk is None or walk["seen"] != walk["marks"]:
        told = "is not there" if walk is None else f"counted {walk['seen']} rows and has {walk['marks']} marks"
        raise BadData(f"walk {walk_id} of {stream.name} {told}: the database lost marks in a crash; everything is walked again")
    reach = _reach(main, part)
    gone = await _missed(merge, started_at, reach) if stream.sweeps else 0
    if gone and not force:
        await _check(merge, reach, seen=walk["seen"], gone=gone, share=share, left=await _left(merge, catalog, started_at, reach))
    if walk["unread"] and not force:
        # Any of the missed rows may be one whose key the vendor spelt unreadably.
        log.warning("sweep_held_back", shop_id=shop_id, stream=stream.name, unread=walk["unread"], missed=gone)
    elif gone:
        await _tombstone(merge, started_at, reach)
    if stream.tombstones and reach.scope is None:
        await _tombstone_other(merge, catalog.shape(stream.tombstones), started_at)
    await conn.execute(_UNMARK, walk_id)
    await conn.execute(_OVER, walk_id)
    await count(conn, shop_id, merge.tally)
    if main.table.write is Write.SNAPSHOT and reach.scope is None:
        await history.taken(merge, started_at)
    return merge.tally.committed()


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a sweep goes: within a scope (column -> value), or None for the whole table; `what` names the list that was read."""

    scope: Mapping[str, Any] | None
    what: str

    def rows(self, *conditions: str, values: Sequence[object]) -> tuple[str, Sequence[object]]:
        """A condition on rows t out of `conditions`, whose parameters are `values`, and of the scope; and all the parameters."""
        more, bounds = within(self.scope or {}, first=len(values) + 1)
        return " AND ".join([*conditions, *more]), [*values, *bounds]


def _reach(main: Shape, part: Slice | None) -> Reach:
    if part is None or part.kind is SliceKind.WALK:
        return Reach(None, "the vendor's whole list")
    if main.table.scope is None:
        raise ConfigError(f"A slice of {main.table.name} marked what it saw, but the table declares no `scope` to sweep within.")
    scope = main.table.scope(part)
    bounds = [f"{name} {f'{value[0]} until {value[1]}' if isinstance(value, tuple) else value}" for name, value in scope.items()]
    return Reach(scope, f"the vendor's list for {', '.join(bounds)}")


async def _missed(merge: Merge, started_at: datetime, reach: Reach) -> int:
    sql = merge.main.sql
    missed, values = reach.rows(sql.missed, values=(merge.shop_id, merge.walk_id, started_at))
    return int(await merge.conn.fetchval(f"SELECT count(*) FROM {sql.table} t WHERE {missed}", *values))  # noqa: S608 - identifiers are quoted


async def _left(merge: Merge, catalog: Catalog, started_at: datetime, reach: Reach) -> int:
    """How many of the missed rows belong to parents that are not read for any more."""
    parents = merge.stream.parents
    if parents is None or not parents.child:
        return 0
    other, sql = catalog.shape(parents.table), merge.main.sql
    missed, values = reach.rows(sql.missed, values=(merge.shop_id, merge.walk_id, started_at))
    chosen, allowed = read_for(parents, row="p", first=len(values) + 1)
    same = [f"p.{quoted(key)} = t.{quoted(own)}" for key, own in zip(other.table.key, parents.child, strict=True)]
    there = f"SELECT FROM {other.sql.table} p WHERE {' AND '.join(('p.shop_id = $1', *same, *chosen))}"
    query = f"SELECT count(*) FROM {sql.table} t WHERE {missed} AND NOT EXISTS ({there})"  # noqa: S608 - identifiers are quoted
    return int(await merge.conn.fetchval(query, *values, *allowed))


async def _check(merge: Merge, reach: Reach, *, seen: int, gone: int, left: int, share: float) -> None:
    """Doubt a walk; `left` of the `gone` rows are none of its business."""
    name = merge.main.table.name
    live, gone = await _living(merge, reach) - left, gone - left
    if gone and not seen:
        raise EmptySnapshot(
            f"{name} of shop {merge.shop_id}: {reach.what} came back empty while {live} rows live here; nothing was deleted. "
            "If it is true, read it by force (mpsyncd sync --force)."
        )
    if live >= _FEW and gone > share * live:
        raise EmptySnapshot(
            f"{name} of shop {merge.shop_id}: {gone} of {live} rows are missing from {reach.what}, more than {share:.0%}; "
            "nothing was deleted. If it is true, read it by force (mpsyncd sync --force)."
        )


async def _living(merge: Merge, reach: Reach) -> int:
    if reach.scope is None:
        return int(await merge.conn.fetchval(_LIVE, merge.shop_id, merge.main.table.name))
    living, values = reach.rows("t.shop_id = $1", "t.deleted_at IS NULL", values=(merge.shop_id,))
    query = f"SELECT count(*) FROM {merge.main.sql.table} t WHERE {living}"  # noqa: S608 - identifiers are quoted
    return int(await merge.conn.fetchval(query, *values))


async def _tombstone(merge: Merge, started_at: datetime, reach: Reach) -> None:
    sql, table = merge.main.sql, merge.main.table
    missed, values = reach.rows(sql.missed, values=(merge.shop_id, merge.walk_id, started_at))
    update = f"UPDATE {sql.table} t SET deleted_at = $3 WHERE {missed}"  # noqa: S608
    if table.write is Write.SNAPSHOT:
        rows = await merge.conn.fetch(f"{update} RETURNING {listed(table.key, 't.')}", *values)
        await history.remember(merge, started_at, sorted(tuple(row) for row in rows), gone=True)
        _counted(merge, table.name, len(rows))
    else:
        _counted(merge, table.name, _affected(await merge.conn.execute(update, *values)))


async def _tombstone_other(merge: Merge, other: Shape, started_at: datetime) -> None:
    """Rows of the other table whose key lives in this stream's main table are gone there (a trash list)."""
    await lock(merge.conn, merge.shop_id, other.table.name)
    same = " AND ".join(f"m.{quoted(own)} = t.{quoted(name)}" for own, name in zip(merge.main.table.key, other.table.key, strict=True))
    told = await merge.conn.execute(
        f"UPDATE {other.sql.table} t SET deleted_at = $2 WHERE t.shop_id = $1 AND t.deleted_at IS NULL AND t.synced_at < $2 "  # noqa: S608
        f"AND EXISTS (SELECT FROM {merge.main.sql.table} m WHERE m.shop_id = $1 AND m.deleted_at IS NULL AND {same})",
        merge.shop_id,
        started_at,
    )
    _counted(merge, other.table.name, _affected(told))


def _affected(told: str) -> int:
    return int(told.rpartition(" ")[2])


def _counted(merge: Merge, table: str, gone: int) -> None:
    merge.tally.tombstoned += gone
    merge.tally.live[table] -= gone
    merge.tally.deleted[table] += gone
