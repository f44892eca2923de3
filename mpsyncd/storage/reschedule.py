"""Due times by a schedule that changed: what feeds of a daemon it concerns, and their new times. Computes no time itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsyncd.model.feed import FeedState
from mpsyncd.storage.shops import SHOPS, shop_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from mpsyncd.model.shop import Shop
    from mpsyncd.storage.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A live feed that waits for its next time. `settled_at`: the end of its last attempt. `failed`: it is tried again before its time."""

    feed_id: int
    shop: Shop
    stream: str
    settled_at: datetime
    next_due_at: datetime
    failed: bool


_SETTLED = """
SELECT f.feed_id, f.shop_id, f.stream, f.state, f.next_due_at, greatest(f.last_success_at, f.error_at) AS settled_at
FROM mpsync.feeds f JOIN mpsync.shops s USING (shop_id) JOIN mpsync.leases l USING (lease_group)
JOIN unnest($2::text[], $3::text[]) AS told (source, stream) ON told.source = s.source AND told.stream = f.stream
WHERE l.holder = $1 AND f.lane = 'live' AND f.state IN ('ok', 'failed') AND greatest(f.last_success_at, f.error_at) IS NOT NULL
"""


async def settled(connection: Connection, daemon: UUID, streams: Sequence[tuple[str, str]]) -> Sequence[Settled]:
    """Live feeds of these streams (source, name) in the shops that the daemon holds, as far as they have come to an end once."""
    rows = await connection.fetch(_SETTLED, daemon, [source for source, _ in streams], [name for _, name in streams])
    if not rows:
        return []
    shops = {row["shop_id"]: shop_of(row) for row in await connection.fetch(SHOPS + "WHERE l.holder = $1", daemon)}
    return [
        Settled(
            feed_id=row["feed_id"],
            shop=shops[row["shop_id"]],
            stream=row["stream"],
            settled_at=row["settled_at"],
            next_due_at=row["next_due_at"],
            failed=row["state"] == FeedState.FAILED.value,
        )
        for row in rows
        if row["shop_id"] in shops
    ]


_DUE = """
UPDATE mpsync.feeds f SET next_due_at = told.due FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) AS told (feed_id, was, due)
WHERE f.feed_id = told.feed_id AND f.next_due_at = told.was AND f.state IN ('ok', 'failed')
"""


async def reschedule(connection: Connection, due: Mapping[int, tuple[datetime, datetime]]) -> None:
    """Give feeds their new due times (feed -> old, new); one whose time changed meanwhile has come to another end and is left alone."""
    await connection.execute(_DUE, list(due), [old for old, _ in due.values()], [new for _, new in due.values()])
