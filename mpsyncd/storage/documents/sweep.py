"""The end of a walk: what it did not see is tombstoned, unless the walk is not to be trusted.

Rows that were written after the walk began stay, whatever it saw. A tombstone bears the start of the walk, so that only a younger answer
revives the row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from mpsyncd.model.errors import BadData, EmptySnapshot
from mpsyncd.model.stream import Write
from mpsyncd.storage.documents import history
from mpsyncd.storage.documents.merge import Merge, count, lock
from mpsyncd.storage.documents.statements import listed, quoted

if TYPE_CHECKING:
    from datetime import datetime

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
    share: float,
    force: bool,
    run_id: int | None,
) -> Committed:
    """Tombstone rows of the main table that the walk did not see, apply `stream.tombstones`, remove the walk and its marks.

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
    gone = await _missed(merge, started_at)
    if not force:
        await _check(merge, seen=walk["seen"], gone=gone, share=share)
    if walk["unread"] and not force:
        # Any of the missed rows may be one whose key the vendor spelt unreadably.
        log.warning("sweep_held_back", shop_id=shop_id, stream=stream.name, unread=walk["unread"], missed=gone)
    elif gone:
        await _tombstone(merge, started_at)
    if stream.tombstones:
        await _tombstone_other(merge, catalog.shape(stream.tombstones), started_at)
    await conn.execute(_UNMARK, walk_id)
    await conn.execute(_OVER, walk_id)
    await count(conn, shop_id, merge.tally)
    if main.table.write is Write.SNAPSHOT:
        await history.taken(merge, started_at)
    return merge.tally.committed()


async def _missed(merge: Merge, started_at: datetime) -> int:
    sql = merge.main.sql
    query = f"SELECT count(*) FROM {sql.table} t WHERE {sql.missed}"  # noqa: S608 - identifiers are quoted
    return int(await merge.conn.fetchval(query, merge.shop_id, merge.walk_id, started_at))


async def _check(merge: Merge, *, seen: int, gone: int, share: float) -> None:
    name = merge.main.table.name
    live = int(await merge.conn.fetchval(_LIVE, merge.shop_id, name))
    if gone and not seen:
        raise EmptySnapshot(
            f"{name} of shop {merge.shop_id}: the vendor's whole list came back empty while {live} rows live here; nothing was deleted. "
            "If it is true, run it forced (mpsyncd sync --mode forced)."
        )
    if live >= _FEW and gone > share * live:
        raise EmptySnapshot(
            f"{name} of shop {merge.shop_id}: {gone} of {live} rows are missing from the vendor's whole list, more than {share:.0%}; "
            "nothing was deleted. If it is true, run it forced (mpsyncd sync --mode forced)."
        )


async def _tombstone(merge: Merge, started_at: datetime) -> None:
    sql, table = merge.main.sql, merge.main.table
    update = f"UPDATE {sql.table} t SET deleted_at = $3 WHERE {sql.missed}"  # noqa: S608
    if table.write is Write.SNAPSHOT:
        rows = await merge.conn.fetch(f"{update} RETURNING {listed(table.key, 't.')}", merge.shop_id, merge.walk_id, started_at)
        await history.remember(merge, started_at, sorted(tuple(row) for row in rows), gone=True)
        _counted(merge, table.name, len(rows))
    else:
        _counted(merge, table.name, _affected(await merge.conn.execute(update, merge.shop_id, merge.walk_id, started_at)))


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
