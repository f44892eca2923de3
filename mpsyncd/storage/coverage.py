"""What each table of a shop holds: live and deleted rows as the commits counted them, and the first and last day when asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from mpsyncd.storage.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCoverage:
    """One table of one shop. Days are those of the table's day column, None for a table without one or without rows."""

    table: str
    stream: str
    main: bool
    live: int
    deleted: int
    first_day: date | None = None
    last_day: date | None = None


_TABLES = """
SELECT t.table_name, t.stream, t.main, t.day, coalesce(c.live, 0) AS live, coalesce(c.deleted, 0) AS deleted
FROM mpsync.shops s JOIN mpsync.stream_tables t ON t.source = s.source AND t.declared
LEFT JOIN mpsync.table_counts c ON c.shop_id = s.shop_id AND c.table_name = t.table_name
WHERE s.shop_id = $1 ORDER BY t.stream, t.main DESC, t.table_name
"""
_DAYS = "SELECT first_day, last_day FROM mpsync.day_range(to_regclass($1), $2, $3)"


async def tables(connection: Connection, shop_id: int, *, days: bool = False) -> Sequence[TableCoverage]:
    """Every table that the shop's source declares; `days` costs two steps along an index for each table with a day column."""
    found: list[TableCoverage] = []
    for row in await connection.fetch(_TABLES, shop_id):
        span = await connection.fetchrow(_DAYS, row["table_name"], row["day"], shop_id) if days and row["day"] else None
        found.append(
            TableCoverage(
                table=row["table_name"],
                stream=row["stream"],
                main=row["main"],
                live=row["live"],
                deleted=row["deleted"],
                first_day=span["first_day"] if span else None,
                last_day=span["last_day"] if span else None,
            )
        )
    return found
