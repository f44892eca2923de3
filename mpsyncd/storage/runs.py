"""Runs: attempts written down with what each feed committed; a run's verdict is computed from these rows, never from reaching the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.model.errors import NotThere, Refused
from mpsyncd.model.run import FeedVerdict, RunState
from mpsyncd.storage.nudge import notify

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from mpsyncd.model.plan import Planned
    from mpsyncd.model.run import Mode, Trigger
    from mpsyncd.model.work import Committed
    from mpsyncd.storage.pool import Connection

_OPEN = """
WITH opened AS (
    INSERT INTO mpsync.runs (shop_id, daemon_id, trigger, mode, started_at) VALUES ($1, $2, $3, $4, $5) RETURNING run_id
), feeds AS (
    INSERT INTO mpsync.run_feeds (run_id, feed_id, started_at, planned_requests, planned_seconds, plan_unsure)
    SELECT run_id, told.feed_id, $5, told.requests, told.seconds, told.unsure
    FROM opened, unnest($6::bigint[], $8::integer[], $9::jsonb[], $10::boolean[]) AS told (feed_id, requests, seconds, unsure)
), weighed AS (
    UPDATE mpsync.feeds f SET weight = told.weight FROM unnest($6::bigint[], $11::float8[]) AS told (feed_id, weight)
    WHERE f.feed_id = told.feed_id AND f.weight IS NULL AND told.weight IS NOT NULL
), linked AS (
    UPDATE mpsync.run_requests q SET run_id = opened.run_id FROM opened WHERE q.request_id = $7
)
SELECT run_id FROM opened
"""


async def open_run(
    connection: Connection,
    *,
    shop_id: int,
    daemon: UUID,
    trigger: Trigger,
    mode: Mode,
    feed_ids: Sequence[int],
    request_id: int | None,
    now: datetime,
    planned: Mapping[int, Planned] | None = None,
) -> int:
    """Write down a run over these feeds with what each is planned to cost, link the request to it, return its id."""
    plans = [(planned or {}).get(feed_id) for feed_id in feed_ids]
    run_id: int = await connection.fetchval(
        _OPEN,
        shop_id,
        daemon,
        trigger.value,
        mode.value,
        now,
        list(feed_ids),
        request_id,
        [plan and plan.requests for plan in plans],
        [plan and dict(plan.seconds) for plan in plans],
        [plan is None or plan.unsure for plan in plans],
        [plan and max([1.0, *plan.seconds.values()]) for plan in plans],
    )
    return run_id


async def waits(connection: Connection, run_id: int, reason: str | None, until: datetime | None) -> None:
    """Show that the run waits, or (reason None) works again."""
    state = RunState.RUNNING if reason is None else RunState.WAITING
    await connection.execute(
        "UPDATE mpsync.runs SET state = $2, reason = $3, waits_until = $4 WHERE run_id = $1 AND ended_at IS NULL",
        run_id,
        state.value,
        reason,
        until,
    )


async def cancelled(connection: Connection, daemon: UUID) -> frozenset[int]:
    """Open runs of the daemon that a person cancelled."""
    rows = await connection.fetch("SELECT run_id FROM mpsync.runs WHERE daemon_id = $1 AND ended_at IS NULL AND cancel", daemon)
    return frozenset(row["run_id"] for row in rows)


_COUNT = """
UPDATE mpsync.run_feeds SET pages = pages + $8, seen = seen + $3, inserted = inserted + $4, updated = updated + $5,
    tombstoned = tombstoned + $6, rejected = rejected + $7, skipped = skipped + $9, moved_at = now()
WHERE run_id = $1 AND feed_id = $2
"""


async def count(connection: Connection, run_id: int, feed_id: int, done: Committed, *, pages: int, skipped: int = 0) -> None:
    """Add what a commit did to the feed's line in its run. `skipped`: parents that were passed by."""
    told = (done.seen, done.inserted, done.updated, done.tombstoned, done.rejected, pages, skipped)
    await connection.execute(_COUNT, run_id, feed_id, *told)


def verdict(feeds: Sequence[FeedVerdict | None]) -> RunState:
    """Return the verdict of a run from those of its feeds (None: none was reached)."""
    found = set(feeds)
    if found <= {FeedVerdict.OK}:
        return RunState.DONE
    if FeedVerdict.OK in found:
        return RunState.PARTLY
    if found == {FeedVerdict.CANCELLED}:
        return RunState.CANCELLED
    return RunState.FAILED


_CLOSE = """
UPDATE mpsync.runs SET state = $2, ended_at = $3, reason = NULL, waits_until = NULL WHERE run_id = $1 AND ended_at IS NULL
"""
_CUT = "UPDATE mpsync.run_feeds SET verdict = $2, ended_at = $3 WHERE run_id = $1 AND verdict IS NULL"
# What a person cancelled must not begin again at the next tick; a request or its schedule after this rest brings it back.
_REST = """
UPDATE mpsync.feeds f SET next_due_at = greatest(f.next_due_at, $2::timestamptz + interval '30 minutes'), reason = 'cancelled by a person'
FROM mpsync.run_feeds rf WHERE rf.run_id = $1 AND rf.feed_id = f.feed_id AND rf.verdict IS NULL AND f.state NOT IN ('parked', 'done')
"""


async def close(connection: Connection, run_id: int, now: datetime, state: RunState | None = None) -> RunState:
    """Close a run with `state`, else with the verdict of its feeds; return how it ended. A run that has ended stays as it is."""
    async with connection.transaction():
        ended = await connection.fetchval("SELECT state FROM mpsync.runs WHERE run_id = $1 AND ended_at IS NOT NULL", run_id)
        if ended is not None:
            return RunState(ended)
        if state is None:
            rows = await connection.fetch("SELECT verdict FROM mpsync.run_feeds WHERE run_id = $1", run_id)
            state = verdict([None if row["verdict"] is None else FeedVerdict(row["verdict"]) for row in rows])
        if state is RunState.CANCELLED:
            await connection.execute(_REST, run_id, now)
            await connection.execute(_CUT, run_id, FeedVerdict.CANCELLED.value, now)
        else:
            await connection.execute(_CUT, run_id, None, now)
        await connection.execute(_CLOSE, run_id, state.value, now)
        return state


_CANCEL = """
SELECT r.shop_id, r.state, r.ended_at, coalesce(l.holder = r.daemon_id AND l.expires_at > now(), false) AS alive
FROM mpsync.runs r JOIN mpsync.shops s USING (shop_id) LEFT JOIN mpsync.leases l USING (lease_group)
WHERE r.run_id = $1 FOR UPDATE OF r
"""


async def cancel(connection: Connection, run_id: int, now: datetime) -> bool:
    """Ask the run's daemon to end it after the page in hand; a run without a live daemon is closed here (True).

    Raises:
        NotThere: there is no such run.
        Refused: it has ended.
    """
    async with connection.transaction():
        row = await connection.fetchrow(_CANCEL, run_id)
        if row is None:
            raise NotThere(f"There is no run {run_id}; mpsyncd runs list shows those there are.")
        if row["ended_at"] is not None:
            raise Refused(f"Run {run_id} has ended already ({row['state']}).")
        await connection.execute("UPDATE mpsync.runs SET cancel = true WHERE run_id = $1", run_id)
        if row["alive"]:
            await notify(connection, row["shop_id"])
            return False
        await close(connection, run_id, now, RunState.CANCELLED)
        return True
