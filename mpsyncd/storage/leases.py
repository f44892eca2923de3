"""Leases: which daemon works which group of shops, and the fence that keeps a daemon out that was given up for dead.

Times are the database's, so that the daemons' clocks need not agree. Knows nothing of feeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsyncd.model.errors import LeaseLost
from mpsyncd.model.feed import Lease
from mpsyncd.storage.nudge import notify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from uuid import UUID

    from mpsyncd.storage.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonFacts:
    """What a daemon says of itself beside its id."""

    host: str
    pid: int
    version: str


# One statement, so that a beat is one round trip and nobody sees half of a takeover. SKIP LOCKED throughout: a daemon never waits for
# another one here, and a group whose old holder has a commit in hand is taken at a later beat. Commits lock FOR KEY SHARE, which only the
# FOR UPDATE of a takeover conflicts with, never a renewal.
_HOLD = """
WITH beat AS (
    INSERT INTO mpsync.daemons AS d (daemon_id, host, pid, version) VALUES ($1, $3, $4, $5)
    ON CONFLICT (daemon_id) DO UPDATE SET seen_at = now(), gone_at = NULL
), missing AS (
    INSERT INTO mpsync.leases (lease_group) SELECT DISTINCT lease_group FROM mpsync.shops ON CONFLICT DO NOTHING
), mine AS (
    SELECT lease_group FROM mpsync.leases WHERE holder = $1 FOR NO KEY UPDATE SKIP LOCKED
), renewed AS (
    UPDATE mpsync.leases l SET expires_at = now() + $2::interval FROM mine WHERE l.lease_group = mine.lease_group AND l.holder = $1
    RETURNING l.lease_group, l.fence, l.expires_at
), free AS (
    SELECT l.lease_group FROM mpsync.leases l
    WHERE (l.holder IS NULL OR (l.holder <> $1 AND l.expires_at < now())) AND EXISTS (
        SELECT FROM mpsync.shops s JOIN mpsync.customers c USING (customer_id)
        WHERE s.lease_group = l.lease_group AND s.status IN ('syncing', 'active') AND NOT s.paused AND c.enabled)
    FOR UPDATE OF l SKIP LOCKED
), taken AS (
    UPDATE mpsync.leases l SET holder = $1, fence = l.fence + 1, expires_at = now() + $2::interval
    FROM free WHERE l.lease_group = free.lease_group
    RETURNING l.lease_group, l.fence, l.expires_at
), cut AS (
    UPDATE mpsync.runs r SET state = 'interrupted', ended_at = now(), reason = 'its daemon went away', waits_until = NULL
    FROM mpsync.shops s JOIN taken USING (lease_group) WHERE s.shop_id = r.shop_id AND r.ended_at IS NULL
), freed AS (
    UPDATE mpsync.run_requests q SET taken_by = NULL, taken_at = NULL
    FROM mpsync.shops s JOIN taken USING (lease_group)
    WHERE s.shop_id = q.shop_id AND q.taken_at IS NOT NULL AND q.run_id IS NULL AND q.refused IS NULL
)
SELECT lease_group, fence, expires_at FROM taken UNION ALL SELECT lease_group, fence, expires_at FROM renewed ORDER BY lease_group
"""


# A daemon that froze in a transaction keeps its lease locked: for ever, when it is in the middle of a COPY, which no timeout of PostgreSQL
# ends. Only connections of our own account can be ended; others time out when they are idle.
_CUT_OFF = """
SELECT pg_terminate_backend(a.pid)
FROM (SELECT DISTINCT holder FROM mpsync.leases WHERE holder <> $1 AND expires_at < now() - $2::interval) l
JOIN pg_stat_activity a ON a.application_name = 'mpsyncd ' || l.holder AND a.usename = current_user AND a.xact_start IS NOT NULL
"""


def connection_name(daemon: UUID) -> str:
    """What a daemon's connections are called, so that its heir can end what they have in hand."""
    return f"mpsyncd {daemon}"


async def hold(connection: Connection, *, daemon: UUID, facts: DaemonFacts, ttl: timedelta) -> Sequence[Lease]:
    """Beat the heart, renew, take what is free or expired and has a working shop; open runs of what was taken become interrupted.

    What a holder has in hand a whole `ttl` after its lease expired is rolled back, so that it can be taken at a later beat.
    """
    await connection.execute(_CUT_OFF, daemon, ttl)
    rows = await connection.fetch(_HOLD, daemon, ttl, facts.host, facts.pid, facts.version)
    return [Lease(group=row["lease_group"], holder=daemon, fence=row["fence"], expires_at=row["expires_at"]) for row in rows]


_RELEASE = """
WITH given AS (
    UPDATE mpsync.leases SET holder = NULL, expires_at = '-infinity' WHERE holder = ANY ($1::uuid[])
), cut AS (
    UPDATE mpsync.runs SET state = 'interrupted', ended_at = now(), reason = $2, waits_until = NULL
    WHERE daemon_id = ANY ($1::uuid[]) AND ended_at IS NULL
    RETURNING run_id
), left_off AS (
    UPDATE mpsync.run_feeds f SET ended_at = now() FROM cut WHERE f.run_id = cut.run_id AND f.ended_at IS NULL
), freed AS (
    UPDATE mpsync.run_requests SET taken_by = NULL, taken_at = NULL
    WHERE taken_by = ANY ($1::uuid[]) AND run_id IS NULL AND refused IS NULL
)
UPDATE mpsync.daemons SET gone_at = now() WHERE daemon_id = ANY ($1::uuid[]) AND gone_at IS NULL
"""


async def release(connection: Connection, daemon: UUID) -> None:
    """Give back everything that the daemon holds and wake the others, so that they need not wait for the leases to expire."""
    await connection.execute(_RELEASE, [daemon], "its daemon was stopped")
    await notify(connection)


async def release_all(connection: Connection) -> None:
    """Give back everybody's leases; for an embedded database, where a daemon that starts is the only one there can be."""
    rows = await connection.fetch("SELECT daemon_id FROM mpsync.daemons WHERE gone_at IS NULL")
    await connection.execute(_RELEASE, [row["daemon_id"] for row in rows], "its daemon went away")


_FENCE = """
SELECT 1 FROM mpsync.leases l JOIN mpsync.shops s ON s.lease_group = l.lease_group
WHERE l.lease_group = $1 AND l.holder = $2 AND l.fence = $3 AND s.shop_id = $4 AND s.status <> 'removing'
FOR KEY SHARE OF l, s
"""


async def check_fence(connection: Connection, lease: Lease, shop_id: int) -> None:
    """Lock the lease for the rest of the transaction: nobody takes the group, and nobody removes the shop, before it ends.

    Raises:
        LeaseLost: another daemon has the group now, the shop left the group, or it is being removed.
    """
    if await connection.fetchval(_FENCE, lease.group, lease.holder, lease.fence, shop_id) is None:
        raise LeaseLost(f"lease group {lease.group} with fence {lease.fence} is no longer ours for shop {shop_id}")
