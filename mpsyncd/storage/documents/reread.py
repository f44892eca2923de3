"""Rows that were read again out of turn: merged like a page, and what the vendor has no more of them is tombstoned at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.model.errors import ConfigError
from mpsyncd.model.stream import Write
from mpsyncd.storage.documents.merge import begin, count, gathered
from mpsyncd.storage.documents.prepare import prepare
from mpsyncd.storage.documents.statements import quoted, within
from mpsyncd.storage.documents.write import write_batch

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mpsyncd.model.stream import Again, Stream
    from mpsyncd.model.webhook import Reread
    from mpsyncd.model.work import Committed
    from mpsyncd.storage.documents.catalog import Catalog
    from mpsyncd.storage.documents.merge import Merge
    from mpsyncd.storage.documents.shape import Key
    from mpsyncd.storage.pool import Connection


async def write_rereads(
    conn: Connection, catalog: Catalog, *, shop_id: int, stream: Stream, rereads: Sequence[Reread], run_id: int | None
) -> Committed:
    """Merge what was read again, each answer as old as its own request; must run in a transaction like that of `write_page`.

    Rows with the key of a reread that its answer does not have, and that are not younger than its request, are tombstoned.

    Raises:
        ConfigError: the stream does not say how it is read again.
    """
    if stream.again is None or stream.main.write is not Write.UPSERT:
        raise ConfigError(f"{stream.name} can not be read again row by row: it declares no `again`, or its rows are not upserted.")
    merge = await begin(conn, catalog, shop_id=shop_id, stream=stream, run_id=run_id)
    for reread in rereads:
        seen, sure = await _write(merge, reread)
        if sure:
            await _tombstone(merge, stream.again, reread, seen)
    await count(conn, shop_id, merge.tally)
    return merge.tally.committed()


async def _write(merge: Merge, reread: Reread) -> tuple[Collection[Key], bool]:
    """The keys that the answer has, and whether all of them could be read."""
    seen, sure = set[tuple[object, ...]](), True
    for page in reread.pages:
        async for documents in gathered(page.rows):
            batch = await prepare(merge, page.asked_at, documents)
            seen |= {item.key for item in batch.items} | {one.key for one in batch.refused if one.key is not None}
            sure = sure and all(one.key is not None for one in batch.refused)
            await write_batch(merge, batch)
    return seen, sure


async def _tombstone(merge: Merge, again: Again, reread: Reread, seen: Collection[Key]) -> None:
    main = merge.main
    if seen and set(again.by) == set(main.table.key):
        return
    rows, values = within(dict(zip(again.by, reread.key, strict=True)), first=3)
    conditions = ["t.shop_id = $1", "t.deleted_at IS NULL", "t.row_hash <> ''", "t.synced_at < $2", *rows]
    keys: list[list[object]] = []
    if seen:
        keys = [list(column) for column in zip(*sorted(seen), strict=True)]
        given, same = (
            main.sql.given(3 + len(values)),
            " AND ".join(f"t.{quoted(name)} = i.k{n}" for n, name in enumerate(main.table.key, 1)),
        )
        conditions.append(f"NOT EXISTS (SELECT FROM unnest({given}) AS i ({main.sql.aliases()}) WHERE {same})")
    told = await merge.conn.execute(
        f"UPDATE {main.sql.table} t SET deleted_at = $2 WHERE {' AND '.join(conditions)}",  # noqa: S608 - identifiers are quoted
        merge.shop_id,
        reread.asked_at,
        *values,
        *keys,
    )
    gone = int(told.rpartition(" ")[2])
    merge.tally.tombstoned += gone
    merge.tally.live[main.table.name] -= gone
    merge.tally.deleted[main.table.name] += gone
