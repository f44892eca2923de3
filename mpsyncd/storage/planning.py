"""Reads what is known of a shop for plans: live rows as the commits counted them, and which tables were read to their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.model.plan import Known
from mpsyncd.model.shop import CapabilityState
from mpsyncd.storage.shops import capabilities

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsyncd.storage.pool import Connection

_COUNTS = "SELECT table_name, live FROM mpsync.table_counts WHERE shop_id = $1"
# Every feed of the stream has come to an end at least once.
_WHOLE = """
SELECT t.table_name FROM mpsync.shops s JOIN mpsync.stream_tables t ON t.source = s.source AND t.main AND t.declared
JOIN mpsync.feeds f ON f.shop_id = s.shop_id AND f.stream = t.stream
WHERE s.shop_id = $1 GROUP BY t.table_name
HAVING bool_and(CASE f.lane WHEN 'live' THEN f.last_success_at IS NOT NULL ELSE f.last_full_at IS NOT NULL END)
"""


async def known(connection: Connection, shop_id: int, *, assumed: Mapping[str, int] | None = None) -> Known:
    """What the database knows of a shop's rows and key, with what a person expects on top (rows by table)."""
    able = await capabilities(connection, shop_id)
    return Known(
        rows={row["table_name"]: row["live"] for row in await connection.fetch(_COUNTS, shop_id)},
        whole=frozenset(row["table_name"] for row in await connection.fetch(_WHOLE, shop_id)),
        assumed=assumed or {},
        lacks=frozenset(name for name, (state, _) in able.items() if state is CapabilityState.MISSING),
    )
