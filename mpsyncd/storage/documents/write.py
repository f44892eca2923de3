"""One batch into the database: find what differs, decide what wins, write it with its parts, marks, events and rejections.

Every row that is written here beat what was stored: never older over newer, never a tombstone over younger life.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mpsyncd.model.stream import Write
from mpsyncd.storage.documents import events, history, rejected
from mpsyncd.storage.documents.kinds import comparable
from mpsyncd.storage.documents.parts import put_parts
from mpsyncd.storage.documents.prepare import prepare, render
from mpsyncd.storage.documents.rows import put
from mpsyncd.storage.documents.shape import Item, Refusal, Stored
from mpsyncd.storage.documents.stubs import put_stubs

if TYPE_CHECKING:
    from mpsyncd.storage.documents.merge import Batch, Batches, Merge

_EPOCH = datetime.min.replace(tzinfo=UTC)
_SEEN = "UPDATE mpsync.walks SET seen = seen + $2, unread = unread + $3 WHERE walk_id = $1"


async def write_batches(merge: Merge, batches: Batches) -> None:
    """Write every batch, each prepared while PostgreSQL still works on the one before (one statement in flight)."""
    writing: asyncio.Task[None] | None = None
    try:
        async for asked_at, documents in batches:
            batch = await prepare(merge, asked_at, documents)
            if writing is not None:
                await writing
            writing = asyncio.create_task(write_batch(merge, batch))
        if writing is not None:
            await writing
    finally:
        if writing is not None and not writing.done():
            writing.cancel()
        if writing is not None:
            await asyncio.wait({writing})
            _ = writing.cancelled() or writing.exception()  # seen, or asyncio complains that nobody did


async def write_batch(merge: Merge, batch: Batch) -> None:
    """Merge one prepared batch."""
    async with merge.turn:
        await _write_batch(merge, batch)


async def _write_batch(merge: Merge, batch: Batch) -> None:
    tally, refused = merge.tally, list(batch.refused)
    tally.seen += len(batch.items) + batch.repeated + len(refused)
    await _mark(merge, [item.key for item in batch.items], refused)
    differing = await _differing(merge, batch)
    rendered = [item for item in differing if item.cells is not None]
    if len(rendered) < len(differing):
        more, failed = await render(merge, [item for item in differing if item.cells is None])
        refused += failed
        rendered = sorted([*rendered, *more], key=lambda item: item.key) if rendered else more
    winning = [item for item in rendered if _wins(merge, item, batch.asked_at)]
    written, failed = await _put(merge, batch.asked_at, winning)
    refused += failed
    part_refused = await put_parts(merge, batch.asked_at, written)
    await put_stubs(merge, batch.asked_at, written)
    await events.track(merge, batch.asked_at, written)
    if merge.main.table.write is Write.SNAPSHOT:
        await history.remember(merge, batch.asked_at, [item.key for item in written])
    tally.unchanged += len(batch.items) + batch.repeated + len(batch.refused) - len(refused) - len(written)
    await rejected.keep(merge, batch.asked_at, [*refused, *part_refused])
    bad = {one.key for one in refused}
    await rejected.forget(merge, batch.asked_at, [item.key for item in batch.items if item.key not in bad])
    await rejected.forget_parts(merge, batch.asked_at, [item.key for item in written], part_refused)
    merge.eager = 2 * len(written) > len(batch.items)


async def _mark(merge: Merge, keys: Sequence[tuple[object, ...]], refused: Sequence[Refusal]) -> None:
    """Mark what the walk saw, what was refused too: it is there. Counts the marks that are new."""
    if merge.walk_id is None:
        return
    seen = sorted({*keys, *(one.key for one in refused if one.key is not None)})
    unread = sum(one.key is None for one in refused)
    merge.unread += unread
    told = "INSERT 0 0"
    if seen:
        told = await merge.conn.execute(merge.main.sql.mark, merge.walk_id, *map(list, zip(*seen, strict=True)))
    await merge.conn.execute(_SEEN, merge.walk_id, int(told.rpartition(" ")[2]), unread)


async def _differing(merge: Merge, batch: Batch) -> list[Item]:
    """The items whose stored row is missing, different or tombstoned."""
    if not batch.items:
        return []
    keys = map(list, zip(*[item.key for item in batch.items], strict=True))
    hashes = [item.digest for item in batch.items]
    found = []
    for row in await merge.conn.fetch(merge.main.sql.differing, merge.shop_id, *keys, hashes):
        place, synced_at, deleted_at, guard = row
        item = batch.items[place - 1]
        if synced_at is not None:
            item.stored = Stored(synced_at, deleted_at, guard)
        found.append(item)
    found.sort(key=lambda item: item.key)
    return found


def _wins(merge: Merge, item: Item, asked_at: datetime) -> bool:
    """Whether a rendered item may take the place of what is stored.

    A request as young as the stored one wins: within one page the last row of a key counts. Where a guard is declared and differs, it
    decides; a tombstone gives way only to an answer that is younger than the walk that missed the row.
    """
    stored, main = item.stored, merge.main
    if stored is None:
        return True
    if main.table.write is Write.APPEND or (stored.deleted_at or _EPOCH) >= asked_at:
        return False
    if main.guard_at is not None and item.cells is not None:
        kind = main.kinds[main.guard_at]
        old, new = comparable(kind, stored.guard), comparable(kind, item.cells[main.guard_at])
        if old is not None and new is not None and old != new:
            return bool(new > old)
    return asked_at >= stored.synced_at


async def _put(merge: Merge, asked_at: datetime, winning: Sequence[Item]) -> tuple[Sequence[Item], list[Refusal]]:
    tally, name = merge.tally, merge.main.table.name
    new = [item for item in winning if item.stored is None]
    changed = [item for item in winning if item.stored is not None]
    inserted, refused = await put(merge.conn, merge.main, new, shop_id=merge.shop_id, asked_at=asked_at, new=True)
    updated, more = await put(merge.conn, merge.main, changed, shop_id=merge.shop_id, asked_at=asked_at, new=False)
    revived = sum(item.stored is not None and item.stored.deleted_at is not None for item in updated)
    tally.inserted += len(inserted)
    tally.updated += len(updated)
    tally.live[name] += len(inserted) + revived
    tally.deleted[name] -= revived
    return [*inserted, *updated], [*refused, *more]
