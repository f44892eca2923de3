"""Parts of written documents, replaced as a set: vanished ones deleted, new ones inserted, changed ones updated, the rest left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.storage.documents import history
from mpsyncd.storage.documents.prepare import with_parent
from mpsyncd.storage.documents.rows import put

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mpsyncd.storage.documents.merge import Merge
    from mpsyncd.storage.documents.shape import Item, Key, PartSet, Refusal, Shape


async def put_parts(merge: Merge, asked_at: datetime, parents: Sequence[Item]) -> list[Refusal]:
    """Write the parts of documents that were just written; return what was refused of them."""
    refused: list[Refusal] = []
    for place, shape in enumerate(merge.parts):
        refused += await _put_set(merge, shape, asked_at, [(parent, parent.parts[place]) for parent in parents])
    return refused


async def _put_set(merge: Merge, shape: Shape, asked_at: datetime, sets: Sequence[tuple[Item, PartSet]]) -> list[Refusal]:
    stored = await _stored(merge, shape, [parent.key for parent, _ in sets if parent.stored is not None])
    refused = [one for _, told in sets for one in told.refused]
    wanted = {key: item for _, told in sets for key, item in told.items.items()}
    # A row that was refused keeps its older version, and where a key could not be read nothing is known to be gone.
    kept, unsure = {one.key for one in refused}, {parent.key for parent, told in sets if not told.whole}
    gone = sorted(key for key in stored if key not in wanted and key not in kept and key[: shape.link] not in unsure)
    await history.remember(merge, asked_at, gone, gone=True, shape=shape)
    await _delete(merge, shape, gone)
    new = [wanted[key] for key in sorted(wanted) if key not in stored]
    changed = [wanted[key] for key in sorted(wanted) if key in stored and stored[key] != wanted[key].digest]
    written, failed = await put(merge.conn, shape, new, shop_id=merge.shop_id, asked_at=asked_at, new=True)
    merge.tally.live[shape.table.name] += len(written)
    again, more = await put(merge.conn, shape, changed, shop_id=merge.shop_id, asked_at=asked_at, new=False)
    await history.remember(merge, asked_at, [item.key for item in (*written, *again)], shape=shape)
    for one in (*failed, *more):
        one.parent = one.key[: shape.link] if one.key is not None else None
        one.document = with_parent(shape, wanted[one.key].document, wanted[one.key].made) if one.key is not None else one.document
    return [*refused, *failed, *more]


async def _stored(merge: Merge, shape: Shape, parents: Sequence[Key]) -> dict[Key, bytes]:
    if not parents:
        return {}
    rows = await merge.conn.fetch(shape.sql.parts_of(shape.link), merge.shop_id, *map(list, zip(*parents, strict=True)))
    return {tuple(row)[:-1]: row["row_hash"] for row in rows}


async def _delete(merge: Merge, shape: Shape, keys: Sequence[Key]) -> None:
    if keys:
        told = await merge.conn.execute(shape.sql.delete, merge.shop_id, *map(list, zip(*keys, strict=True)))
        merge.tally.live[shape.table.name] -= int(told.rpartition(" ")[2])
