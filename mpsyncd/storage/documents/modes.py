"""Slices that are written in one go: REPLACE, and documents that are told apart by counting equal ones.

Pages before the last are kept as they came, so that readers never see half of a replaced day. The last page writes all and tombstones
what its scope lacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import structlog

from mpsyncd.model.errors import ConfigError
from mpsyncd.model.stream import Write
from mpsyncd.storage.documents.hashing import dump_anything
from mpsyncd.storage.documents.merge import batches, gathered
from mpsyncd.storage.documents.statements import within
from mpsyncd.storage.documents.write import write_batches

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from mpsyncd.model.page import Page, Slice
    from mpsyncd.model.stream import Stream
    from mpsyncd.storage.documents.merge import Batches, Merge
    from mpsyncd.storage.pool import Record

log = structlog.get_logger(__name__)

_STAGE = "INSERT INTO mpsync.slice_rows (slice_id, asked_at, document) SELECT $1, $2, * FROM unnest($3::text[])"
_STAGED = """
SELECT row_id, asked_at, document FROM mpsync.slice_rows WHERE slice_id = $1 AND row_id > $2 ORDER BY row_id LIMIT 1000
"""
_FIRST_ASKED = "SELECT min(asked_at) FROM mpsync.slice_rows WHERE slice_id = $1"
_UNSTAGE = "DELETE FROM mpsync.slice_rows WHERE slice_id = $1"
_UNMARK = "DELETE FROM mpsync.walk_seen WHERE walk_id = $1"


def in_one_go(stream: Stream) -> bool:
    """Whether slices of this stream are written when their last page is there."""
    return stream.main.write is Write.REPLACE or stream.main.numbered is not None


async def write_slice_page(merge: Merge, page: Page, part: Slice | None) -> None:
    """Keep a page, or write the slice when it is the last one.

    Raises:
        ConfigError: the stream is declared so that this can not be done.
    """
    table = merge.main.table
    if merge.walk_id is not None:
        raise ConfigError(f"The stream {merge.stream.name} replaces {table.name} by slices and can not walk; declare `walk=None`.")
    if part is None or (table.write is Write.REPLACE and table.scope is None):
        raise ConfigError(f"The stream {merge.stream.name} writes {table.name} by slices and declares no `scope`.")
    if not page.last:
        await _stage(merge, page, part)
        return
    if table.write is Write.REPLACE and table.scope is not None:
        await _replace(merge, page, part, table.scope(part))
    else:
        await write_batches(merge, _whole_slice(merge, page, part))
    await merge.conn.execute(_UNSTAGE, part.slice_id)


async def _stage(merge: Merge, page: Page, part: Slice) -> None:
    async for documents in gathered(page.rows):
        merge.tally.seen += len(documents)
        await merge.conn.execute(_STAGE, part.slice_id, page.asked_at, [dump_anything(document) for document in documents])


async def _whole_slice(merge: Merge, page: Page, part: Slice) -> Batches:
    """What was kept, in its order, then the last page. Kept rows were counted as seen when they came."""
    reached = 0
    while rows := await _staged(merge, part, reached):
        reached = rows[-1]["row_id"]
        for asked_at in sorted({row["asked_at"] for row in rows}):
            documents = [orjson.loads(row["document"]) for row in rows if row["asked_at"] == asked_at]
            merge.tally.seen -= len(documents)
            yield asked_at, documents
    async for batch in batches(page):
        yield batch


async def _staged(merge: Merge, part: Slice, behind: int) -> list[Record]:
    async with merge.turn:
        return await merge.conn.fetch(_STAGED, part.slice_id, behind)


async def _replace(merge: Merge, page: Page, part: Slice, scope: Mapping[str, Any]) -> None:
    conn = merge.conn
    since = await conn.fetchval(_FIRST_ASKED, part.slice_id) or page.asked_at
    merge.walk_id = -part.slice_id  # marks of its own, gone with the transaction's end
    before = merge.tally.seen
    await write_batches(merge, _whole_slice(merge, page, part))
    merge.walk_id = None
    read = merge.tally.inserted + merge.tally.updated + merge.tally.unchanged + merge.tally.rejected
    if merge.unread or not read:
        log.warning("replace_held_back", shop_id=merge.shop_id, table=merge.main.table.name, unread=merge.unread, seen=before)
    else:
        await _tombstone(merge, since, mark=-part.slice_id, scope=scope)
    await conn.execute(_UNMARK, -part.slice_id)


async def _tombstone(merge: Merge, since: datetime, *, mark: int, scope: Mapping[str, Any]) -> None:
    conditions, values = within(scope, first=4)
    sql = merge.main.sql
    told = await merge.conn.execute(
        f"UPDATE {sql.table} t SET deleted_at = $3 WHERE {' AND '.join([sql.missed, *conditions])}",  # noqa: S608 - identifiers are quoted
        merge.shop_id,
        mark,
        since,
        *values,
    )
    gone = int(told.rpartition(" ")[2])
    merge.tally.tombstoned += gone
    merge.tally.live[merge.main.table.name] -= gone
    merge.tally.deleted[merge.main.table.name] += gone
