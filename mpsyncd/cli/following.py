"""Follows run requests from the moment they are written to the end of their runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from mpsyncd.cli.output import left
from mpsyncd.cli.progress import LOOK_EVERY, Bar, screen
from mpsyncd.model.errors import StorageUnavailable
from mpsyncd.model.overview import RunView
from mpsyncd.storage import history, requests
from mpsyncd.storage.pool import Database

_FEW = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What became of one request: a run that ended, or a refusal."""

    request_id: int
    run: RunView | None = None
    refused: str | None = None


async def follow(database: Database, request_ids: Sequence[int]) -> list[Followed]:
    """Show progress until every request was refused or its run ended. A database that is away for a while is waited for."""
    with screen() as shown:
        while True:
            try:
                states = [await _state(database, request_id) for request_id in request_ids]
            except StorageUnavailable as error:
                shown.show([Bar(name="database", percent=None, rows=0, note=str(error))])
                await asyncio.sleep(LOOK_EVERY * 5)
                continue
            shown.show([_bar(state.run, place, of=len(states)) for place, state in enumerate(states, start=1) if state.run is not None])
            if all(state.refused is not None or (state.run is not None and state.run.ended_at is not None) for state in states):
                return states
            await asyncio.sleep(LOOK_EVERY)


async def _state(database: Database, request_id: int) -> Followed:
    async with database.connection() as connection:
        request = await requests.show(connection, request_id)
        run = await history.show_run(connection, request.run_id) if request.run_id is not None else None
    return Followed(request_id=request_id, run=run, refused=request.refused)


def _bar(run: RunView, place: int, *, of: int) -> Bar:
    """One run; which of how many, and what each of its streams has read when they are few."""
    name = run.shop if of == 1 else f"[{place}/{of}] {run.shop}"
    read = [f"{feed.stream} {feed.seen}" for feed in run.feeds] if len(run.feeds) <= _FEW else []
    under_way = [run.state.value] if run.ended_at else [left(run.eta, least=run.eta_least), run.reason]
    return Bar(name=name, percent=run.percent, rows=run.seen, note=", ".join(told for told in (*under_way, *read) if told))
