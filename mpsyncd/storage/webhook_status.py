"""How a shop's webhooks do: what waits, what came of the rest, and the share of changes that no delivery named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.model.overview import WebhookView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mpsyncd.model.stream import Stream
    from mpsyncd.storage.pool import Connection, Record

_VIEWS = """
SELECT w.shop_id, w.done, w.unknown, w.failed, w.changed, w.missed, greatest(w.last_received_at, p.newest) AS last_received_at, p.pending,
       p.oldest
FROM mpsync.webhooks w CROSS JOIN LATERAL (
    SELECT count(*) AS pending, min(received_at) AS oldest, max(received_at) AS newest FROM mpsync.webhook_deliveries d
    WHERE d.shop_id = w.shop_id AND d.state = 'pending'
) p WHERE $1::bigint IS NULL OR w.shop_id = $1
"""


async def views(connection: Connection, now: datetime, *, shop_id: int | None = None) -> Mapping[int, WebhookView]:
    """Shops that take webhooks, or one of them, by number."""
    return {row["shop_id"]: _view(row, now) for row in await connection.fetch(_VIEWS, shop_id)}


def _view(row: Record, now: datetime) -> WebhookView:
    return WebhookView(
        done=row["done"],
        unknown=row["unknown"],
        failed=row["failed"],
        pending=row["pending"],
        last_received_at=row["last_received_at"],
        lag=None if row["oldest"] is None else now - row["oldest"],
        changed=row["changed"],
        missed=row["missed"],
    )


# Only what deliveries could have named is measured: from when the hooks are known to be on, and everything was read once.
_DUE = """
SELECT w.shop_id, s.source, w.measured_until, now() - interval '5 minutes' AS until, ARRAY(
    SELECT f.stream FROM mpsync.feeds f WHERE f.shop_id = w.shop_id AND f.lane = 'live' AND f.last_walk_at IS NOT NULL) AS walked
FROM mpsync.webhooks w JOIN mpsync.shops s USING (shop_id) WHERE w.last_received_at IS NOT NULL
"""
_MISSED = "SELECT changed, missed FROM mpsync.webhook_missed($1::text::regclass, $2::text[]::name[], $3, $4, $5, $6)"
_MEASURED = """
UPDATE mpsync.webhooks SET measured_until = $2, changed = changed + $3, missed = missed + $4
WHERE shop_id = $1 AND measured_until IS NOT DISTINCT FROM $5
"""


async def measure(connection: Connection, streams: Mapping[str, Sequence[Stream]]) -> None:
    """Count rows that changed since the last measuring, and those of them that no delivery named. `streams`: by source, those read again.

    A row counts for the time of its last change. Several daemons may do this at once; one of them counts.
    """
    for due in await connection.fetch(_DUE):
        again = [stream for stream in streams.get(due["source"], ()) if stream.again is not None]
        if not {stream.name for stream in again} <= set(due["walked"]):
            continue
        changed, missed = 0, 0
        if due["measured_until"] is not None:
            for stream in again:
                assert stream.again is not None  # noqa: S101 - chosen so
                told = (stream.main.name, list(stream.again.by), due["shop_id"], stream.name, due["measured_until"], due["until"])
                for row in await connection.fetch(_MISSED, *told):
                    changed, missed = changed + row["changed"], missed + row["missed"]
        until = due["until"] if due["measured_until"] is not None else await connection.fetchval("SELECT now()")
        await connection.execute(_MEASURED, due["shop_id"], until, changed, missed, due["measured_until"])
