"""Rows that were refused, for people to look at. They are written and fed in again by `documents`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsyncd.model.errors import NotThere

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mpsyncd.storage.pool import Connection, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """One refused row. `document` is its JSON text as it came, `object_key` the JSON text of its key when that could be read."""

    rejected_id: int
    shop_id: int
    shop: str
    stream: str
    table: str
    reason: str
    document: str
    object_key: str | None
    run_id: int | None
    times: int
    first_seen_at: datetime
    last_seen_at: datetime


_ROWS = """
SELECT r.rejected_id, r.shop_id, s.name AS shop, r.stream, r.table_name, r.reason, r.document, r.object_key, r.run_id, r.times,
       r.first_seen_at, r.last_seen_at
FROM mpsync.rejected_rows r JOIN mpsync.shops s USING (shop_id)
"""
_PAGE = """
WHERE ($1::bigint IS NULL OR r.shop_id = $1) AND ($2::text IS NULL OR r.stream = $2) AND ($3::bigint IS NULL OR r.rejected_id < $3)
ORDER BY r.rejected_id DESC LIMIT $4
"""


async def list_rejected(
    connection: Connection, *, shop_id: int | None = None, stream: str | None = None, before: int | None = None, limit: int = 50
) -> Sequence[RejectedRow]:
    """The newest refused rows, of one shop and stream or of all; `before` is the id where the previous page ended."""
    return [_row(row) for row in await connection.fetch(_ROWS + _PAGE, shop_id, stream, before, limit)]


async def show_rejected(connection: Connection, rejected_id: int) -> RejectedRow:
    """One refused row; NotThere when there is none."""
    row = await connection.fetchrow(_ROWS + "WHERE r.rejected_id = $1", rejected_id)
    if row is None:
        raise NotThere(f"There is no rejected row {rejected_id}; mpsyncd rejected list shows those there are.")
    return _row(row)


async def reasons(connection: Connection, *, shop_id: int | None = None) -> Sequence[tuple[str, str, int]]:
    """(stream, reason, rows), the most frequent first."""
    rows = await connection.fetch(
        "SELECT stream, reason, count(*) AS rows FROM mpsync.rejected_rows WHERE $1::bigint IS NULL OR shop_id = $1 "
        "GROUP BY stream, reason ORDER BY rows DESC, stream, reason",
        shop_id,
    )
    return [(row["stream"], row["reason"], row["rows"]) for row in rows]


def _row(row: Record) -> RejectedRow:
    return RejectedRow(
        rejected_id=row["rejected_id"],
        shop_id=row["shop_id"],
        shop=row["shop"],
        stream=row["stream"],
        table=row["table_name"],
        reason=row["reason"],
        document=row["document"],
        object_key=row["object_key"],
        run_id=row["run_id"],
        times=row["times"],
        first_seen_at=row["first_seen_at"],
        last_seen_at=row["last_seen_at"],
    )
