"""Rejected rows, fed in again: after a migration widened a column, or a row function learned a spelling."""

from __future__ import annotations

import json
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import BadData
from mpsyncd.model.work import Committed
from mpsyncd.storage.documents import history, rejected
from mpsyncd.storage.documents.merge import Merge, begin, count
from mpsyncd.storage.documents.prepare import DOUBLE, part_again
from mpsyncd.storage.documents.rows import put
from mpsyncd.storage.documents.shape import Refusal
from mpsyncd.storage.documents.write import write_batches

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from mpsyncd.model.request import Document
    from mpsyncd.model.stream import Stream
    from mpsyncd.storage.documents.catalog import Catalog
    from mpsyncd.storage.documents.shape import Item, Shape
    from mpsyncd.storage.pool import Connection, Record

_READ = """
SELECT rejected_id, shop_id, table_name, document, document_hash, reason, asked_at, run_id, last_seen_at FROM mpsync.rejected_rows
WHERE rejected_id = ANY ($1) AND stream = $2 AND table_name = ANY ($3) ORDER BY shop_id, asked_at, rejected_id FOR UPDATE
"""
_SOLVED = "DELETE FROM mpsync.rejected_rows WHERE rejected_id = ANY ($1)"


async def retry_rejected(conn: Connection, catalog: Catalog, stream: Stream, rejected_ids: Sequence[int]) -> Committed:
    """Merge rejected rows of this stream as if their answers came once more, with the time at which they were asked.

    What is written now, or is older than what is stored by now, leaves `rejected_rows`; what is refused again stays, with the reason of
    today and one more time. Must run in a READ COMMITTED transaction of the caller.
    """
    tables = [table.name for table in stream.tables]
    rows = await conn.fetch(_READ, list(rejected_ids), stream.name, tables)
    done = Committed()
    for shop_id, of_shop in groupby(rows, key=itemgetter("shop_id")):
        merge = await begin(conn, catalog, shop_id=shop_id, stream=stream)
        for asked_at, same in groupby(of_shop, key=itemgetter("asked_at")):
            await _again(merge, asked_at, list(same))
        await count(conn, shop_id, merge.tally)
        done = _sum(done, merge.tally.committed())
    return done


async def _again(merge: Merge, asked_at: datetime, rows: Sequence[Record]) -> None:
    merge.run_id = rows[0]["run_id"]
    mains = [row for row in rows if row["table_name"] == merge.main.table.name]

    async def documents() -> AsyncIterator[tuple[datetime, list[Document]]]:
        yield asked_at, [json.loads(row["document"]) for row in mains]

    still = {row["rejected_id"]: row["times"] for row in await _times(merge, rows)}
    if mains:
        await write_batches(merge, documents())
    for shape in merge.parts:
        await _parts_again(merge, asked_at, shape, [row for row in rows if row["table_name"] == shape.table.name])
    now = {row["rejected_id"]: row["times"] for row in await _times(merge, rows)}
    await merge.conn.execute(_SOLVED, [rejected_id for rejected_id, times in now.items() if times == still[rejected_id]])


async def _times(merge: Merge, rows: Sequence[Record]) -> Sequence[Record]:
    ids = [row["rejected_id"] for row in rows]
    return await merge.conn.fetch("SELECT rejected_id, times FROM mpsync.rejected_rows WHERE rejected_id = ANY ($1)", ids)


async def _parts_again(merge: Merge, asked_at: datetime, shape: Shape, rows: Sequence[Record]) -> None:
    """A part counts only beside the very version of its document that it came with; else its set was replaced since."""
    refused: list[Refusal] = []
    for row in rows:
        document: dict[str, Any] = json.loads(row["document"])
        try:
            item = part_again(shape, document)
        except BadData as error:
            refused.append(Refusal(shape, document, str(error)))
            continue
        parent = item.key[: shape.link]
        if await _version_of(merge, parent) != asked_at:
            continue
        stored = await _part_there(merge, shape, item)
        if stored and row["reason"] == DOUBLE:
            refused.append(Refusal(shape, document, DOUBLE, item.key, parent))
            continue
        written, failed = await put(merge.conn, shape, [item], shop_id=merge.shop_id, asked_at=asked_at, new=not stored)
        merge.tally.live[shape.table.name] += 0 if stored else len(written)
        merge.tally.inserted += len(written)
        await history.remember(merge, asked_at, [one.key for one in written], shape=shape)
        refused += [Refusal(shape, document, one.reason, item.key, parent) for one in failed]
    await rejected.keep(merge, asked_at, refused)


async def _version_of(merge: Merge, parent: tuple[Any, ...]) -> datetime | None:
    sql = merge.main.sql
    query = f"""
SELECT t.synced_at FROM unnest({sql.given(2)}) AS i ({sql.aliases()}) CROSS JOIN {sql.found("t.synced_at")}"""  # noqa: S608 - quoted
    version: datetime | None = await merge.conn.fetchval(query, merge.shop_id, *[[value] for value in parent])
    return version


async def _part_there(merge: Merge, shape: Shape, item: Item) -> bool:
    sql = shape.sql
    found = sql.found("t.synced_at")
    query = f"SELECT EXISTS (SELECT FROM unnest({sql.given(2)}) AS i ({sql.aliases()}) CROSS JOIN {found})"  # noqa: S608
    return bool(await merge.conn.fetchval(query, merge.shop_id, *[[value] for value in item.key]))


def _sum(one: Committed, other: Committed) -> Committed:
    return Committed(
        seen=one.seen + other.seen,
        inserted=one.inserted + other.inserted,
        updated=one.updated + other.updated,
        unchanged=one.unchanged + other.unchanged,
        rejected=one.rejected + other.rejected,
        tombstoned=one.tombstoned + other.tombstoned,
    )
