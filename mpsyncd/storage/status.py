"""The read side for pages, metrics and commands: everything about all shops at one instant. Counts are read, never counted anew."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mpsyncd.model.feed import FeedState
from mpsyncd.model.overview import DaemonView, FeedView, Overview, ShopView, TableView
from mpsyncd.model.shop import CapabilityState
from mpsyncd.model.stream import Lane
from mpsyncd.storage import history, webhook_status
from mpsyncd.storage.progress import fraction, percent
from mpsyncd.storage.shops import SHOPS, shop_of
from mpsyncd.storage.under_way import under_way

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mpsyncd.model.overview import RunView
    from mpsyncd.storage.pool import Connection, Database, Record
    from mpsyncd.storage.progress import UnderWay

_SIGN_OF_LIFE = timedelta(minutes=2)
_FEEDS = """
SELECT f.shop_id, f.feed_id, f.stream, f.lane, f.state, f.next_due_at, f.not_before, f.complete_from, f.complete_until, f.last_success_at,
       f.last_full_at, f.weight, f.attempts, f.reason, f.park_capability, f.error, f.error_at, coalesce(c.live, 0) AS rows
FROM mpsync.feeds f JOIN mpsync.shops s USING (shop_id)
LEFT JOIN mpsync.stream_tables t ON t.source = s.source AND t.stream = f.stream AND t.main AND t.declared
LEFT JOIN mpsync.table_counts c ON c.shop_id = f.shop_id AND c.table_name = t.table_name
WHERE $1::bigint IS NULL OR f.shop_id = $1 ORDER BY f.feed_id
"""
_TABLES = """
SELECT shop_id, table_name, live, deleted FROM mpsync.table_counts WHERE $1::bigint IS NULL OR shop_id = $1 ORDER BY table_name
"""
_CAPABILITIES = """
SELECT shop_id, capability, state, reason FROM mpsync.capabilities WHERE $1::bigint IS NULL OR shop_id = $1 ORDER BY capability
"""
_REJECTED = "SELECT shop_id, count(*) AS rows FROM mpsync.rejected_rows WHERE $1::bigint IS NULL OR shop_id = $1 GROUP BY shop_id"
_DAEMONS = """
SELECT d.daemon_id, d.host, d.pid, d.version, d.started_at, d.seen_at, d.gone_at IS NULL AND d.seen_at > now() - $1::interval AS alive,
       coalesce(array_agg(l.lease_group ORDER BY l.lease_group) FILTER (WHERE l.expires_at > now()), '{}') AS groups
FROM mpsync.daemons d LEFT JOIN mpsync.leases l ON l.holder = d.daemon_id
GROUP BY d.daemon_id ORDER BY d.started_at
"""


async def overview(database: Database, *, shop_id: int | None = None) -> Overview:
    """Everything about all shops, or about one; StorageUnavailable when the database is away."""
    async with database.connection() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        return await read_overview(connection, shop_id=shop_id)


async def read_overview(connection: Connection, *, shop_id: int | None = None) -> Overview:
    """Like `overview`, in the caller's transaction."""
    now: datetime = await connection.fetchval("SELECT now()")
    work = await under_way(connection, shop_id=shop_id)
    feeds = _grouped([(row["shop_id"], _feed(row, work)) for row in await connection.fetch(_FEEDS, shop_id)])
    tables = _grouped([(row["shop_id"], _table(row)) for row in await connection.fetch(_TABLES, shop_id)])
    able = _grouped([(row["shop_id"], row) for row in await connection.fetch(_CAPABILITIES, shop_id)])
    rejected = {row["shop_id"]: row["rows"] for row in await connection.fetch(_REJECTED, shop_id)}
    running = _grouped([(run.shop_id, run) for run in await history.open_runs(connection, now, work, shop_id=shop_id)])
    last = {run.shop_id: run for run in await history.last_runs(connection, shop_id=shop_id)}
    hooks = await webhook_status.views(connection, now, shop_id=shop_id)
    shops = await connection.fetch(SHOPS + "WHERE $1::bigint IS NULL OR s.shop_id = $1 ORDER BY s.shop_id", shop_id)
    views = tuple(
        _shop(
            row,
            now,
            feeds=feeds[row["shop_id"]],
            running=running[row["shop_id"]],
            tables=tuple(tables[row["shop_id"]]),
            capabilities={one["capability"]: (CapabilityState(one["state"]), one["reason"]) for one in able[row["shop_id"]]},
            rejected=rejected.get(row["shop_id"], 0),
            last_run=last.get(row["shop_id"]),
            webhooks=hooks.get(row["shop_id"]),
        )
        for row in shops
    )
    return Overview(taken_at=now, shops=views, daemons=await daemons(connection))


async def daemons(connection: Connection) -> tuple[DaemonView, ...]:
    """Daemons that worked on this database lately, with the lease groups that each holds."""
    return tuple(
        DaemonView(
            daemon_id=row["daemon_id"],
            host=row["host"],
            pid=row["pid"],
            version=row["version"],
            started_at=row["started_at"],
            seen_at=row["seen_at"],
            alive=row["alive"],
            groups=tuple(row["groups"]),
        )
        for row in await connection.fetch(_DAEMONS, _SIGN_OF_LIFE)
    )


def _shop(row: Record, now: datetime, *, feeds: Sequence[FeedView], running: Sequence[RunView], **rest: Any) -> ShopView:
    shop = shop_of(row)
    return ShopView(
        shop_id=shop.shop_id,
        customer=shop.customer,
        source=shop.source,
        name=shop.name,
        status=shop.status,
        paused=shop.paused,
        works=shop.works,
        held=row["holder"] is not None and row["lease_expires_at"] > now,
        status_message=shop.status_message,
        expires_at=shop.expires_at,
        warnings=tuple(shop.identity.get("warnings", ())),
        variant=shop.identity.get("variant", ""),
        feeds=tuple(feeds),
        percent=_percent(feeds),
        open_run=running[0] if running else None,
        open_runs=tuple(running),
        **rest,
    )


def _percent(feeds: Sequence[FeedView]) -> int:
    """The first load of what can be loaded: a parked feed that has nothing yet is no part of the whole, unless all of them are parked."""
    able = [feed for feed in feeds if feed.state is not FeedState.PARKED or feed.progress == 1.0]
    return percent([feed.progress for feed in able], [feed.weight for feed in able])


def _feed(row: Record, work: Mapping[int, UnderWay]) -> FeedView:
    lane, now_read = Lane(row["lane"]), work.get(row["feed_id"])
    loaded = row["last_success_at"] is not None if lane is Lane.LIVE else row["last_full_at"] is not None
    return FeedView(
        feed_id=row["feed_id"],
        stream=row["stream"],
        lane=lane,
        state=FeedState(row["state"]),
        next_due_at=row["next_due_at"],
        not_before=row["not_before"],
        complete_from=row["complete_from"],
        complete_until=row["complete_until"],
        last_success_at=row["last_success_at"],
        last_full_at=row["last_full_at"],
        attempts=row["attempts"],
        reason=row["reason"],
        park_capability=row["park_capability"],
        error=row["error"],
        error_at=row["error_at"],
        slices_known=now_read.known if now_read else 0,
        slices_done=now_read.done if now_read else 0,
        rows=row["rows"],
        rows_so_far=now_read.rows if now_read else 0,
        progress=fraction(done=loaded, work=now_read),
        weight=row["weight"] or 1.0,
    )


def _table(row: Record) -> TableView:
    return TableView(table=row["table_name"], live=row["live"], deleted=row["deleted"])


def _grouped(pairs: Sequence[tuple[int, Any]]) -> defaultdict[int, list[Any]]:
    groups: defaultdict[int, list[Any]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups
