"""The document merge alone: pages of order rows out of memory into PostgreSQL, against a hand-written COPY and upsert in the same run.

Usage: python benchmarks/ingest_core.py [--rows 100000] [--repeat 3] [--decode] [--dsn postgresql://…] [--major 18]
With --decode every walk over the rows also decodes them from JSON, as the transport does for big pages (about 5 us a row, for both).
Without --dsn the tests' server is used (fsync off). The table wb.orders of the database is emptied.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from mpsyncd.model.naming import snake
from mpsyncd.model.page import Page
from mpsyncd.model.work import Committed
from mpsyncd.sources.wildberries.orders import ORDERS
from mpsyncd.storage.documents import Catalog, write_page
from mpsyncd.storage.pool import connect

ROOT = Path(__file__).parents[1]
PAGE, PIECE = 80_000, 256_000
START = datetime(2026, 11, 1, tzinfo=UTC)
MOMENTS = ("date", "lastChangeDate", "cancelDate")
NUMBERS = ("totalPrice", "discountPercent", "spp", "finishedPrice", "priceWithDisc")


def order(number: int, dice: random.Random) -> dict[str, Any]:
    """One invented order as the vendor spells it: 27 fields, about 800 bytes."""
    changed = START + timedelta(seconds=number)
    price, discount = dice.randrange(500, 20_000), dice.randrange(70)
    return {
        "date": (changed - timedelta(hours=2)).isoformat()[:19],
        "lastChangeDate": changed.isoformat()[:19],
        "warehouseName": dice.choice(("Коледино", "Казань", "Электросталь")),
        "warehouseType": "Склад WB",
        "countryName": "Россия",
        "oblastOkrugName": "Центральный федеральный округ",
        "regionName": "Калужская область",
        "supplierArticle": f"лампа-{number % 500}",
        "nmId": 100_000_000 + number % 500,
        "barcode": f"20{number:011d}",
        "category": "Дом",
        "subject": "Светильники",
        "brand": "Тихий дом",
        "techSize": "0",
        "incomeID": number % 1000,
        "isSupply": False,
        "isRealization": True,
        "totalPrice": price,
        "discountPercent": discount,
        "spp": dice.randrange(30),
        "finishedPrice": round(price * (95 - discount) / 100, 2),
        "priceWithDisc": round(price * (100 - discount) / 100, 2),
        "isCancel": False,
        "cancelDate": "0001-01-01T00:00:00",
        "sticker": str(number * 7),
        "gNumber": str(90_000_000_000 + number),
        "srid": f"{hashlib.sha256(str(number).encode()).hexdigest()[:32]}.0.0",
    }


@dataclass(frozen=True, slots=True)
class Cut:
    """A page in pieces of about 256 KB: decoded, or as JSON that is decoded when it is walked."""

    pieces_: tuple[list[dict[str, Any]] | bytes, ...]
    count: int
    last: None = None

    async def pieces(self) -> AsyncIterator[list[dict[str, Any]]]:
        for piece in self.pieces_:
            yield orjson.loads(piece) if isinstance(piece, bytes) else piece
            await asyncio.sleep(0)

    async def close(self) -> None:
        return


def cut(rows: list[dict[str, Any]], *, decode: bool) -> Cut:
    size = max(1, PIECE * len(rows) // len(orjson.dumps(rows)))
    pieces = [rows[first : first + size] for first in range(0, len(rows), size)]
    return Cut(tuple(map(orjson.dumps, pieces) if decode else pieces), len(rows))


class ByHand:
    """What a careful programmer would write for this one table: typed records by binary COPY, then one upsert a page."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection
        told = tuple(order(0, random.Random(1)))
        self._columns = ["shop_id", *map(snake, told), "row_hash", "first_seen_at", "synced_at"]
        data = [name for name in self._columns if name not in {"shop_id", "srid", "first_seen_at"}]
        names = ", ".join(self._columns)
        self._upsert = f"INSERT INTO wb.orders ({names}) SELECT {names} FROM staged ON CONFLICT (shop_id, srid) DO UPDATE SET " + ", ".join(
            f"{name} = excluded.{name}" for name in data
        )

    async def write(self, rows: Cut, asked_at: datetime) -> None:
        connection = self._connection
        async with connection.transaction():
            await connection.execute("CREATE TEMP TABLE staged (LIKE wb.orders) ON COMMIT DROP")
            async for piece in rows.pieces():
                records = [(1, *self._typed(row), b"", asked_at, asked_at) for row in piece]
                await connection.copy_records_to_table("staged", records=records, columns=self._columns)
            await connection.execute(self._upsert)

    def _typed(self, told: dict[str, Any]) -> list[Any]:
        row = dict(told)
        for name in MOMENTS:
            moment = row[name]
            row[name] = None if moment.startswith("0001") else datetime.fromisoformat(moment + "+03:00")
        for name in NUMBERS:
            row[name] = Decimal(str(row[name]))
        return list(row.values())


class Merge:
    """The merge under test, one transaction a page."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record], catalog: Catalog) -> None:
        self._connection = connection
        self._catalog = catalog
        self.done = Committed()

    async def write(self, rows: Cut, asked_at: datetime) -> None:
        page = Page(rows=rows, cursor=None, last=False, asked_at=asked_at)
        async with self._connection.transaction():
            self.done = await write_page(self._connection, self._catalog, shop_id=1, stream=ORDERS, page=page, run_id=None, walk_id=None)


async def timed(name: str, connection: Any, write: Callable[[Cut, datetime], Awaitable[None]], pages: list[Cut], at: datetime) -> float:
    """Write all pages; print and return rows a second."""
    await connection.execute("CHECKPOINT")
    wal = await connection.fetchval("SELECT pg_current_wal_insert_lsn()::text")
    longest, stop = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        while not stop.is_set():
            before = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - before)
            await asyncio.sleep(0.001)

    watching = asyncio.create_task(watch())
    processor, since = time.process_time(), time.perf_counter()
    for rows in pages:
        await write(rows, at)
    seconds, busy = time.perf_counter() - since, time.process_time() - processor
    stop.set()
    await watching
    grown = await connection.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1::text::pg_lsn)", wal)
    count = sum(rows.count for rows in pages)
    print(
        f"{name:<24}{count / seconds:>10,.0f} rows/s   python {busy / count * 1e6:5.1f} us/row   "
        f"WAL {float(grown) / count / 10:8.2f} MB per 100k   longest turn {longest * 1000:.0f} ms",
        flush=True,
    )
    return count / seconds


async def run(dsn: str, *, count: int, repeat: int, decode: bool) -> None:
    connection = await connect(dsn)
    await connection.execute(
        "TRUNCATE wb.orders; INSERT INTO mpsync.shops (customer_id, source, name, lease_group) "
        "SELECT 1, 'wildberries', 'benchmark', 'benchmark' WHERE NOT EXISTS (SELECT FROM mpsync.shops)"
    )
    catalog = await Catalog.load(connection, ORDERS.tables)
    dice = random.Random(5)
    rows = [order(number, dice) for number in range(count)]
    pages = [cut(rows[first : first + PAGE], decode=decode) for first in range(0, count, PAGE)]
    some = [{**row, "isCancel": True} if number % 10 == 0 else row for number, row in enumerate(rows)]
    changed = [cut(some[first : first + PAGE], decode=decode) for first in range(0, count, PAGE)]
    del rows, some
    gc.freeze()  # what stands ready before the first write is not searched for garbage again and again
    merge, by_hand = Merge(connection, catalog), ByHand(connection)
    best: dict[str, float] = {}
    for _ in range(repeat):
        for name, write, what, truncate in (
            ("by hand, first", by_hand.write, pages, True),
            ("by hand, unchanged", by_hand.write, pages, False),
            ("merge, first", merge.write, pages, True),
            ("merge, unchanged", merge.write, pages, False),
            ("merge, 10 % changed", merge.write, changed, False),
        ):
            if truncate:
                await connection.execute("TRUNCATE wb.orders")
                await connection.execute("DELETE FROM mpsync.table_counts")
            best[name] = max(best.get(name, 0.0), await timed(name, connection, write, what, START + timedelta(days=30 + len(best))))
        if await connection.fetchval("SELECT count(*) FROM wb.orders") != count:
            raise SystemExit("the table does not hold the rows that were written")
    print(f"first load: {best['merge, first'] / best['by hand, first']:.2f} x by hand (best of {repeat})")
    print(f"unchanged:  {best['merge, unchanged'] / best['by hand, unchanged']:.2f} x by hand")
    await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--decode", action="store_true")
    parser.add_argument("--dsn")
    parser.add_argument("--major", type=int, default=18)
    told = parser.parse_args()
    if told.dsn:
        asyncio.run(run(told.dsn, count=told.rows, repeat=told.repeat, decode=told.decode))
        return
    sys.path.insert(0, str(ROOT / "tests"))
    from conftest import migrate  # noqa: PLC0415 - only there without --dsn
    from support.postgres import PgServer  # noqa: PLC0415

    with PgServer(told.major, migrate=migrate) as server, suppress(KeyboardInterrupt):
        asyncio.run(run(server.create(migrated=True), count=told.rows, repeat=told.repeat, decode=told.decode))


if __name__ == "__main__":
    main()
