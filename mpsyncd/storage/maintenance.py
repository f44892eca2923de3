"""Keeps the control tables small and finishes removals, in bounded batches that may be interrupted at any point.

Never touches a row of a shop that stays, except history that is older than its owner wants it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from mpsyncd.storage.pool import Database

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How old things get, and how many rows one statement may delete. `fold_after`: runs that changed nothing are folded at this age."""

    runs: timedelta = timedelta(days=90)
    events: timedelta = timedelta(days=365)
    rejected: timedelta = timedelta(days=180)
    deliveries: timedelta = timedelta(days=30)
    daemons: timedelta = timedelta(days=7)
    fold_after: timedelta = timedelta(hours=1)
    fold_within: timedelta = timedelta(days=2)
    batch: int = 5000
    batches: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one round deleted or folded. `more`: something reached its bound, so another round soon is worth it."""

    runs: int = 0
    slices: int = 0
    requests: int = 0
    events: int = 0
    rejected: int = 0
    deliveries: int = 0
    marks: int = 0
    staged: int = 0
    daemons: int = 0
    leases: int = 0
    folded: int = 0
    purged_rows: int = 0
    purged_shops: int = 0
    more: bool = False


_RUNS = """
DELETE FROM mpsync.runs WHERE run_id IN (
    SELECT run_id FROM mpsync.runs WHERE ended_at < now() - $1::interval ORDER BY run_id LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
# A feed that still reads its history needs its finished windows for percent and coverage.
_SLICES = """
DELETE FROM mpsync.slices WHERE slice_id IN (
    SELECT p.slice_id FROM mpsync.slices p JOIN mpsync.feeds f USING (feed_id)
    WHERE p.state IN ('done', 'dropped') AND p.ended_at < now() - $1::interval AND (f.lane = 'live' OR f.state = 'done')
    ORDER BY p.slice_id LIMIT $2 FOR UPDATE OF p SKIP LOCKED)
"""
_REQUESTS = """
DELETE FROM mpsync.run_requests WHERE request_id IN (
    SELECT request_id FROM mpsync.run_requests WHERE taken_at < now() - $1::interval ORDER BY request_id LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
# Ids grow with time, so the oldest are found along the primary key.
_EVENTS = """
DELETE FROM mpsync.event_log WHERE event_id IN (
    SELECT event_id FROM (SELECT event_id, happened_at FROM mpsync.event_log ORDER BY event_id LIMIT $2) oldest
    WHERE happened_at < now() - $1::interval)
"""
_REJECTED = """
DELETE FROM mpsync.rejected_rows WHERE rejected_id IN (
    SELECT rejected_id FROM mpsync.rejected_rows WHERE last_seen_at < now() - $1::interval ORDER BY rejected_id LIMIT $2)
"""
_DELIVERIES = """
DELETE FROM mpsync.webhook_deliveries WHERE delivery_id IN (
    SELECT delivery_id FROM mpsync.webhook_deliveries WHERE processed_at < now() - $1::interval ORDER BY processed_at LIMIT $2)
"""
_MARKS = """
DELETE FROM mpsync.walk_seen WHERE ctid = ANY (ARRAY(
    SELECT m.ctid FROM mpsync.walk_seen m
    WHERE NOT EXISTS (SELECT FROM mpsync.walks w JOIN mpsync.slices p USING (slice_id)
                      WHERE w.walk_id = m.walk_id AND p.state IN ('open', 'walked'))
    LIMIT $1))
"""
# Documents that were put aside for a slice which is over.
_STAGED = """
DELETE FROM mpsync.slice_rows WHERE ctid = ANY (ARRAY(
    SELECT r.ctid FROM mpsync.slice_rows r JOIN mpsync.slices p USING (slice_id) WHERE p.state IN ('done', 'dropped') LIMIT $1))
"""
_DAEMONS = """
DELETE FROM mpsync.daemons d WHERE d.seen_at < now() - $1::interval
    AND NOT EXISTS (SELECT FROM mpsync.leases l WHERE l.holder = d.daemon_id AND l.expires_at > now())
"""
_LEASES = """
DELETE FROM mpsync.leases l WHERE NOT EXISTS (SELECT FROM mpsync.shops s WHERE s.lease_group = l.lease_group) AND l.expires_at < now()
"""
# Islands of quiet runs: consecutive ones of a shop, by schedule, done, without a change. The newest of an island stays.
_FOLD = """
WITH recent AS (
    SELECT r.run_id, r.shop_id, r.started_at, r.folded, r.folded_since, r.ended_at < now() - $1::interval
           AND r.trigger = 'schedule' AND r.state = 'done' AND NOT EXISTS (
               SELECT FROM mpsync.run_feeds rf WHERE rf.run_id = r.run_id
               AND (rf.verdict IS DISTINCT FROM 'ok' OR rf.inserted + rf.updated + rf.tombstoned + rf.rejected > 0)) AS quiet
    FROM mpsync.runs r WHERE r.started_at > now() - $2::interval
), islands AS (
    SELECT *, count(*) FILTER (WHERE NOT coalesce(quiet, false)) OVER (PARTITION BY shop_id ORDER BY started_at, run_id) AS island
    FROM recent
), groups AS (
    SELECT max(run_id) AS keeper, array_agg(run_id) AS run_ids, sum(folded) AS folded, min(coalesce(folded_since, started_at)) AS since
    FROM islands WHERE quiet GROUP BY shop_id, island HAVING count(*) > 1
), kept AS (
    UPDATE mpsync.runs r SET folded = g.folded, folded_since = g.since FROM groups g WHERE r.run_id = g.keeper
)
DELETE FROM mpsync.runs r USING groups g WHERE r.run_id = ANY (g.run_ids) AND r.run_id <> g.keeper
"""


async def sweep_history(database: Database, retention: Retention) -> Swept:
    """One round over everything that ages; raises StorageUnavailable like any other work."""
    rounds = {
        "runs": (_RUNS, (retention.runs, retention.batch)),
        "slices": (_SLICES, (retention.runs, retention.batch)),
        "requests": (_REQUESTS, (retention.runs, retention.batch)),
        "events": (_EVENTS, (retention.events, retention.batch)),
        "rejected": (_REJECTED, (retention.rejected, retention.batch)),
        "deliveries": (_DELIVERIES, (retention.deliveries, retention.batch)),
        "marks": (_MARKS, (retention.batch,)),
        "staged": (_STAGED, (retention.batch,)),
        "daemons": (_DAEMONS, (retention.daemons,)),
        "leases": (_LEASES, ()),
        "folded": (_FOLD, (retention.fold_after, retention.fold_within)),
    }
    counts: dict[str, int] = {}
    for name, (statement, values) in rounds.items():
        async with database.transaction() as connection:
            counts[name] = _rows(await connection.execute(statement, *values))
    bounded = ("runs", "slices", "requests", "events", "rejected", "deliveries", "marks", "staged")
    return Swept(**counts, more=any(counts[name] >= retention.batch for name in bounded))


# What hangs on a shop and can be big goes in batches; the rest goes with the shop's own row.
_CONTROL = (
    "mpsync.tracked",
    "mpsync.event_log",
    "mpsync.rejected_rows",
    "mpsync.snapshots",
    "mpsync.webhook_deliveries",
    "mpsync.webhook_touches",
    "mpsync.runs",
)
# A table that was dropped has no rows.
_PURGE = "SELECT CASE WHEN to_regclass($3) IS NULL THEN 0 ELSE mpsync.purge_rows(to_regclass($3), $1, $2) END"
_PURGE_STAGED = """
WITH gone AS (
    DELETE FROM mpsync.slice_rows WHERE ctid = ANY (ARRAY(
        SELECT r.ctid FROM mpsync.slice_rows r JOIN mpsync.slices p USING (slice_id) JOIN mpsync.feeds f USING (feed_id)
        WHERE f.shop_id = $1 LIMIT $2))
    RETURNING 1
) SELECT count(*) FROM gone
"""
_TABLES = "SELECT DISTINCT table_name AS name FROM mpsync.stream_tables ORDER BY name"


async def purge_removed(database: Database, retention: Retention) -> Swept:
    """Delete rows of shops that are being removed, at most `batches` batches; a shop without rows goes itself. Goes on where it stopped."""
    async with database.connection() as connection:
        shops = [
            row["shop_id"] for row in await connection.fetch("SELECT shop_id FROM mpsync.shops WHERE status = 'removing' ORDER BY shop_id")
        ]
        tables = [row["name"] for row in await connection.fetch(_TABLES)]
    steps = [*((_PURGE, (table,)) for table in (*tables, *_CONTROL)), (_PURGE_STAGED, ())]
    left, rows, gone = retention.batches, 0, 0
    for shop_id in shops:
        for statement, names in steps:
            purged = retention.batch
            while purged >= retention.batch:
                if left == 0:
                    return Swept(purged_rows=rows, purged_shops=gone, more=True)
                async with database.transaction() as connection:
                    purged = await connection.fetchval(statement, shop_id, retention.batch, *names)
                rows, left = rows + purged, left - (purged > 0)
        async with database.transaction() as connection:
            await connection.execute("DELETE FROM mpsync.shops WHERE shop_id = $1 AND status = 'removing'", shop_id)
        gone += 1
        log.info("shop_purged", shop=shop_id)
    return Swept(purged_rows=rows, purged_shops=gone)


async def maintain(database: Database, retention: Retention) -> Swept:
    """Both rounds; what a daemon calls now and then, and sooner again when `more`."""
    purged, swept = await purge_removed(database, retention), await sweep_history(database, retention)
    both = {each.name: getattr(purged, each.name) + getattr(swept, each.name) for each in fields(Swept) if each.name != "more"}
    return Swept(**both, more=purged.more or swept.more)


def _rows(told: str) -> int:
    return int(told.rpartition(" ")[2])
