"""Feeds: what is due, where each stands, and how an outcome is written. The order of everything here is decided by committed rows only."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from mpsyncd.model.errors import NotThere
from mpsyncd.model.feed import Feed, FeedState, Lease
from mpsyncd.model.page import SliceKind
from mpsyncd.model.stream import Lane
from mpsyncd.model.work import DueShop
from mpsyncd.storage.nudge import notify
from mpsyncd.storage.shops import SHOPS, shop_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from mpsyncd.model.page import Cursor, Slice
    from mpsyncd.model.shop import Shop
    from mpsyncd.storage.pool import Connection, Record

_FEEDS = """
SELECT f.feed_id, f.shop_id, f.stream, f.lane, f.state, f.next_due_at, f.attempts, f.not_before, f.cursor, f.complete_from,
       f.complete_until, f.last_walk_at, f.reason
FROM mpsync.feeds f
"""


def feed_of(row: Record) -> Feed:
    """Make a Feed of a row of `mpsync.feeds`."""
    return Feed(
        feed_id=row["feed_id"],
        shop_id=row["shop_id"],
        stream=row["stream"],
        lane=Lane(row["lane"]),
        state=FeedState(row["state"]),
        next_due_at=row["next_due_at"],
        attempts=row["attempts"],
        not_before=row["not_before"],
        cursor=row["cursor"],
        complete_from=row["complete_from"],
        complete_until=row["complete_until"],
        last_walk_at=row["last_walk_at"],
        reason=row["reason"],
    )


_PLAN = """
INSERT INTO mpsync.feeds (shop_id, stream, lane, next_due_at)
SELECT s.shop_id, told.stream, told.lane, $4 FROM mpsync.shops s, unnest($2::text[], $3::text[]) AS told (stream, lane)
WHERE s.shop_id = $1 ON CONFLICT (shop_id, stream, lane) DO NOTHING
"""


async def plan(connection: Connection, shop_id: int, wanted: Sequence[tuple[str, Lane]], now: datetime) -> None:
    """Write down feeds that the shop does not have yet, due `now`."""
    await connection.execute(_PLAN, shop_id, [stream for stream, _ in wanted], [lane.value for _, lane in wanted], now)


async def of_shop(connection: Connection, shop_id: int) -> Sequence[Feed]:
    """All feeds of a shop, in the order in which they were planned."""
    return [feed_of(row) for row in await connection.fetch(_FEEDS + "WHERE f.shop_id = $1 ORDER BY f.feed_id", shop_id)]


async def get(connection: Connection, feed_id: int) -> Feed:
    """One feed as it stands now; NotThere when its shop is gone."""
    row = await connection.fetchrow(_FEEDS + "WHERE f.feed_id = $1", feed_id)
    if row is None:
        raise NotThere(f"There is no feed with the id {feed_id}; its shop was removed.")
    return feed_of(row)


_OPEN = """
JOIN mpsync.shops s USING (shop_id) JOIN mpsync.customers c USING (customer_id) JOIN mpsync.leases l USING (lease_group)
WHERE l.holder = $1 AND s.status IN ('syncing', 'active') AND NOT s.paused AND c.enabled AND f.state NOT IN ('parked', 'done')
"""


async def held_shops(connection: Connection, daemon: UUID) -> Sequence[tuple[Shop, Lease]]:
    """Working shops of the groups that the daemon holds, by id."""
    rows = await connection.fetch(SHOPS + "WHERE l.holder = $1 ORDER BY s.shop_id", daemon)
    return [(shop_of(row), _lease(row)) for row in rows if row["works"]]


async def due(connection: Connection, daemon: UUID, now: datetime) -> Sequence[DueShop]:
    """Feeds of held, working shops whose time has come, by shop; the live lane first."""
    rows = await connection.fetch(
        _FEEDS
        + _OPEN
        + "AND f.next_due_at <= $2 AND (f.not_before IS NULL OR f.not_before <= $2) ORDER BY f.shop_id, f.lane DESC, f.feed_id",
        daemon,
        now,
    )
    if not rows:
        return []
    shops = {shop.shop_id: (shop, lease) for shop, lease in await held_shops(connection, daemon)}
    grouped = [(shop_id, tuple(map(feed_of, group))) for shop_id, group in groupby(rows, key=lambda row: row["shop_id"])]
    return [DueShop(shop=shops[shop_id][0], lease=shops[shop_id][1], feeds=group) for shop_id, group in grouped if shop_id in shops]


_MOMENTS = "SELECT min(greatest(f.next_due_at, f.not_before)) FROM mpsync.feeds f"
_NEXT = _MOMENTS + _OPEN + "AND greatest(f.next_due_at, f.not_before) > $2"


async def next_due(connection: Connection, daemon: UUID, after: datetime) -> datetime | None:
    """When the next feed of a held, working shop becomes due, later than `after`."""
    moment: datetime | None = await connection.fetchval(_NEXT, daemon, after)
    return moment


_COUNT = "SELECT count(*) FROM mpsync.feeds f"
_LATE = _COUNT + _OPEN + "AND f.lane = 'live' AND f.waits_for IS NULL AND greatest(f.next_due_at, f.not_before) < $2"


async def late(connection: Connection, daemon: UUID, since: datetime) -> int:
    """How many live feeds of held, working shops were due before `since` and have no verdict yet.

    A backfill is never late, and a feed that waits for its parents is not late by itself.
    """
    count: int = await connection.fetchval(_LATE, daemon, since)
    return count


def _lease(row: Record) -> Lease:
    return Lease(group=row["lease_group"], holder=row["holder"], fence=row["fence"], expires_at=row["lease_expires_at"])


_FORWARDS = """
UPDATE mpsync.feeds SET cursor = coalesce($2, cursor), complete_from = coalesce(complete_from, $3),
    complete_until = greatest(complete_until, $4)
WHERE feed_id = $1
"""
# A window that does not touch what is known as complete begins the known range anew: less than the truth, never more.
_WINDOW = """
UPDATE mpsync.feeds SET cursor = coalesce($2, cursor),
    complete_from = CASE WHEN $3 > complete_until OR $4 < complete_from THEN $3 ELSE least(complete_from, $3) END,
    complete_until = CASE WHEN $3 > complete_until OR $4 < complete_from THEN $4 ELSE greatest(complete_until, $4) END
WHERE feed_id = $1
"""


async def slice_closed(connection: Connection, feed_id: int, part: Slice, *, cursor: Cursor | None, until: datetime | None) -> None:
    """Move the feed's cursor and the range known as complete, as the last page of a slice told; a manual range moves nothing."""
    if part.key.get("manual"):
        return
    if part.kind is SliceKind.WINDOW:
        await connection.execute(_WINDOW, feed_id, cursor, part.start, part.end)
    else:
        await connection.execute(_FORWARDS, feed_id, cursor, part.start, until)


_DOUBT = "UPDATE mpsync.feeds SET doubt = $2 WHERE feed_id = $1 AND doubt IS DISTINCT FROM $2"


async def doubt(connection: Connection, feed_id: int, told: str | None) -> None:
    """Keep why a read that came to its end may not have seen everything; None when there is no doubt."""
    await connection.execute(_DOUBT, feed_id, told)


_WALKED = "UPDATE mpsync.feeds SET last_walk_at = greatest(last_walk_at, $2), last_full_at = now() WHERE feed_id = $1"
_WAKE = """
WITH woken AS (
    UPDATE mpsync.feeds c SET waits_for = NULL, reason = NULL, next_due_at = least(c.next_due_at, now()), not_before = NULL,
        state = CASE c.state WHEN 'parked' THEN 'pending' ELSE c.state END
    FROM mpsync.feeds p WHERE p.feed_id = $1 AND p.lane = 'live' AND c.shop_id = p.shop_id AND c.waits_for = p.stream
    RETURNING c.feed_id
)
UPDATE mpsync.run_feeds r SET reason = NULL FROM woken WHERE r.feed_id = woken.feed_id AND r.verdict IS NULL
"""


async def walked(connection: Connection, feed_id: int, started_at: datetime) -> None:
    """Note that everything was read and swept, and wake the feeds that waited for it."""
    await connection.execute(_WALKED, feed_id, started_at)
    await connection.execute(_WAKE, feed_id)


# The parents' row is locked before the child's, as a sweep does, so that either sees what the other one did.
_PARENTS = """
SELECT last_walk_at IS NOT NULL FROM mpsync.feeds WHERE shop_id = $1 AND stream = $2 AND lane = 'live' FOR SHARE
"""


async def parents_there(connection: Connection, shop_id: int, stream: str) -> bool:
    """Whether a stream of the shop has walked; if not, none of its walks ends before the caller's transaction."""
    return bool(await connection.fetchval(_PARENTS, shop_id, stream))


_SHOW_WAIT = """
WITH waiting AS (UPDATE mpsync.feeds SET waits_for = $3, reason = $4 WHERE feed_id = $2)
UPDATE mpsync.run_feeds SET reason = $4 WHERE run_id = $1 AND feed_id = $2
"""


async def show_wait(connection: Connection, run_id: int, feed_id: int, *, waits_for: str | None) -> None:
    """Show that a feed waits in its run until a stream has walked, or (None) that it goes on."""
    await connection.execute(_SHOW_WAIT, run_id, feed_id, waits_for, None if waits_for is None else f"waits for {waits_for}")


_UNPARK = """
UPDATE mpsync.feeds SET state = 'pending', next_due_at = now(), not_before = NULL, attempts = 0, park_capability = NULL, reason = NULL
WHERE shop_id = $1 AND state = 'parked' AND ($2::text[] IS NULL OR stream = ANY ($2)) AND ($3::text IS NULL OR park_capability = $3)
RETURNING stream
"""


async def unpark(
    connection: Connection, shop_id: int, *, streams: Sequence[str] | None = None, capability: str | None = None
) -> frozenset[str]:
    """Let parked feeds go on: by a person (all or some streams), or by a probe that found `capability` working; return their streams."""
    async with connection.transaction():
        freed = await connection.fetch(_UNPARK, shop_id, None if streams is None else list(streams), capability)
        if capability is not None:
            await connection.execute(
                "UPDATE mpsync.capabilities SET state = 'ok', reason = NULL, checked_at = now() WHERE shop_id = $1 AND capability = $2",
                shop_id,
                capability,
            )
        await notify(connection, shop_id)
    return frozenset(row["stream"] for row in freed)


async def parked_shops(connection: Connection) -> Sequence[int]:
    """Working shops with feeds that are parked alone, for the daily probe: whatever they lacked may have come."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT f.shop_id FROM mpsync.feeds f JOIN mpsync.shops s USING (shop_id) JOIN mpsync.customers c USING (customer_id)
        WHERE f.state = 'parked' AND s.status IN ('syncing', 'active') AND NOT s.paused AND c.enabled ORDER BY f.shop_id
        """
    )
    return [row["shop_id"] for row in rows]


_NUDGE = """
UPDATE mpsync.feeds SET next_due_at = now()
WHERE shop_id = $1 AND lane = 'live' AND stream = ANY ($2::text[]) AND next_due_at > now()
"""


async def nudge(connection: Connection, shop_id: int, streams: Sequence[str]) -> None:
    """Make the live feeds of these streams due now."""
    async with connection.transaction():
        await connection.execute(_NUDGE, shop_id, list(streams))
        await notify(connection, shop_id)
