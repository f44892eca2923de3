"""What somebody writes who needs only this table: decode a page, COPY it into a temporary table, INSERT … ON CONFLICT DO UPDATE."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import aiohttp
import asyncpg
import orjson
from kit.children import arguments_after, tell
from kit.cost import peak, processor

MOSCOW = timezone(timedelta(hours=3))


def moment(text: str) -> datetime | None:
    return None if text.startswith("0001-") else datetime.fromisoformat(text).replace(tzinfo=MOSCOW)


def same(value: Any) -> Any:
    return value


def money(value: float) -> Decimal:
    return Decimal(str(value))


COLUMNS: tuple[tuple[str, str, str, Callable[[Any], Any]], ...] = (
    ("srid", "srid", "text", same),
    ("date", "date", "timestamptz", moment),
    ("lastChangeDate", "last_change_date", "timestamptz", moment),
    ("warehouseName", "warehouse_name", "text", same),
    ("warehouseType", "warehouse_type", "text", same),
    ("countryName", "country_name", "text", same),
    ("oblastOkrugName", "oblast_okrug_name", "text", same),
    ("regionName", "region_name", "text", same),
    ("supplierArticle", "supplier_article", "text", same),
    ("nmId", "nm_id", "bigint", same),
    ("barcode", "barcode", "text", same),
    ("category", "category", "text", same),
    ("subject", "subject", "text", same),
    ("brand", "brand", "text", same),
    ("techSize", "tech_size", "text", same),
    ("incomeID", "income_id", "bigint", same),
    ("isSupply", "is_supply", "boolean", same),
    ("isRealization", "is_realization", "boolean", same),
    ("totalPrice", "total_price", "numeric", money),
    ("discountPercent", "discount_percent", "numeric", money),
    ("spp", "spp", "numeric", money),
    ("finishedPrice", "finished_price", "numeric", money),
    ("priceWithDisc", "price_with_disc", "numeric", money),
    ("isCancel", "is_cancel", "boolean", same),
    ("cancelDate", "cancel_date", "timestamptz", moment),
    ("sticker", "sticker", "text", same),
    ("gNumber", "g_number", "text", same),
)
NAMES = [name for _, name, _, _ in COLUMNS]
TABLE = f"""
CREATE TABLE IF NOT EXISTS orders (
    shop_id bigint NOT NULL DEFAULT 1, {", ".join(f"{name} {kind}" for _, name, kind, _ in COLUMNS)}, PRIMARY KEY (shop_id, srid)
);
CREATE INDEX IF NOT EXISTS orders_date_ix ON orders (shop_id, date);
CREATE TEMP TABLE page (LIKE orders INCLUDING DEFAULTS);
"""
MERGE = f"""
INSERT INTO orders (shop_id, {", ".join(NAMES)}) SELECT shop_id, {", ".join(NAMES)} FROM page
ON CONFLICT (shop_id, srid) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in NAMES[1:])}
"""


async def load(connection: asyncpg.Connection[Any], url: str) -> int:
    """Page by page, one transaction each; how many rows."""
    since, count = "2020-01-01T00:00:00", 0
    async with aiohttp.ClientSession() as session:
        while True:
            where = f"{url}/wb/statistics-api/api/v1/supplier/orders"
            async with session.get(where, params={"dateFrom": since, "flag": "0"}) as answer:
                page = orjson.loads(await answer.read())
            if not page:
                return count
            records = [tuple(cure(row[key]) for key, _, _, cure in COLUMNS) for row in page]
            async with connection.transaction():
                await connection.execute("TRUNCATE page")
                await connection.copy_records_to_table("page", columns=NAMES, records=records)
                await connection.execute(MERGE)
            since, count = page[-1]["lastChangeDate"], count + len(page)


async def main(dsn: str, url: str, phase: str) -> None:
    """Load and tell."""
    del phase
    connection = await asyncpg.connect(dsn)
    await connection.execute(TABLE)
    used, began = processor(), time.perf_counter()
    rows = await load(connection, url)
    tell(rows=rows, seconds=time.perf_counter() - began, peak=peak(), processor=processor() - used)
    await connection.close()


if __name__ == "__main__":
    asyncio.run(main(**arguments_after(sys.argv, "dsn", "url", "phase")))
