"""Compares tables with what the sandbox knows to be true, column by column. Reads both sides, changes neither."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import aiohttp
import orjson

from mpsyncd.model.errors import BadData
from mpsyncd.storage.pool import Connection

Row = Mapping[str, Any]

_TABLE = re.compile(r"[a-z_]+\.[a-z_]+")
_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not equal: a row that is missing or should not be there, or a column of a row."""

    key: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How one table of one shop came out. `parked` is why it was not to be filled; such a table must be empty."""

    shop: str
    table: str
    rows: int
    true_rows: int
    first_day: date | None = None
    last_day: date | None = None
    missing: int = 0
    extra: int = 0
    differing: int = 0
    columns: tuple[str, ...] = ()
    examples: tuple[Difference, ...] = ()
    parked: str | None = None

    @property
    def equal(self) -> bool:
        """Whether the table holds the truth, or what is expected of a parked stream: nothing."""
        if self.parked is not None:
            return self.rows == 0
        return not (self.missing or self.extra or self.differing)


async def true_rows(client: aiohttp.ClientSession, *, seller: str, table: str) -> AsyncIterator[Row]:
    """The rows of one table as the sandbox knows them, one after the other."""
    async with client.get(f"/_truth/{seller}/{table}", params={"stream": "1"}) as answer:
        answer.raise_for_status()
        async for line in answer.content:
            yield orjson.loads(line)


async def true_tables(client: aiohttp.ClientSession) -> list[str]:
    """Names of the tables that the sandbox can vouch for."""
    async with client.get("/_truth") as answer:
        answer.raise_for_status()
        content: dict[str, list[str]] = await answer.json()
    return content["tables"] + content.get("company_tables", [])


async def stored_rows(connection: Connection, table: str, *, shop_id: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Live rows of a shop, and the type of every column."""
    if not _TABLE.fullmatch(table):
        message = f"{table!r} is no name of a table"
        raise BadData(message)
    types = {row["attname"]: row["kind"] for row in await connection.fetch(_COLUMNS, table)}
    live = " AND deleted_at IS NULL" if "deleted_at" in types else ""
    # The name passed the pattern above and comes from the program's own declarations.
    records = await connection.fetch(f"SELECT * FROM {table} WHERE shop_id = $1{live}", shop_id)  # noqa: S608
    return [dict(record) for record in records], types


def of_living(
    parts: Sequence[dict[str, Any]], documents: Sequence[Row], *, key: Sequence[str], part_key: Sequence[str]
) -> list[dict[str, Any]]:
    """The parts of documents that live: a deleted one keeps its last parts in the table, and the truth knows nothing of them.

    `part_key` begins with the columns that hold the document's `key`, under names of their own.
    """
    living = {_key(document, key) for document in documents}
    return [part for part in parts if _key(part, part_key[: len(key)]) in living]


_COLUMNS = """
SELECT attname, format_type(atttypid, NULL) AS kind FROM pg_attribute
WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
"""


def compare(
    *, shop: str, table: str, key: Sequence[str], truth: Sequence[Row], stored: Sequence[Row], types: Mapping[str, str], day: str | None
) -> Comparison:
    """Put both sides next to each other. Rows that the vendor shows no more (`_left`) may stand in the table or not.

    Columns of `_may_lack` are not told by every way of reading the row, so null is as good as the true value. Rows with `_unnamed` have no
    key but one that is made here of those columns: rows of equal content are counted.
    """
    if truth and "_unnamed" in truth[0]:
        key, truth, stored = _numbered(truth, stored, types=types, unnamed=truth[0]["_unnamed"])
    expected = {_key(row, key): row for row in truth if not row.get("_left")}
    gone = {_key(row, key) for row in truth if row.get("_left") and row.keys() >= set(key)}
    found = {_key(row, key): row for row in stored}
    missing = [name for name in expected if name not in found]
    extra = [name for name in found if name not in expected and name not in gone]
    differing = {name: columns for name in expected if name in found and (columns := list(_unequal(expected[name], found[name], types)))}
    days = sorted(_day(row[day]) for row in stored if row.get(day) is not None) if day is not None else []
    examples = [
        *(Difference(key=" ".join(name), what="missing") for name in missing[:_EXAMPLES]),
        *(Difference(key=" ".join(name), what="should not be there") for name in extra[:_EXAMPLES]),
        *(
            Difference(key=" ".join(name), what=f"{column} is {_short(found[name].get(column))}, true is {_short(expected[name][column])}")
            for name, columns in list(differing.items())[:_EXAMPLES]
            for column in columns
        ),
    ]
    return Comparison(
        shop=shop, table=table, rows=len(found), true_rows=len(expected), missing=len(missing), extra=len(extra), differing=len(differing),
        first_day=days[0] if days else None, last_day=days[-1] if days else None,
        columns=tuple(sorted({column for columns in differing.values() for column in columns})), examples=tuple(examples),
    )  # fmt: skip


def _unequal(truth: Row, stored: Row, types: Mapping[str, str]) -> Iterator[str]:
    for column, value in truth.items():
        if (
            column.startswith("_")
            or (column == "deleted" and isinstance(value, bool))
            or (stored.get(column) is None and column in truth.get("_may_lack", ()))
        ):
            continue
        if column not in stored or not same(value, stored[column], kind=types[column]):
            yield column


def same(truth: Any, stored: Any, *, kind: str) -> bool:
    """Whether a true value (JSON, moments and decimals as texts) and a stored one of PostgreSQL type `kind` are the same."""
    if truth is None or stored is None:
        return truth is None and stored is None
    match kind:
        case "timestamp with time zone":
            return bool(datetime.fromisoformat(truth) == stored)
        case "date":
            return bool(date.fromisoformat(truth) == stored)
        case "numeric":
            return bool(_decimal(truth) == stored)
        case "jsonb":
            return bool(_canonical(truth) == _canonical(stored))
        case _:
            return bool(truth == stored)


def _numbered(
    truth: Sequence[Row], stored: Sequence[Row], *, types: Mapping[str, str], unnamed: Sequence[str]
) -> tuple[Sequence[str], list[Row], list[Row]]:
    """Both sides with a key made of their content and of how often it was met before."""
    columns = [column for column in truth[0] if not column.startswith("_") and column not in unnamed]

    def named(rows: Sequence[Row]) -> Iterator[Row]:
        met: Counter[str] = Counter()
        for row in rows:
            content = " ".join(str(_comparable(row[column], types[column])) for column in columns)
            yield {**row, "_name": content, "_number": met[content]}
            met[content] += 1

    return ("_name", "_number"), list(named(truth)), list(named(stored))


def _comparable(value: Any, kind: str) -> Any:
    match value:
        case str() if kind == "timestamp with time zone":
            return datetime.fromisoformat(value).astimezone(UTC)
        case datetime():
            return value.astimezone(UTC)
        case None:
            return None
        case _ if kind == "numeric":
            return Decimal(str(value)).normalize()
        case _:
            return value


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _canonical(value: Any) -> Any:
    """JSON with numbers that compare by value but never equal a truth value or a text."""
    match value:
        case bool() | None:
            return ("constant", value)
        case int() | float():
            return Decimal(str(value))
        case Mapping():
            return {key: _canonical(each) for key, each in value.items()}
        case list() | tuple():
            return [_canonical(each) for each in value]
        case _:
            return value


def _key(row: Row, key: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(row[column]) for column in key)


def _day(value: datetime | date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"  # noqa: PLR2004 - a line of a terminal
