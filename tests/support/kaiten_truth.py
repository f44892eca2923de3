"""Compares the tables of a Kaiten shop with what the sandbox knows to be true, every column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from mpsyncd.sandbox.kaiten.truth import KEYS
from support.truth import SHOWN, differences, kinds_of, read, true_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.truth import Row

LIVING = {
    "kaiten.board_spaces": "board_id IN (SELECT id FROM kaiten.boards WHERE shop_id = $1 AND deleted_at IS NULL)",
    **dict.fromkeys(
        ("kaiten.card_members", "kaiten.card_tags", "kaiten.card_checklists", "kaiten.files"),
        "card_id IN (SELECT id FROM kaiten.cards WHERE shop_id = $1 AND deleted_at IS NULL)",
    ),
}
"""Parts are compared where their document lives: a card that is gone keeps its last parts."""
TABLES = tuple(KEYS)


async def untrue(dsn: str, sandbox: str, company: str, *, shop_id: int, tables: Sequence[str] = TABLES) -> list[str]:
    """What is wrong with the tables of a shop, nothing when all is well."""
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    try:
        told: list[str] = []
        for table in tables:
            truth = await true_rows(sandbox, seller=company, table=table)
            stored = await stored_rows(connection, table, shop_id=shop_id)
            kinds = await kinds_of(connection, table)
            wrong = differences(KEYS[table], truth=truth, stored=stored, kinds=kinds, extra_expected=True)
            told += [f"{table} ({len(stored)} rows, {len(truth)} true): {each}" for each in wrong[:SHOWN]]
            told += [f"{table}: {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        refused = await connection.fetch("SELECT table_name, reason FROM mpsync.rejected_rows WHERE shop_id = $1", shop_id)
        return told + [f"{row['table_name']}: {row['reason']}" for row in refused]
    finally:
        await connection.close()


async def stored_rows(connection: asyncpg.Connection[asyncpg.Record], table: str, *, shop_id: int) -> list[Row]:
    """Rows of a shop as PostgreSQL writes them in JSON."""
    living = f" AND {LIVING[table]}" if table in LIVING else ""
    return [read(row[0]) for row in await connection.fetch(f"SELECT to_jsonb(t)::text FROM {table} t WHERE shop_id = $1{living}", shop_id)]
