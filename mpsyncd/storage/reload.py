"""Reloads: what commands ask of a daemon, and every reading of settings and shops with what came of it. They share the numbers of runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsyncd.model.errors import NotThere
from mpsyncd.model.reload import ReloadOutcome
from mpsyncd.storage.nudge import notify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from mpsyncd.storage.pool import Connection, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadRequest:
    """What a command asked of one daemon, and when."""

    request_id: int
    requested_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadView:
    """One reload as it is kept. `asked_by`: everybody whom it answered ("signal", "api", "cli:somebody")."""

    run_id: int
    daemon_id: UUID
    asked_by: tuple[str, ...]
    started_at: datetime
    outcome: ReloadOutcome


async def ask(connection: Connection, daemon: UUID, *, by: str) -> int:
    """Ask a daemon to read its settings and shops again; return the request's id."""
    async with connection.transaction():
        request_id: int = await connection.fetchval(
            "INSERT INTO mpsync.reload_requests (daemon_id, requested_by) VALUES ($1, $2) RETURNING request_id", daemon, by
        )
        await notify(connection)
    return request_id


async def asked(connection: Connection, daemon: UUID) -> Sequence[ReloadRequest]:
    """Requests to this daemon that no reload has answered, oldest first."""
    rows = await connection.fetch(
        "SELECT request_id, requested_by FROM mpsync.reload_requests WHERE daemon_id = $1 AND run_id IS NULL ORDER BY request_id", daemon
    )
    return [ReloadRequest(request_id=row["request_id"], requested_by=row["requested_by"]) for row in rows]


async def answered(connection: Connection, request_id: int) -> ReloadView | None:
    """The reload that answered a request, None before there is one."""
    row = await connection.fetchrow(_VIEW + "JOIN mpsync.reload_requests q USING (run_id) WHERE q.request_id = $1", request_id)
    return None if row is None else _view(row)


_RECORD = """
INSERT INTO mpsync.reloads (daemon_id, asked_by, state, changes, problems, started_at, ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING run_id
"""


async def record(
    connection: Connection, daemon: UUID, outcome: ReloadOutcome, *, asked_by: Sequence[str], requests: Sequence[int], started_at: datetime
) -> int:
    """Keep what came of a reload and answer the requests that it was for, in the caller's transaction; return its number."""
    run_id: int = await connection.fetchval(
        _RECORD, daemon, list(asked_by), outcome.state, list(outcome.changes), list(outcome.problems), started_at, outcome.at
    )
    await connection.execute("UPDATE mpsync.reload_requests SET run_id = $2 WHERE request_id = ANY ($1::bigint[])", list(requests), run_id)
    return run_id


_VIEW = "SELECT r.run_id, r.daemon_id, r.asked_by, r.state, r.changes, r.problems, r.started_at, r.ended_at FROM mpsync.reloads r "


async def list_reloads(connection: Connection, *, limit: int = 50, before: int | None = None) -> Sequence[ReloadView]:
    """The newest reloads; `before` is the number where the previous page ended."""
    rows = await connection.fetch(_VIEW + "WHERE $1::bigint IS NULL OR r.run_id < $1 ORDER BY r.run_id DESC LIMIT $2", before, limit)
    return [_view(row) for row in rows]


async def show_reload(connection: Connection, run_id: int) -> ReloadView:
    """One reload; NotThere when the number is that of no reload."""
    row = await connection.fetchrow(_VIEW + "WHERE r.run_id = $1", run_id)
    if row is None:
        raise NotThere(f"There is no reload {run_id}; mpsyncd runs list shows those there are.")
    return _view(row)


async def forget_old(connection: Connection, keep: timedelta) -> None:
    """Remove reloads that ended longer ago than `keep`, and requests of that age that nobody answered."""
    await connection.execute("DELETE FROM mpsync.reloads WHERE ended_at < now() - $1::interval", keep)
    await connection.execute("DELETE FROM mpsync.reload_requests WHERE run_id IS NULL AND requested_at < now() - $1::interval", keep)


def _view(row: Record) -> ReloadView:
    outcome = ReloadOutcome(state=row["state"], changes=tuple(row["changes"]), problems=tuple(row["problems"]), at=row["ended_at"])
    return ReloadView(
        run_id=row["run_id"], daemon_id=row["daemon_id"], asked_by=tuple(row["asked_by"]), started_at=row["started_at"], outcome=outcome
    )
