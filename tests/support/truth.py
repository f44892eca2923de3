"""Compares tables with the sandbox's truth, every column. Knows neither the program nor its own comparer (`mpsyncd demo --once`)."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp
import asyncpg

KEYS: Mapping[str, tuple[str, ...]] = {
    "wb.orders": ("srid",),
    "wb.cards": ("nm_id",),
    "wb.card_sizes": ("nm_id", "chrt_id"),
    "wb.card_photos": ("nm_id", "position"),
    "wb.card_characteristics": ("nm_id", "id"),
    "wb.trashed_cards": ("nm_id",),
    "wb.sales": ("sale_id",),
    "wb.order_feed": ("srid",),
    "wb.prices": ("nm_id",),
    "wb.price_sizes": ("nm_id", "size_id"),
    "wb.stocks": ("nm_id", "chrt_id", "warehouse_id", "warehouse_name", "region_name"),
    "wb.seller_stocks": ("nm_id", "chrt_id", "warehouse_id", "warehouse_name", "region_name"),
    "wb.warehouses": ("id",),
    "wb.offices": ("id",),
    "wb.funnel": ("nm_id", "day"),
    "wb.product_totals": ("nm_id",),
    "wb.finance": ("rrd_id",),
    "wb.finance_reports": ("report_id",),
    "wb.acquiring": ("rrd_id",),
    "wb.acquiring_reports": ("report_id",),
    "wb.balance": ("currency",),
    "wb.campaigns": ("id",),
    "wb.campaign_products": ("advert_id", "nm_id"),
    "wb.campaign_days": ("advert_id", "date"),
    "wb.campaign_apps": ("advert_id", "date", "app_type"),
    "wb.campaign_nms": ("advert_id", "date", "app_type", "nm_id"),
    "wb.campaign_spend": ("content", "number"),
    "wb.campaign_payments": ("id", "type"),
    "wb.advert_balance": ("currency",),
    "wb.campaign_budgets": ("advert_id",),
    "wb.chats": ("chat_id",),
    "wb.chat_events": ("event_id",),
    "wb.questions": ("id",),
    "wb.feedbacks": ("id",),
    "wb.claims": ("id",),
    "wb.item_returns": ("srid",),
}
"""Every table with the columns that tell its rows apart within a shop."""

PARTS: Mapping[str, str] = {
    "wb.card_sizes": "nm_id IN (SELECT nm_id FROM wb.cards WHERE shop_id = $1 AND deleted_at IS NULL)",
    "wb.card_photos": "nm_id IN (SELECT nm_id FROM wb.cards WHERE shop_id = $1 AND deleted_at IS NULL)",
    "wb.card_characteristics": "nm_id IN (SELECT nm_id FROM wb.cards WHERE shop_id = $1 AND deleted_at IS NULL)",
    "wb.price_sizes": "nm_id IN (SELECT nm_id FROM wb.prices WHERE shop_id = $1 AND deleted_at IS NULL)",
    "wb.campaign_products": "advert_id IN (SELECT id FROM wb.campaigns WHERE shop_id = $1 AND deleted_at IS NULL)",
}
"""Tables of parts with what lives of their documents: a deleted card keeps its last parts, and the truth knows those of living cards."""

OWN_COLUMNS = frozenset({"shop_id", "extra", "row_hash", "first_seen_at", "synced_at", "deleted_at", "is_stub"})
"""What the program adds to what the vendor says."""
MOMENT, NUMBER = "timestamp with time zone", "numeric"
SHOWN = 10

Row = dict[str, Any]


def differences(
    key: Sequence[str], *, truth: Sequence[Row], stored: Sequence[Row], kinds: Mapping[str, str], extra_expected: bool = False
) -> list[str]:
    """Everything that is not equal, in words. `stored` has all rows, deleted ones too; `kinds` the SQL type of every column.

    A true row with `_left` is shown no more: it need not be there, and a card in the bin (`deleted`) must not be alive. Columns of
    `_may_lack` are not told by every way of reading a row, so null is as good as the true value. Rows that no column tells apart
    (`_unnamed`) are counted.
    """
    if any("_unnamed" in row for row in truth):
        return _uncounted(truth, stored, kinds)
    found = {_name(row, key): row for row in stored}
    wanted = {_name(row, key): row for row in truth}
    told = [f"{len(stored) - len(found)} rows twice"] if len(found) != len(stored) else []
    for name, row in found.items():
        if row.get("deleted_at") is None and name not in wanted:
            told.append(f"{name}: should not be there")
    for name, true in wanted.items():
        row = found.get(name, {})
        alive = bool(row) and row.get("deleted_at") is None
        if true.get("_left"):
            told += [f"{name}: is alive and should be deleted"] if alive and true.get("deleted") else []
        elif not alive:
            told.append(f"{name}: is {'deleted' if row else 'missing'}")
        else:
            told += [f"{name}: {difference}" for difference in _unequal(true, row, kinds, extra_expected=extra_expected)]
    return told


def _uncounted(truth: Sequence[Row], stored: Sequence[Row], kinds: Mapping[str, str]) -> list[str]:
    """What there are more or fewer of than there should be, of rows that are told apart by nothing but what they say."""
    made = {column for row in truth for column in row.get("_unnamed", ())}
    wanted = Counter(_said(row, kinds, made) for row in truth)
    there = Counter(_said(row, kinds, made) for row in stored if row.get("deleted_at") is None)
    return [
        *(f"{row}: {count} missing" for row, count in (wanted - there).items()),
        *(f"{row}: {count} should not be there" for row, count in (there - wanted).items()),
    ]


def _said(row: Row, kinds: Mapping[str, str], made: set[str]) -> str:
    told = {column: value for column, value in row.items() if column not in OWN_COLUMNS | made and not column.startswith("_")}
    for column, value in told.items():
        if value is not None and kinds[column] == MOMENT:
            told[column] = datetime.fromisoformat(value).astimezone(UTC).isoformat()
        if value is not None and kinds[column] == NUMBER:
            told[column] = str(Decimal(value).normalize())
    return json.dumps(told, sort_keys=True, ensure_ascii=False, default=str)


def _name(row: Row, key: Sequence[str]) -> str:
    return " ".join(str(row[column]) for column in key)


def _unequal(true: Row, row: Row, kinds: Mapping[str, str], *, extra_expected: bool) -> Iterator[str]:
    lacking = {column for column in true.get("_may_lack", ()) if row.get(column) is None}
    remarks = lacking | ({"deleted"} - kinds.keys())  # a campaign has a column of this name
    expected = {column: value for column, value in true.items() if not column.startswith("_") and column not in remarks}
    row = {column: value for column, value in row.items() if column not in lacking}
    for column in sorted(expected.keys() ^ (row.keys() - OWN_COLUMNS)):
        yield f"column {column} is on one side only"
    for column in sorted(expected.keys() & row.keys()):
        if not _same(expected[column], row[column], kinds[column]):
            yield f"{column} is {row[column]!r}, true is {expected[column]!r}"
    if row.get("extra") and not extra_expected:
        yield f"extra is {row['extra']!r}"


def _same(true: Any, stored: Any, kind: str) -> bool:
    if true is None or stored is None:
        return true is None and stored is None
    if kind == MOMENT:
        return datetime.fromisoformat(true).astimezone(UTC) == datetime.fromisoformat(stored).astimezone(UTC)
    if kind == NUMBER:
        return Decimal(true) == Decimal(stored)
    return bool(_plain(true) == _plain(stored))


def _plain(value: Any) -> Any:
    """Equal for equal JSON: 1 and 1.0 are one number, true and "1" are none."""
    match value:
        case bool():
            return ("flag", value)
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case _:
            return value


async def true_rows(sandbox: str, *, seller: str, table: str) -> list[Row]:
    """The rows of a table as the sandbox at this address knows them now."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{sandbox}/_truth/{seller}/{table}", params={"stream": "1"}) as answer,
    ):
        answer.raise_for_status()
        return [read(line) for line in (await answer.read()).splitlines()]


async def stored_rows(connection: "asyncpg.Connection[asyncpg.Record]", table: str, *, shop_id: int) -> list[Row]:
    """All rows of a shop as PostgreSQL itself writes them in JSON; of parts those of living documents."""
    living = f" AND {PARTS[table]}" if table in PARTS else ""
    records = await connection.fetch(f"SELECT to_jsonb(t)::text FROM {table} t WHERE shop_id = $1{living}", shop_id)
    return [read(record[0]) for record in records]


async def kinds_of(connection: "asyncpg.Connection[asyncpg.Record]", table: str) -> dict[str, str]:
    """The SQL type of every column."""
    schema, _, name = table.partition(".")
    records = await connection.fetch(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2", schema, name
    )
    return {record["column_name"]: record["data_type"] for record in records}


def read(text: str | bytes) -> Row:
    """One row; no digit of a number is lost."""
    row: Row = json.loads(text, parse_float=Decimal)
    return row


async def untrue(
    dsn: str,
    sandbox: str,
    *,
    seller: str,
    shop_id: int,
    tables: Sequence[str] = tuple(KEYS),
    extra_expected: bool = False,
    rejected: int = 0,
) -> list[str]:
    """What is wrong with the tables of a shop, nothing when all is well: rows, columns, live counts, rejected rows."""
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    try:
        told: list[str] = []
        for table in tables:
            truth = await true_rows(sandbox, seller=seller, table=table)
            stored = await stored_rows(connection, table, shop_id=shop_id)
            kinds = await kinds_of(connection, table)
            wrong = differences(KEYS[table], truth=truth, stored=stored, kinds=kinds, extra_expected=extra_expected)
            told += [f"{seller} {table} ({len(stored)} rows, {len(truth)} true): {each}" for each in wrong[:SHOWN]]
            told += [f"{seller} {table}: {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
            told += [] if table in PARTS else await _miscounted(connection, table, stored, shop_id=shop_id)
        refused = await connection.fetch("SELECT reason FROM mpsync.rejected_rows WHERE shop_id = $1", shop_id)
        if len(refused) != rejected:
            told.append(f"{seller}: {len(refused)} rejected rows, for example {refused[0]['reason'] if refused else None}")
        return told
    finally:
        await connection.close()


async def _miscounted(connection: "asyncpg.Connection[asyncpg.Record]", table: str, stored: Sequence[Row], *, shop_id: int) -> list[str]:
    counted = await connection.fetchrow(
        "SELECT live, deleted FROM mpsync.table_counts WHERE shop_id = $1 AND table_name = $2", shop_id, table
    )
    if counted is None:
        return []
    live = sum(row.get("deleted_at") is None for row in stored)
    if (counted["live"], counted["deleted"]) == (live, len(stored) - live):
        return []
    return [f"{table}: counts say {counted['live']} live and {counted['deleted']} deleted, there are {live} and {len(stored) - live}"]
