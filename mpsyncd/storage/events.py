"""The log of changes that people want to hear of, for reading. It is written by `documents`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mpsyncd.storage.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One change: `event` happened to `field` of the object `object_key` of `table`."""

    event_id: int
    shop_id: int
    shop: str
    event: str
    table: str
    object_key: Any
    field: str
    before: Any
    after: Any
    run_id: int | None
    happened_at: datetime


_EVENTS = """
SELECT e.event_id, e.shop_id, s.name AS shop, e.event, e.table_name, e.object_key, e.field, e.before, e.after, e.run_id, e.happened_at
FROM mpsync.event_log e JOIN mpsync.shops s USING (shop_id)
WHERE ($1::bigint IS NULL OR e.shop_id = $1) AND ($2::text IS NULL OR e.event = $2) AND ($3::bigint IS NULL OR e.event_id < $3)
ORDER BY e.event_id DESC LIMIT $4
"""


async def list_events(
    connection: Connection, *, shop_id: int | None = None, event: str | None = None, before: int | None = None, limit: int = 50
) -> Sequence[EventView]:
    """The newest events, of one shop and name or of all; `before` is the id where the previous page ended."""
    return [
        EventView(
            event_id=row["event_id"],
            shop_id=row["shop_id"],
            shop=row["shop"],
            event=row["event"],
            table=row["table_name"],
            object_key=row["object_key"],
            field=row["field"],
            before=row["before"],
            after=row["after"],
            run_id=row["run_id"],
            happened_at=row["happened_at"],
        )
        for row in await connection.fetch(_EVENTS, shop_id, event, before, limit)
    ]
