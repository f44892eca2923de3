"""Tables, streams and pages for tests of the document merge, and a connection that behaves like the store's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from mpsyncd.model.page import Page, Slice, SliceKind
from mpsyncd.model.request import Document, Row
from mpsyncd.model.stream import Stream, Table, Write
from mpsyncd.model.work import Committed
from mpsyncd.storage.documents import Catalog, retry_rejected, sweep_walk, write_page
from mpsyncd.storage.pool import connect

DAY = datetime(2026, 11, 1, tzinfo=UTC)
COMMON = "extra jsonb, row_hash bytea NOT NULL, first_seen_at timestamptz NOT NULL, synced_at timestamptz NOT NULL"
TABLES = f"""
CREATE SCHEMA lab;
CREATE TABLE lab.things (
    shop_id bigint NOT NULL, id bigint NOT NULL, title text, amount integer, price numeric(8, 2), rate double precision, flag boolean,
    at timestamptz, day date, tags text[], counts bigint[], body jsonb, short varchar(5), code uuid, must text DEFAULT 'x',
    version bigint, {COMMON}, deleted_at timestamptz, CONSTRAINT things_pk PRIMARY KEY (shop_id, id)
);
CREATE INDEX things_title_ix ON lab.things (shop_id, title);
CREATE TABLE lab.thing_sizes (
    shop_id bigint NOT NULL, thing_id bigint NOT NULL, name text NOT NULL, stock integer, position integer, thing_title text, {COMMON},
    CONSTRAINT thing_sizes_pk PRIMARY KEY (shop_id, thing_id, name)
);
CREATE INDEX thing_sizes_stock_ix ON lab.thing_sizes (shop_id, stock);
CREATE TABLE lab.thing_tags (
    shop_id bigint NOT NULL, thing_id bigint NOT NULL, place integer NOT NULL, value text, {COMMON}, PRIMARY KEY (shop_id, thing_id, place)
);
CREATE TABLE lab.pairs (
    shop_id bigint NOT NULL, day date NOT NULL, code text NOT NULL, amount integer, {COMMON}, deleted_at timestamptz,
    PRIMARY KEY (shop_id, day, code)
);
CREATE TABLE lab.bins (
    shop_id bigint NOT NULL, id bigint NOT NULL, {COMMON}, deleted_at timestamptz, PRIMARY KEY (shop_id, id)
);
CREATE TABLE lab.stocks (
    shop_id bigint NOT NULL, id bigint NOT NULL, amount integer, {COMMON}, deleted_at timestamptz, PRIMARY KEY (shop_id, id)
);
CREATE TABLE lab.stocks_history (
    shop_id bigint NOT NULL, id bigint NOT NULL, amount integer, extra jsonb, row_hash bytea NOT NULL, valid_from timestamptz NOT NULL,
    gone boolean NOT NULL, CONSTRAINT stocks_history_pk PRIMARY KEY (shop_id, id, valid_from)
);
CREATE TABLE lab.stock_places (
    shop_id bigint NOT NULL, stock_id bigint NOT NULL, name text NOT NULL, amount integer, {COMMON}, PRIMARY KEY (shop_id, stock_id, name)
);
CREATE TABLE lab.stock_places_history (
    shop_id bigint NOT NULL, stock_id bigint NOT NULL, name text NOT NULL, amount integer, extra jsonb, row_hash bytea NOT NULL,
    valid_from timestamptz NOT NULL, gone boolean NOT NULL, PRIMARY KEY (shop_id, stock_id, name, valid_from)
);
CREATE TABLE lab.spends (
    shop_id bigint NOT NULL, content text NOT NULL, number integer NOT NULL, day date, amount integer, {COMMON}, deleted_at timestamptz,
    PRIMARY KEY (shop_id, content, number)
);
"""

THING = Table(name="lab.things", key=("id",))
SIZES = Table(
    name="lab.thing_sizes",
    key=("thing_id", "name"),
    part_of="lab.things",
    at="sizes",
    carry={"thing_id": "id", "thing_title": "title"},
    position="position",
)
TAGS = Table(
    name="lab.thing_tags", key=("thing_id", "place"), part_of="lab.things", at="labels", carry={"thing_id": "id"}, position="place"
)
PAIRS = Table(name="lab.pairs", key=("day", "code"))
BINS = Table(name="lab.bins", key=("id",))
STOCKS = Table(name="lab.stocks", key=("id",), write=Write.SNAPSHOT)
PLACES = Table(
    name="lab.stock_places",
    key=("stock_id", "name"),
    part_of="lab.stocks",
    at="places",
    carry={"stock_id": "id"},
    write=Write.SNAPSHOT,
)
SPENDS = Table(name="lab.spends", key=("content", "number"), numbered=("content", "number"), write=Write.APPEND)


async def _nothing(_api: Any, _part: Any) -> AsyncIterator[Page]:
    for told in list[Page]():
        yield told


def stream(*tables: Table, tombstones: str | None = None) -> Stream:
    """A stream over these tables, never read."""
    return Stream(name="lab", tables=tables, read=_nothing, schedule="daily", tombstones=tombstones)


THINGS = stream(THING)


@dataclass
class PiecedRows:
    """Rows in pieces of `size`; breaks with `error` after the last one if there is one."""

    rows: Sequence[Row]
    size: int = 400
    error: BaseException | None = None
    walked: int = 0

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def last(self) -> Document | None:
        return next((row for row in reversed(self.rows) if isinstance(row, dict)), None)

    async def pieces(self) -> AsyncIterator[list[Row]]:
        self.walked += 1
        for first in range(0, len(self.rows), self.size):
            yield list(self.rows[first : first + self.size])
        if self.error is not None:
            raise self.error

    async def close(self) -> None:
        return


def moment(minutes: float) -> datetime:
    """So many minutes after the beginning of the tests' time."""
    return DAY + timedelta(minutes=minutes)


def page(rows: Iterable[Row], *, at: float = 1, last: bool = False, size: int = 400) -> Page:
    """A page that was asked for at minute `at`."""
    return Page(rows=PiecedRows(list(rows), size), cursor=None, last=last, asked_at=moment(at))


@dataclass
class Lab:
    """A database with the tests' tables, one shop, one connection; each verb is one transaction, as in the store."""

    conn: asyncpg.Connection[asyncpg.Record]
    catalog: Catalog
    shop_id: int
    stream: Stream

    async def use(self, told: Stream, *others: Table) -> Lab:
        """The same database under other declarations."""
        return replace(self, catalog=await Catalog.load(self.conn, (*told.tables, *others)), stream=told)

    async def write(self, *rows: Row, at: float = 1, walk_id: int | None = None, size: int = 400, **more: Any) -> Committed:
        """Merge rows asked for at minute `at`."""
        return await self.commit(page(rows, at=at, size=size, last=more.pop("last", False)), walk_id=walk_id, **more)

    async def commit(self, told: Page, *, walk_id: int | None = None, part: Slice | None = None) -> Committed:
        """Merge a page."""
        async with self.conn.transaction():
            return await write_page(
                self.conn, self.catalog, shop_id=self.shop_id, stream=self.stream, page=told, run_id=None, walk_id=walk_id, part=part
            )

    async def walk(self, at: float) -> int:
        """Begin a walk at minute `at`."""
        return int(
            await self.conn.fetchval(
                "INSERT INTO mpsync.walks (slice_id, started_at) VALUES ($1, $2) RETURNING walk_id", await self.slice_id(), moment(at)
            )
        )

    async def slice_id(self) -> int:
        """A new slice of a feed of the shop."""
        return int(
            await self.conn.fetchval(
                "WITH f AS (INSERT INTO mpsync.feeds (shop_id, stream, lane, next_due_at) VALUES ($1, 'lab', 'live', now()) "
                "ON CONFLICT (shop_id, stream, lane) DO UPDATE SET reason = NULL RETURNING feed_id) "
                "INSERT INTO mpsync.slices (feed_id, kind, created_at) SELECT feed_id, 'walk', now() FROM f RETURNING slice_id",
                self.shop_id,
            )
        )

    async def part(self, **key: Any) -> Slice:
        """A window that is written down."""
        return Slice(slice_id=await self.slice_id(), kind=SliceKind.WINDOW, now=DAY, key=key)

    async def sweep(self, walk_id: int, *, at: float, share: float = 1.0, force: bool = False) -> Committed:
        """End the walk that began at minute `at`."""
        async with self.conn.transaction():
            return await sweep_walk(
                self.conn,
                self.catalog,
                shop_id=self.shop_id,
                stream=self.stream,
                walk_id=walk_id,
                started_at=moment(at),
                share=share,
                force=force,
                run_id=None,
            )

    async def retry(self) -> Committed:
        """Feed in every rejected row again."""
        ids = [row["rejected_id"] for row in await self.conn.fetch("SELECT rejected_id FROM mpsync.rejected_rows")]
        async with self.conn.transaction():
            return await retry_rejected(self.conn, self.catalog, self.stream, ids)

    async def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query gives, as plain tuples."""
        return [tuple(row) for row in await self.conn.fetch(sql, *values)]

    async def rejected(self) -> list[tuple[Any, ...]]:
        """(table, key, reason, times) of every rejected row, oldest first."""
        return await self.rows("SELECT table_name, object_key, reason, times FROM mpsync.rejected_rows ORDER BY rejected_id")

    async def assert_counts(self) -> None:
        """The kept counts are those of the tables."""
        kept = {row[0]: row[1:] for row in await self.rows("SELECT table_name, live, deleted FROM mpsync.table_counts")}
        for name, shape in self.catalog.shapes.items():
            dead = "count(*) FILTER (WHERE deleted_at IS NOT NULL)" if shape.table.part_of is None else "0::bigint"
            [(total, deleted)] = await self.rows(f"SELECT count(*), {dead} FROM {name} WHERE shop_id = $1", self.shop_id)
            assert kept.get(name, (0, 0)) == (total - deleted, deleted), name


@asynccontextmanager
async def lab(dsn: str, told: Stream = THINGS) -> AsyncIterator[Lab]:
    """A lab on a migrated database that has no lab yet."""
    conn = await connect(dsn)
    try:
        if not await conn.fetchval("SELECT to_regclass('lab.things') IS NOT NULL"):
            await conn.execute(TABLES)
        shop_id = await conn.fetchval(
            "INSERT INTO mpsync.shops (customer_id, source, name, lease_group) "
            "VALUES (1, 'wildberries', gen_random_uuid()::text, 'lab') RETURNING shop_id"
        )
        yield Lab(conn, await Catalog.load(conn, told.tables), shop_id, told)
    finally:
        await conn.close()
