"""Rows of text into one table: new ones by COPY, changed ones by an upsert, and what PostgreSQL refuses singled out.

COPY straight into the table was the fastest of what was measured, before COPY by way of a temporary table, json_populate_recordset,
jsonb_populate_recordset and typed arrays. Both ways here feed the same text to the same input functions of the column types. Decides
nothing about which row wins.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson

from mpsyncd.model.turns import turn
from mpsyncd.storage.documents.merge import Breath
from mpsyncd.storage.documents.shape import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from mpsyncd.storage.documents.shape import Cells, Item, Shape
    from mpsyncd.storage.pool import Connection

_NULL = "\x02"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", _NULL: "\\x02"})
_TRIES = 48
_MESSAGE = 150
_SHOWN = 200
# 22 data exception, 23 integrity, 54 a limit of the program (a key too long for its index): the row is at fault, not the server.
_ROW_AT_FAULT = ("22", "23", "54")


async def put(
    conn: Connection, shape: Shape, items: Sequence[Item], *, shop_id: int, asked_at: datetime, new: bool
) -> tuple[Sequence[Item], list[Refusal]]:
    """Write rendered items, sorted by key; return those that were written and a refusal for each of the rest.

    Raises:
        asyncpg.PostgresError: what is not the fault of a row.
    """
    if not items:
        return items, []
    try:
        async with conn.transaction():
            if new:
                await _copy(conn, shape, items, shop_id=shop_id, asked_at=asked_at)
            else:
                await _upsert(conn, shape, items, shop_id=shop_id, asked_at=asked_at)
    except asyncpg.PostgresError as error:
        if not _fault_of_row(error):
            raise
        return await _single_out(conn, shape, items, shop_id=shop_id, asked_at=asked_at)
    return items, []


async def _single_out(
    conn: Connection, shape: Shape, items: Sequence[Item], *, shop_id: int, asked_at: datetime
) -> tuple[list[Item], list[Refusal]]:
    """Halve a bounded number of times, then go row by row. The upsert also gets over a row that somebody else inserted."""
    waiting: list[Sequence[Item]] = [items]
    written: list[Item] = []
    refused: list[Refusal] = []
    tries = 0
    while waiting:
        some = waiting.pop()
        tries += 1
        if tries > _TRIES and len(some) > 1:
            waiting += [[one] for one in reversed(some)]
            continue
        try:
            async with conn.transaction():
                await _upsert(conn, shape, some, shop_id=shop_id, asked_at=asked_at)
            written += some
        except asyncpg.PostgresError as error:
            if not _fault_of_row(error):
                raise
            if len(some) == 1:
                refused.append(Refusal(shape, some[0].document, await _reason(conn, shape, some[0], error), some[0].key))
            else:
                middle = len(some) // 2
                waiting += [some[middle:], some[:middle]]
    return written, refused


def _fault_of_row(error: asyncpg.PostgresError) -> bool:
    return (error.sqlstate or "").startswith(_ROW_AT_FAULT)


async def _reason(conn: Connection, shape: Shape, item: Item, error: asyncpg.PostgresError) -> str:
    """What PostgreSQL said, with the column where that can be told."""
    said = str(error)[:_SHOWN]
    column = error.column_name or (await _column(conn, shape, item) if (error.sqlstate or "").startswith("22") else None)
    return f"column {column}: {said}" if column else said


async def _column(conn: Connection, shape: Shape, item: Item) -> str | None:
    """The first column whose text its type refuses, by halving the row; None when no type is to blame."""
    row = _as_json(shape, item)
    suspects = [name for name, cell in row.items() if cell is not None]
    if not await _refused(conn, shape, row, suspects):
        return None
    while len(suspects) > 1:
        half = suspects[: len(suspects) // 2]
        suspects = half if await _refused(conn, shape, row, half) else suspects[len(half) :]
    return suspects[0]


async def _refused(conn: Connection, shape: Shape, row: dict[str, Any], names: Sequence[str]) -> bool:
    try:
        async with conn.transaction():
            await conn.execute(shape.sql.typed, orjson.dumps({name: row[name] for name in names}).decode())
    except asyncpg.DataError:
        return True
    return False


def _as_json(shape: Shape, item: Item) -> dict[str, Any]:
    """A row as an object of texts; columns of JSON hold theirs as it is."""
    json = shape.json | {"extra"}
    cells = zip((*shape.names, "extra"), item.cells or (), strict=True)
    return {name: orjson.Fragment(cell) if name in json and cell is not None else cell for name, cell in cells}


async def _upsert(conn: Connection, shape: Shape, items: Sequence[Item], *, shop_id: int, asked_at: datetime) -> None:
    breath, rows = Breath(), list[dict[str, Any]]()
    for item in items:
        rows.append({**_as_json(shape, item), "row_hash": "\\x" + item.digest.hex()})
        await breath()
    await conn.execute(shape.sql.upsert, shop_id, orjson.dumps(rows).decode(), asked_at)


async def _copy(conn: Connection, shape: Shape, items: Sequence[Item], *, shop_id: int, asked_at: datetime) -> None:
    await conn.copy_to_table(
        shape.sql.bare,
        schema_name=shape.sql.schema,
        columns=shape.sql.copied,
        source=_spelt(items, shop_id=shop_id, asked_at=asked_at),
        format="text",
        null=_NULL,
    )


async def _spelt(items: Sequence[Item], *, shop_id: int, asked_at: datetime) -> AsyncIterator[bytes]:
    """The rows in messages, with a turn of the loop between them: PostgreSQL reads one while the next is spelt."""
    for first in range(0, len(items), _MESSAGE):
        yield copy_text(items[first : first + _MESSAGE], shop_id=shop_id, asked_at=asked_at)
        await turn()


def copy_text(items: Sequence[Item], *, shop_id: int, asked_at: datetime) -> bytes:
    """The items as COPY's text format, null as one control character."""
    rows = [item.cells or () for item in items]
    lines = ["\t".join([_NULL if cell is None else cell for cell in row]) for row in rows]
    body = "\n".join(lines)
    # As many separators and nulls as there must be, so none of them stands in a value.
    told = len(rows) * (len(rows[0]) - 1), len(rows) - 1, sum([row.count(None) for row in rows])
    if (body.count("\t"), body.count("\n"), body.count(_NULL)) != told or "\\" in body or "\r" in body:
        lines = [_escaped(row) for row in rows]
    moment = asked_at.astimezone(UTC).isoformat()
    tail = f"\t{shop_id}\t{moment}\t{moment}\n"
    return "".join([f"{line}\t\\\\x{item.digest.hex()}{tail}" for line, item in zip(lines, items, strict=True)]).encode()


def _escaped(row: Cells) -> str:
    return "\t".join([_NULL if cell is None else cell.translate(_ESCAPES) for cell in row])
