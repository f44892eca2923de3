"""Rows that can not be written: kept whole with the reason, forgotten when the same object is written well.

The same bad document again only counts up. `retry_rejected` stands in `again`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.storage.documents.hashing import digest, dump_anything

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mpsyncd.storage.documents.merge import Merge
    from mpsyncd.storage.documents.shape import Key, Refusal

_KEEP = """
INSERT INTO mpsync.rejected_rows AS r
    (shop_id, stream, run_id, asked_at, table_name, document, document_hash, object_key, parent_key, reason)
SELECT $1, $2, $3, $4, * FROM unnest($5::text[], $6::text[], $7::bytea[], $8::text[], $9::text[], $10::text[])
ON CONFLICT (shop_id, table_name, document_hash) DO UPDATE
SET times = r.times + 1, last_seen_at = now(), reason = excluded.reason, run_id = excluded.run_id,
    asked_at = greatest(r.asked_at, excluded.asked_at)
"""
_FORGET = """
DELETE FROM mpsync.rejected_rows WHERE ctid = ANY (ARRAY(
    SELECT found.ctid FROM unnest($3::text[]) AS good (key) CROSS JOIN LATERAL (
        SELECT r.ctid FROM mpsync.rejected_rows r
        WHERE r.shop_id = $1 AND r.table_name = $2 AND r.object_key = good.key AND r.asked_at <= $4 OFFSET 0) found))
"""
_FORGET_PARTS = """
DELETE FROM mpsync.rejected_rows WHERE ctid = ANY (ARRAY(
    SELECT found.ctid FROM unnest($3::text[]) AS good (key) CROSS JOIN LATERAL (
        SELECT r.ctid FROM mpsync.rejected_rows r
        WHERE r.shop_id = $1 AND r.table_name = $2 AND r.parent_key = good.key AND r.asked_at <= $4
            AND r.document_hash <> ALL ($5::bytea[]) OFFSET 0) found))
"""


async def keep(merge: Merge, asked_at: datetime, refused: Sequence[Refusal]) -> None:
    """Write refused documents down; an equal one that is there already is counted up."""
    if not refused:
        return
    by_hash = {}
    for one in refused:
        text = dump_anything(one.document)
        by_hash[one.shape.table.name, digest(text.encode())] = (one, text)
    rows = sorted(by_hash.items(), key=lambda row: row[0])
    await merge.conn.execute(
        _KEEP,
        merge.shop_id,
        merge.stream.name,
        merge.run_id,
        asked_at,
        [table for (table, _), _ in rows],
        [text for _, (_, text) in rows],
        [told for (_, told), _ in rows],
        [None if one.key is None else one.shape.key_text(one.key) for _, (one, _) in rows],
        [None if one.parent is None else merge.main.key_text(one.parent) for _, (one, _) in rows],
        [one.reason.replace("\x00", "\\0") for _, (one, _) in rows],
    )
    merge.tally.rejected += len(refused)
    merge.any_rejected = True


async def forget(merge: Merge, asked_at: datetime, good: Sequence[Key]) -> None:
    """These documents are stored as the vendor told them: what was refused of the same objects before is history."""
    if merge.any_rejected and good:
        keys = [merge.main.key_text(key) for key in good]
        await merge.conn.execute(_FORGET, merge.shop_id, merge.main.table.name, keys, asked_at)


async def forget_parts(merge: Merge, asked_at: datetime, parents: Sequence[Key], refused: Sequence[Refusal]) -> None:
    """These documents' parts were replaced as a set: only what was refused just now still is."""
    if merge.any_rejected and parents:
        keys = [merge.main.key_text(key) for key in parents]
        for shape in merge.parts:
            still = [document_hash(one) for one in refused if one.shape is shape]
            await merge.conn.execute(_FORGET_PARTS, merge.shop_id, shape.table.name, keys, asked_at, still)


def document_hash(refusal: Refusal) -> bytes:
    """What an equal document is recognised by."""
    return digest(dump_anything(refusal.document).encode())
