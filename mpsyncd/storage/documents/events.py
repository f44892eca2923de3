"""Changes that people want to hear of: normalised values of tracked fields against the last known ones, in the page's transaction.

The first value of an object, and the first one under a new version of a track, is a baseline and makes no event. Called only with documents
that were really written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from mpsyncd.model.errors import UNREADABLE
from mpsyncd.storage.documents.hashing import dump_anything

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mpsyncd.model.stream import Track
    from mpsyncd.storage.documents.merge import Merge
    from mpsyncd.storage.documents.shape import Item

log = structlog.get_logger(__name__)

# Compared as jsonb, so that spelling does not count; the older values are read before the write, as one statement sees one state.
_TRACK = """
WITH told AS (
    SELECT * FROM unnest($5::text[], $6::text[], $7::int[], $8::text[], $9::text[], $10::int[])
        AS t (object_key, field, version, value, event, place)
), before AS (
    SELECT t.*, k.value AS old, k.version AS old_version, k.asked_at AS old_asked_at
    FROM told t LEFT JOIN LATERAL (
        SELECT * FROM mpsync.tracked k
        WHERE k.shop_id = $1 AND k.table_name = $2 AND k.object_key = t.object_key AND k.field = t.field OFFSET 0
    ) k ON true
), kept AS (
    INSERT INTO mpsync.tracked AS k (shop_id, table_name, object_key, field, version, value, asked_at)
    SELECT $1, $2, object_key, field, version, value::jsonb, $4 FROM before
    WHERE old_version IS NULL OR (old_asked_at <= $4 AND (old_version <> version OR old IS DISTINCT FROM value::jsonb))
    ORDER BY object_key, field
    ON CONFLICT (shop_id, table_name, object_key, field)
    DO UPDATE SET version = excluded.version, value = excluded.value, asked_at = excluded.asked_at
)
INSERT INTO mpsync.event_log (shop_id, event, table_name, object_key, field, before, after, run_id, happened_at)
SELECT $1, event, $2, object_key::jsonb, field, old, value::jsonb, $3, $4 FROM before
WHERE old_version = version AND old_asked_at <= $4 AND old IS DISTINCT FROM value::jsonb
ORDER BY place
"""


async def track(merge: Merge, asked_at: datetime, written: Sequence[Item]) -> None:
    """Compare the tracked fields of written documents with their last known values; write events and the new values."""
    tracks = merge.main.table.tracks
    told = [row for item in written for row in _values(merge, item)] if tracks else []
    if not told:
        return
    keys, fields, versions, values, events = map(list, zip(*told, strict=True))
    table = merge.main.table.name
    places = list(range(len(told)))
    await merge.conn.execute(_TRACK, merge.shop_id, table, merge.run_id, asked_at, keys, fields, versions, values, events, places)


def _values(merge: Merge, item: Item) -> list[tuple[str, str, int, str, str]]:
    key = merge.main.key_text(item.key)
    told = []
    for track in merge.main.table.tracks:
        value = _value(merge, track, item)
        if value is not None:
            told.append((key, track.field, track.version, value, track.event))
    return told


def _value(merge: Merge, track: Track, item: Item) -> str | None:
    """The normalised value as JSON text; None when it can not be read or kept, and then the last known value stays."""
    try:
        value: Any = track.value(item.document)
    except UNREADABLE as error:
        log.warning("track_unreadable", shop_id=merge.shop_id, table=merge.main.table.name, field=track.field, error=str(error))
        return None
    told = dump_anything(value)
    return None if "\\u0000" in told else told
