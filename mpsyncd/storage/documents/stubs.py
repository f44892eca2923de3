"""Rows that documents point at and nobody has read yet: nothing but a key, so that no document waits for or is lost with its parent.

A stub has an empty hash and the oldest moment there is: any answer about the object itself fills it. Fills nothing and deletes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import BadData
from mpsyncd.storage.documents.kinds import key_value
from mpsyncd.storage.documents.merge import lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from mpsyncd.model.request import Document
    from mpsyncd.model.stream import Reference
    from mpsyncd.storage.documents.merge import Merge
    from mpsyncd.storage.documents.shape import Item, Key, Shape


async def put_stubs(merge: Merge, asked_at: datetime, written: Sequence[Item]) -> None:
    """Make the rows that documents which were just written, or their parts, point at and that are not there."""
    for reference in merge.main.table.refers:
        await _put(merge, reference, asked_at, [item.document for item in written])
    for place, shape in enumerate(merge.parts):
        for reference in shape.table.refers:
            await _put(merge, reference, asked_at, [part.document for item in written for part in item.parts[place].items.values()])


async def _put(merge: Merge, reference: Reference, asked_at: datetime, documents: Iterable[Document]) -> None:
    shape = merge.referred[reference.table]
    keys = sorted({key for document in documents if (key := _key(shape, reference, document)) is not None})
    if not keys:
        return
    columns: list[Sequence[Any]] = list(map(list, zip(*keys, strict=True)))
    absent = await merge.conn.fetch(shape.sql.absent, merge.shop_id, *columns)
    if not absent:
        return
    # Counted while nobody else adds rows there, or one row could be counted twice.
    await lock(merge.conn, merge.shop_id, shape.table.name)
    told = await merge.conn.execute(shape.sql.stub, merge.shop_id, *map(list, zip(*map(tuple, absent), strict=True)), asked_at)
    merge.tally.live[shape.table.name] += int(told.rpartition(" ")[2])


def _key(shape: Shape, reference: Reference, document: Document) -> Key | None:
    """The key that a document points at; None when it points at nothing."""
    values = [document.get(reference.columns[name]) for name in shape.table.key]
    try:
        return tuple(key_value(kind, value) for kind, value in zip(shape.key_kinds, values, strict=True))
    except BadData:
        return None
