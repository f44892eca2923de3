"""Deliveries of webhooks while they are processed: fills `engine.webhooks.Inbox`. Rows, outcomes and counts are one transaction."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.feed import Lease
from mpsyncd.model.run import FeedVerdict, Mode, Trigger
from mpsyncd.model.webhook import Delivery, DeliveryState
from mpsyncd.storage import leases, runs
from mpsyncd.storage.documents import Catalog, write_rereads
from mpsyncd.storage.nudge import notify
from mpsyncd.storage.shops import SHOPS, shop_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from mpsyncd.model.shop import Shop
    from mpsyncd.model.stream import Stream
    from mpsyncd.model.webhook import Outcome, Reread
    from mpsyncd.storage.pool import Connection, Database, Record

_PATIENCE = timedelta(minutes=1)
_WAITING = """
WHERE l.holder = $1 AND s.status IN ('syncing', 'active') AND NOT s.paused AND c.enabled AND EXISTS (SELECT FROM mpsync.webhooks w
    WHERE w.shop_id = s.shop_id) AND EXISTS (SELECT FROM mpsync.webhook_deliveries d
    WHERE d.shop_id = s.shop_id AND d.state = 'pending' AND (d.not_before IS NULL OR d.not_before <= now()))
"""
# Asked four times a second, mostly in vain: two looks at indexes that hardly have an entry come before the question who waits.
_ANY = """
SELECT EXISTS (SELECT FROM mpsync.webhooks) AS hooked,
       EXISTS (SELECT FROM mpsync.webhook_deliveries WHERE state = 'pending' AND (not_before IS NULL OR not_before <= now())) AS pending
"""
_TAKE = """
SELECT delivery_id, received_at, body, attempts FROM mpsync.webhook_deliveries
WHERE shop_id = $1 AND state = 'pending' AND (not_before IS NULL OR not_before <= now()) AND NOT delivery_id = ANY ($2::bigint[])
    AND EXISTS (SELECT FROM mpsync.shops s JOIN mpsync.customers c USING (customer_id)
                WHERE s.shop_id = $1 AND s.status IN ('syncing', 'active') AND NOT s.paused AND c.enabled)
ORDER BY delivery_id LIMIT $3
"""
# A run that its reader could not close, because the database was away, ends when the next one begins.
_LEFT = """
UPDATE mpsync.runs SET state = 'interrupted', ended_at = $2, reason = 'its daemon lost the database' WHERE shop_id = $1 AND ended_at IS NULL
    AND trigger = 'webhook'
"""
_JOIN = """
WITH feed AS (SELECT feed_id FROM mpsync.feeds WHERE shop_id = $2 AND stream = $3 AND lane = 'live'), joined AS (
    INSERT INTO mpsync.run_feeds (run_id, feed_id, started_at) SELECT $1, feed_id, now() FROM feed ON CONFLICT DO NOTHING
) SELECT feed_id FROM feed
"""
_SETTLE = """
UPDATE mpsync.webhook_deliveries d SET state = o.state, event = o.event, attempts = o.attempts, not_before = o.not_before, error = o.error,
    run_id = $2, processed_at = CASE WHEN o.state <> 'pending' THEN now() END
FROM unnest($1::bigint[], $3::text[], $4::text[], $5::integer[], $6::timestamptz[], $7::text[])
    AS o (delivery_id, state, event, attempts, not_before, error)
WHERE d.delivery_id = o.delivery_id AND d.state = 'pending'
"""
# A stream is not read again within ten seconds of its last success, however often it is named.
_DUE = """
WITH wanted AS (
    SELECT f.feed_id, f.stream, greatest(now(), f.last_success_at + interval '10 seconds') AS due_at, EXISTS (
        SELECT FROM mpsync.run_feeds rf JOIN mpsync.runs r USING (run_id)
        WHERE rf.feed_id = f.feed_id AND rf.verdict IS NULL AND r.ended_at IS NULL AND r.trigger <> 'webhook') AS busy
    FROM mpsync.feeds f WHERE f.shop_id = $1 AND f.stream = ANY ($2::text[]) AND f.lane = 'live'
), moved AS (
    UPDATE mpsync.feeds f SET next_due_at = w.due_at FROM wanted w
    WHERE f.feed_id = w.feed_id AND NOT w.busy AND f.next_due_at > w.due_at RETURNING f.feed_id
)
SELECT w.stream, w.busy, now() + interval '3 seconds' AS again_at, EXISTS (SELECT FROM moved m WHERE m.feed_id = w.feed_id) AS moved
FROM wanted w
"""
_COUNT = """
UPDATE mpsync.webhooks SET done = done + $2, unknown = unknown + $3, failed = failed + $4, last_received_at = greatest(last_received_at, $5)
WHERE shop_id = $1
"""
_TOUCH = """
INSERT INTO mpsync.webhook_touches AS w (shop_id, stream, key, received_at)
SELECT $1, stream, key, max(received_at) FROM unnest($2::text[], $3::jsonb[], $4::timestamptz[]) AS t (stream, key, received_at)
GROUP BY stream, key ORDER BY stream, key
ON CONFLICT (shop_id, stream, key) DO UPDATE SET received_at = greatest(w.received_at, excluded.received_at)
"""
_VERDICTS = """
UPDATE mpsync.run_feeds r SET verdict = CASE WHEN o.reason IS NULL THEN $2 ELSE $3 END, reason = o.reason, ended_at = $4
FROM mpsync.feeds f LEFT JOIN unnest($5::text[], $6::text[]) AS o (stream, reason) ON o.stream = f.stream
WHERE r.run_id = $1 AND f.feed_id = r.feed_id
"""


def _lease(row: Record) -> Lease:
    return Lease(group=row["lease_group"], holder=row["holder"], fence=row["fence"], expires_at=row["lease_expires_at"])


class PostgresInbox:
    """One per daemon. `streams` are those of sources that send webhooks."""

    def __init__(self, database: Database, *, control: Database, streams: Sequence[Stream]) -> None:
        self._database = database
        self._control = control
        self._tables = tuple({table.name: table for stream in streams for table in stream.tables}.values())
        self._catalog: Catalog | None = None
        self._catalog_turn = asyncio.Lock()

    async def waiting(self, daemon: UUID) -> Sequence[tuple[Shop, Lease]] | None:
        async with self._control.connection() as connection:
            told = await connection.fetchrow(_ANY)
            if told is None or not told["hooked"]:
                return None
            rows = await connection.fetch(SHOPS + _WAITING, daemon) if told["pending"] else []
        return [(shop_of(row), _lease(row)) for row in rows]

    async def take(self, shop_id: int, *, without: Collection[int], limit: int) -> Sequence[Delivery]:
        async with self._control.connection() as connection:
            return [Delivery(**dict(row)) for row in await connection.fetch(_TAKE, shop_id, list(without), limit)]

    async def open_run(self, lease: Lease, shop_id: int, now: datetime) -> int:
        async with self._control.transaction() as connection:
            await leases.check_fence(connection, lease, shop_id)
            await connection.execute(_LEFT, shop_id, now)
            return await runs.open_run(
                connection,
                shop_id=shop_id,
                daemon=lease.holder,
                trigger=Trigger.WEBHOOK,
                mode=Mode.SELECTIVE,
                feed_ids=(),
                request_id=None,
                now=now,
            )

    async def commit(
        self,
        lease: Lease,
        *,
        shop_id: int,
        run_id: int,
        stream: Stream | None = None,
        rereads: Sequence[Reread] = (),
        due: Collection[str] = (),
        outcomes: Sequence[Outcome] = (),
    ) -> None:
        async with self._database.transaction(lock_timeout=_PATIENCE) as connection:
            await leases.check_fence(connection, lease, shop_id)
            if stream is not None:
                feed_id = await connection.fetchval(_JOIN, run_id, shop_id, stream.name)
                if rereads:
                    catalog = await self._columns(connection)
                    done = await write_rereads(connection, catalog, shop_id=shop_id, stream=stream, rereads=rereads, run_id=run_id)
                    await runs.count(connection, run_id, feed_id, done, pages=sum(len(reread.pages) for reread in rereads))
            busy = await _make_due(connection, shop_id, due) if due else {}
            if outcomes:
                await _settle(connection, shop_id, run_id, [_put_off(one, busy) for one in outcomes])

    async def close_run(self, run_id: int, now: datetime, *, failed: Mapping[str, str]) -> None:
        async with self._control.transaction() as connection:
            verdicts = FeedVerdict.OK.value, FeedVerdict.FAILED.value
            await connection.execute(_VERDICTS, run_id, *verdicts, now, list(failed), list(failed.values()))
            await runs.close(connection, run_id, now)

    async def _columns(self, connection: Connection) -> Catalog:
        async with self._catalog_turn:
            if self._catalog is None:
                self._catalog = await Catalog.load(connection, self._tables)
            return self._catalog


async def _make_due(connection: Connection, shop_id: int, streams: Collection[str]) -> Mapping[str, datetime]:
    """Make live feeds of these streams due; return those that are being read, whose end would overwrite it, and when to come again."""
    rows = await connection.fetch(_DUE, shop_id, list(streams))
    if any(row["moved"] for row in rows):
        await notify(connection, shop_id)
    return {row["stream"]: row["again_at"] for row in rows if row["busy"]}


def _put_off(one: Outcome, busy: Mapping[str, datetime]) -> Outcome:
    """The outcome, or that the delivery waits: what reads a stream now may have passed by what the delivery tells."""
    again_at = max((busy[touch.stream] for touch in one.touches if touch.stream in busy), default=None)
    if one.state is not DeliveryState.DONE or again_at is None:
        return one
    return replace(one, state=DeliveryState.PENDING, not_before=again_at, error="what it names is being read")


async def _settle(connection: Connection, shop_id: int, run_id: int, outcomes: Sequence[Outcome]) -> None:
    """Write down what came of deliveries, count it, and remember what they named."""
    await connection.execute(
        _SETTLE,
        [one.delivery.delivery_id for one in outcomes],
        run_id,
        [one.state.value for one in outcomes],
        [one.event for one in outcomes],
        [one.attempts for one in outcomes],
        [one.not_before for one in outcomes],
        [one.error for one in outcomes],
    )
    counts = [sum(one.state is state for one in outcomes) for state in (DeliveryState.DONE, DeliveryState.UNKNOWN, DeliveryState.FAILED)]
    await connection.execute(_COUNT, shop_id, *counts, max(one.delivery.received_at for one in outcomes))
    named = [(touch, one.delivery.received_at) for one in outcomes for touch in one.touches if touch.key]
    if named:
        await connection.execute(
            _TOUCH, shop_id, [touch.stream for touch, _ in named], [touch.key for touch, _ in named], [at for _, at in named]
        )
