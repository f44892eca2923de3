"""Tasks of analytics: a request for a run for each of their shops. What they have reached is read from the runs, never kept here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsyncd.model.errors import NotThere
from mpsyncd.model.run import Mode
from mpsyncd.storage import requests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from mpsyncd.model.run import Trigger
    from mpsyncd.storage.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """A task as written down: its requests by shop."""

    task_id: UUID
    batch_size: int
    requested_at: datetime
    requests: Mapping[int, int]


# A request that is refused, or whose run has ended, is over.
_RUNNING = """
SELECT a.task_id FROM mpsync.analytics_requests a
JOIN mpsync.run_requests q USING (request_id) LEFT JOIN mpsync.runs r ON r.run_id = q.run_id
GROUP BY a.task_id
HAVING array_agg(a.shop_id ORDER BY a.shop_id) = $1::bigint[] AND bool_or(q.refused IS NULL AND (r.run_id IS NULL OR r.ended_at IS NULL))
   AND max(q.requested_at) > now() - interval '1 day'
ORDER BY max(a.request_id) DESC LIMIT 1
"""
_TURN = "SELECT pg_advisory_xact_lock(hashtext('mpsyncd analytics'))"
_ADD = "INSERT INTO mpsync.analytics_tasks (batch_size, requested_by) VALUES ($1, $2) RETURNING task_id"
_SHOP = "INSERT INTO mpsync.analytics_requests (task_id, request_id, shop_id) VALUES ($1, $2, $3)"


async def start(connection: Connection, streams: Mapping[int, Sequence[str]], *, batch_size: int, by: str, trigger: Trigger) -> UUID:
    """Ask for a run over these streams of each shop; while a task over the same shops is under way it is that one. Returns the task's id.

    Raises:
        NotThere: a shop is unknown.
        Refused: a shop is not worked.
    """
    shops = sorted(streams)
    async with connection.transaction():
        await connection.execute(_TURN)
        running: UUID | None = await connection.fetchval(_RUNNING, shops)
        if running is not None:
            return running
        task_id: UUID = await connection.fetchval(_ADD, batch_size, by)
        for shop_id in shops:
            request_id = await requests.create(
                connection, shop_id=shop_id, mode=Mode.SELECTIVE, streams=streams[shop_id], requested_by=by, trigger=trigger
            )
            await connection.execute(_SHOP, task_id, request_id, shop_id)
    return task_id


_TASK = """
SELECT t.batch_size, t.requested_at, a.shop_id, a.request_id
FROM mpsync.analytics_tasks t JOIN mpsync.analytics_requests a USING (task_id) WHERE t.task_id = $1 ORDER BY a.shop_id
"""


async def task(connection: Connection, task_id: UUID) -> TaskRow:
    """One task; NotThere when there is none."""
    rows = await connection.fetch(_TASK, task_id)
    if not rows:
        raise NotThere(f"There is no analytics task {task_id}.")
    return TaskRow(
        task_id=task_id,
        batch_size=rows[0]["batch_size"],
        requested_at=rows[0]["requested_at"],
        requests={row["shop_id"]: row["request_id"] for row in rows},
    )


_FRESH = """
SELECT coalesce(min(last_success_at), '-infinity') > now() - interval '24 hours' FROM mpsync.feeds
WHERE shop_id = $1 AND lane = 'live' AND stream = ANY ($2::text[])
"""


async def fresh(connection: Connection, shop_id: int, streams: Sequence[str]) -> bool:
    """Whether every one of these streams was read to its end within a day."""
    return bool(await connection.fetchval(_FRESH, shop_id, list(streams)))
