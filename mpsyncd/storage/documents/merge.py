"""Shared state of one call: what is merged, into which tables, and what came of it.

Verbs over it stand in `prepare`, `write`, `parts`, `events`, `modes` and `sweep`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mpsyncd.model.request import BadRow
from mpsyncd.model.turns import turn
from mpsyncd.model.work import Committed
from mpsyncd.storage.documents.shape import salt_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime
    from typing import TypeAlias

    from mpsyncd.model.page import Page
    from mpsyncd.model.request import Document, Rows
    from mpsyncd.model.stream import Stream
    from mpsyncd.storage.documents.catalog import Catalog
    from mpsyncd.storage.documents.shape import Item, Refusal, Shape
    from mpsyncd.storage.pool import Connection

    Batches: TypeAlias = AsyncIterator[tuple[datetime, list[Document]]]

# A batch costs a subtransaction; more than 64 of them in one transaction slow other sessions down. A page of 80,000 orders makes 53.
_ENOUGH = 1500
_AT_MOST = 3000
_PIECES = 6
# Short, because the statement in flight takes several messages to and fro, and each of them waits for a turn of the loop.
_TURN = 0.0005

BAD, RAW = "mpsyncd:bad", "mpsyncd:raw"
"""Where a row that no document could be made of keeps the reason and what the vendor wrote, also in `rejected_rows`."""

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('mpsyncd ' || $2::text, $1))"
# Statistics of a table that just grew, or of none, must not choose the plan: keys are looked up one by one, along the primary key.
# A cached generic plan was made for the table as it was then, and a disabled node's cost would wake the JIT compiler.
_PLANS = """
SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true),
       set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('enable_sort', 'off', true), set_config('enable_incremental_sort', 'off', true)
"""
_ANY_REJECTED = "SELECT EXISTS (SELECT FROM mpsync.rejected_rows WHERE shop_id = $1 AND table_name = ANY($2))"
_ERASED = "SELECT object_key FROM mpsync.erased WHERE shop_id = $1 AND table_name = $2"
_COUNT = """
INSERT INTO mpsync.table_counts AS c (shop_id, table_name, live, deleted) SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::bigint[])
ON CONFLICT (shop_id, table_name) DO UPDATE SET live = c.live + excluded.live, deleted = c.deleted + excluded.deleted, updated_at = now()
"""


@dataclass(slots=True)
class Tally:
    """What was done so far; `live` and `deleted` are changes of the counts by table."""

    seen: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    tombstoned: int = 0
    live: Counter[str] = field(default_factory=Counter)
    deleted: Counter[str] = field(default_factory=Counter)

    def committed(self) -> Committed:
        """The part of it that the engine hears."""
        return Committed(
            seen=self.seen,
            inserted=self.inserted,
            updated=self.updated,
            unchanged=self.unchanged,
            rejected=self.rejected,
            tombstoned=self.tombstoned,
        )


@dataclass(slots=True, kw_only=True)
class Merge:
    """One call of `write_page` or `retry_rejected`, in one transaction.

    any_rejected: rejected rows of these tables exist, so that what is written well must look for them. eager: the last batch was mostly
    written, so the next is rendered while PostgreSQL is still busy. number: how often a content was met, for numbered documents.
    unread: documents whose key could not be read. turn: held while a batch is written, as a connection does one thing at a time.
    referred: tables whose rows the documents point at. erased: keys of what was erased, to which documents may belong.
    """

    conn: Connection
    shop_id: int
    stream: Stream
    run_id: int | None
    walk_id: int | None
    main: Shape
    parts: tuple[Shape, ...]
    salt: bytes
    any_rejected: bool
    tally: Tally = field(default_factory=Tally)
    eager: bool = False
    number: Counter[str] = field(default_factory=Counter)
    unread: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    referred: Mapping[str, Shape] = field(default_factory=dict)
    erased: frozenset[str] = frozenset()


@dataclass(slots=True)
class Batch:
    """Documents of one request, one per key, sorted by key."""

    asked_at: datetime
    items: list[Item]
    refused: list[Refusal]
    repeated: int


class Breath:
    """Gives the loop a turn when Python has worked for half a millisecond in a row."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()

    async def __call__(self) -> None:
        if self._loop.time() - self._since > _TURN:
            await turn()
            self._since = self._loop.time()


async def begin(
    conn: Connection, catalog: Catalog, *, shop_id: int, stream: Stream, run_id: int | None = None, walk_id: int | None = None
) -> Merge:
    """Lock the shop's rows of the main table for writers like us, bind the plans of this transaction, and look what is there.

    Two lanes of one feed meet here: what they read of stored rows stays true until the transaction ends.
    """
    main, parts = catalog.shape(stream.main.name), catalog.parts(stream)
    await lock(conn, shop_id, main.table.name)
    await conn.execute(_PLANS)
    names = [shape.table.name for shape in (main, *parts)]
    erasable = main.table.erasable
    erased = await conn.fetch(_ERASED, shop_id, erasable.table) if erasable else ()
    return Merge(
        conn=conn,
        shop_id=shop_id,
        stream=stream,
        run_id=run_id,
        walk_id=walk_id,
        main=main,
        parts=parts,
        salt=salt_of(main, parts),
        referred={one.table: catalog.shape(one.table) for shape in (main, *parts) for one in shape.table.refers},
        any_rejected=bool(await conn.fetchval(_ANY_REJECTED, shop_id, names)),
        erased=frozenset(row["object_key"] for row in erased),
    )


async def lock(conn: Connection, shop_id: int, table: str) -> None:
    """Wait until no other transaction of ours writes this table of this shop; held to the end of the transaction."""
    await conn.execute(_LOCK, shop_id, table)


async def count(conn: Connection, shop_id: int, tally: Tally) -> None:
    """Keep the live counts; nothing is written when nothing changed."""
    tables = sorted(name for name in tally.live.keys() | tally.deleted.keys() if tally.live[name] or tally.deleted[name])
    if tables:
        await conn.execute(_COUNT, shop_id, tables, [tally.live[name] for name in tables], [tally.deleted[name] for name in tables])


async def batches(page: Page) -> Batches:
    """The documents of a page in batches that are worth a statement, with the start of their request."""
    async for documents in gathered(page.rows):
        yield page.asked_at, documents


async def gathered(rows: Rows) -> AsyncIterator[list[Document]]:
    """Pieces, a few together, so that there are about as many documents as a statement is worth. Bad rows come as documents with a mark."""
    waiting: list[Document] = []
    pieces = 0
    async for piece in rows.pieces():
        told = [{BAD: row.reason, RAW: row.raw} if isinstance(row, BadRow) else row for row in piece]
        waiting, pieces = [*waiting, *told] if waiting else told, pieces + 1
        while len(waiting) >= _ENOUGH or (waiting and pieces >= _PIECES):
            yield waiting[:_AT_MOST]
            waiting, pieces = waiting[_AT_MOST:], 0
    if waiting:
        yield waiting
