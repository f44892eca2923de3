"""Runs for people to look at: those under way with the progress of each feed, and those that ended."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from mpsyncd.model.errors import NotThere
from mpsyncd.model.overview import RunFeedView, RunView
from mpsyncd.model.run import FeedVerdict, Mode, RunState, Trigger
from mpsyncd.model.stream import Lane
from mpsyncd.storage.progress import Remaining, eta, fraction, percent
from mpsyncd.storage.under_way import under_way

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from mpsyncd.storage.pool import Connection, Record
    from mpsyncd.storage.progress import UnderWay

_RUN = """
SELECT r.run_id, r.shop_id, s.name AS shop, r.trigger, r.mode, r.state, r.started_at, r.ended_at, r.reason, r.waits_until, r.folded,
       r.folded_since, sums.*
"""
_SUMS = """
JOIN mpsync.shops s ON s.shop_id = r.shop_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(pages), 0)::bigint AS pages, coalesce(sum(seen), 0)::bigint AS seen, coalesce(sum(inserted), 0)::bigint AS inserted,
           coalesce(sum(updated), 0)::bigint AS updated, coalesce(sum(tombstoned), 0)::bigint AS tombstoned,
           coalesce(sum(rejected), 0)::bigint AS rejected, coalesce(sum(skipped), 0)::bigint AS skipped
    FROM mpsync.run_feeds rf WHERE rf.run_id = r.run_id
) sums
"""
_PAGE = """
FROM (
    SELECT * FROM mpsync.runs
    WHERE ($1::bigint[] IS NULL OR shop_id = ANY ($1)) AND ($2::bigint IS NULL OR run_id < $2) AND ($3::text IS NULL OR state = $3)
    ORDER BY run_id DESC LIMIT $4
) r
"""
_NEWEST = """
FROM (
    SELECT last.* FROM mpsync.shops each CROSS JOIN LATERAL (
        SELECT * FROM mpsync.runs WHERE shop_id = each.shop_id AND ended_at IS NOT NULL ORDER BY started_at DESC LIMIT 1
    ) last
) r
"""
_ALL = "FROM mpsync.runs r"
_LIST = _RUN + _PAGE + _SUMS + "ORDER BY r.run_id DESC"
_ONE = _RUN + _ALL + _SUMS + "WHERE r.run_id = $1"
_OPEN = _RUN + _ALL + _SUMS + "WHERE r.ended_at IS NULL AND ($1::bigint IS NULL OR r.shop_id = $1) ORDER BY r.run_id"
_LAST = _RUN + _NEWEST + _SUMS + "WHERE $1::bigint IS NULL OR r.shop_id = $1"
_FEEDS = """
SELECT rf.run_id, rf.feed_id, f.stream, f.lane, rf.verdict, rf.reason, rf.error, rf.pages, rf.seen, rf.inserted, rf.updated, rf.tombstoned,
       rf.rejected, rf.skipped, rf.planned_requests, rf.planned_seconds, rf.plan_unsure, rf.started_at, rf.moved_at, rf.ended_at,
       CASE WHEN f.last_full_at IS NULL THEN 0 ELSE coalesce(c.live, 0) END AS before
FROM mpsync.run_feeds rf JOIN mpsync.feeds f USING (feed_id) JOIN mpsync.shops s USING (shop_id)
LEFT JOIN mpsync.stream_tables t ON t.source = s.source AND t.stream = f.stream AND t.main AND t.declared
LEFT JOIN mpsync.table_counts c ON c.shop_id = f.shop_id AND c.table_name = t.table_name
WHERE rf.run_id = ANY ($1::bigint[]) ORDER BY rf.run_id, f.lane DESC, f.feed_id
"""


async def list_runs(
    connection: Connection,
    *,
    shops: Collection[int] | None = None,
    limit: int = 50,
    before: int | None = None,
    state: RunState | None = None,
) -> Sequence[RunView]:
    """The newest runs, of these shops or (None) of all; `before` is the run id where the previous page ended."""
    rows = await connection.fetch(_LIST, None if shops is None else list(shops), before, state.value if state else None, limit)
    return [_run(row) for row in rows]


async def show_run(connection: Connection, run_id: int) -> RunView:
    """One run with its feeds and percent; NotThere when there is none."""
    row = await connection.fetchrow(_ONE, run_id)
    if row is None:
        raise NotThere(f"There is no run {run_id}; mpsyncd runs list shows those there are.")
    work = await under_way(connection, shop_id=row["shop_id"]) if row["ended_at"] is None else {}
    [run] = await _with_feeds(connection, [_run(row)], await connection.fetchval("SELECT now()"), work)
    return run


async def open_runs(
    connection: Connection, now: datetime, work: Mapping[int, UnderWay], *, shop_id: int | None = None
) -> Sequence[RunView]:
    """Runs under way with their feeds, oldest first."""
    return await _with_feeds(connection, [_run(row) for row in await connection.fetch(_OPEN, shop_id)], now, work)


async def last_runs(connection: Connection, *, shop_id: int | None = None) -> Sequence[RunView]:
    """The last ended run of each shop."""
    return [_run(row) for row in await connection.fetch(_LAST, shop_id)]


async def _with_feeds(connection: Connection, runs: Sequence[RunView], now: datetime, work: Mapping[int, UnderWay]) -> Sequence[RunView]:
    feeds: defaultdict[int, list[RunFeedView]] = defaultdict(list)
    for row in await connection.fetch(_FEEDS, [run.run_id for run in runs]) if runs else ():
        feeds[row["run_id"]].append(_feed(row, now, work))
    return [_measured(run, feeds[run.run_id], now) for run in runs]


def _measured(run: RunView, feeds: Sequence[RunFeedView], now: datetime) -> RunView:
    """The run with what its feeds' commits say of the whole; each feed weighs what it was planned to take."""
    shares = [max([1.0, *(feed.planned or {}).values()]) for feed in feeds]
    left = [
        Remaining(fraction=feed.progress, planned=feed.planned, elapsed=(now - feed.started_at).total_seconds(), unsure=feed.unsure)
        for feed in feeds
        if feed.verdict is None and feed.ended_at is None
    ]
    time, least = eta(left) if run.ended_at is None else (None, False)
    return replace(run, feeds=tuple(feeds), percent=percent([feed.progress for feed in feeds], shares), eta=time, eta_least=least)


def _feed(row: Record, now: datetime, work: Mapping[int, UnderWay]) -> RunFeedView:
    verdict = None if row["verdict"] is None else FeedVerdict(row["verdict"])
    now_read = work.get(row["feed_id"])
    at_work = verdict is None and row["ended_at"] is None
    return RunFeedView(
        feed_id=row["feed_id"],
        stream=row["stream"],
        lane=Lane(row["lane"]),
        started_at=row["started_at"],
        verdict=verdict,
        reason=row["reason"],
        error=row["error"],
        pages=row["pages"],
        seen=row["seen"],
        inserted=row["inserted"],
        updated=row["updated"],
        tombstoned=row["tombstoned"],
        rejected=row["rejected"],
        skipped=row["skipped"],
        moved_at=row["moved_at"],
        ended_at=row["ended_at"],
        silent_for=now - (row["moved_at"] or row["started_at"]) if at_work else None,
        rows_so_far=now_read.rows if now_read else 0,
        progress=fraction(done=verdict is FeedVerdict.OK, work=now_read, rows_before=row["before"]),
        planned_requests=row["planned_requests"],
        planned=row["planned_seconds"],
        unsure=row["plan_unsure"],
    )


def _run(row: Record) -> RunView:
    return RunView(
        run_id=row["run_id"],
        shop_id=row["shop_id"],
        shop=row["shop"],
        trigger=Trigger(row["trigger"]),
        mode=Mode(row["mode"]),
        state=RunState(row["state"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        reason=row["reason"],
        waits_until=row["waits_until"],
        folded=row["folded"],
        folded_since=row["folded_since"],
        pages=row["pages"],
        seen=row["seen"],
        inserted=row["inserted"],
        updated=row["updated"],
        tombstoned=row["tombstoned"],
        rejected=row["rejected"],
        skipped=row["skipped"],
    )
