"""`reload`: ask the daemons that run to read settings and shops again, and tell what came of it."""

from __future__ import annotations

import asyncio
import getpass
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer

from mpsyncd import daemon
from mpsyncd.cli.codes import Code
from mpsyncd.cli.output import print_json, print_line, say
from mpsyncd.cli.session import perform
from mpsyncd.cli.settings import Json
from mpsyncd.model.errors import Refused
from mpsyncd.model.overview import DaemonView
from mpsyncd.settings import Settings
from mpsyncd.storage import reload as reloads
from mpsyncd.storage import status
from mpsyncd.storage.embedded import read_runtime
from mpsyncd.storage.embedded.runtime import alive
from mpsyncd.storage.pool import Database
from mpsyncd.storage.reload import ReloadView

PATIENCE_SECONDS = 60
_LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Answer:
    """What a daemon made of the question; None when it has not answered in time."""

    daemon: DaemonView
    reload: ReloadView | None


def reload(context: typer.Context, *, json: Json = False) -> None:
    """Let the running daemon read settings and shops again, and print what changed.

    Exit code 78 when it refused, with every reason and nothing changed; 75 when it has not answered within a minute.
    """
    answers = perform(context, _ask)
    if json:
        print_json([_public(answer) for answer in answers])
    else:
        for answer in answers:
            _print(answer, named=len(answers) > 1)
    raise typer.Exit(_code(answers))


async def _ask(settings: Settings) -> list[Answer]:
    if settings.database.dsn is None and read_runtime(settings.database.data_dir) is None:
        raise Refused(_NOBODY)
    async with daemon.open_storage(settings) as storage:
        async with storage.pool.connection() as connection:
            daemons = [each for each in await status.daemons(connection) if _lives(each)]
            asked = [await reloads.ask(connection, each.daemon_id, by=f"cli:{getpass.getuser()}") for each in daemons]
        if not daemons:
            raise Refused(_NOBODY)
        return await _answers(storage.pool, daemons, asked)


_NOBODY = "No daemon runs on this database, so nothing was asked; mpsyncd run reads settings and shops at its start"


def _lives(each: DaemonView) -> bool:
    """One of this machine that was killed has left a row that still looks alive for a while."""
    return each.alive and (each.host != socket.gethostname() or alive(each.pid))


async def _answers(database: Database, daemons: Sequence[DaemonView], asked: Sequence[int]) -> list[Answer]:
    views: list[ReloadView | None] = [None] * len(asked)
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        async with database.connection() as connection:
            views = [view or await reloads.answered(connection, request_id) for view, request_id in zip(views, asked, strict=True)]
        if all(views) or asyncio.get_running_loop().time() > deadline:
            return [Answer(each, view) for each, view in zip(daemons, views, strict=True)]
        await asyncio.sleep(_LOOK_EVERY)


def _print(answer: Answer, *, named: bool) -> None:
    who = f"Daemon {answer.daemon.pid} on {answer.daemon.host}"
    if answer.reload is None:
        say(f"{who} has not answered; it may be busy or gone. `mpsyncd runs list` will show its answer.")
        return
    if named:
        print_line(f"{who}:")
    outcome = answer.reload.outcome
    for change in outcome.changes:
        print_line(change)
    if outcome.state == "unchanged":
        print_line("Nothing has changed.")
    for problem in outcome.problems:
        say(f"refused: {problem}")


def _public(answer: Answer) -> dict[str, Any]:
    view = answer.reload
    told = None if view is None else {"run_id": view.run_id, "asked_by": view.asked_by, **_outcome(view)}
    return {"daemon": {"host": answer.daemon.host, "pid": answer.daemon.pid}, "reload": told}


def _outcome(view: ReloadView) -> dict[str, Any]:
    return {"state": view.outcome.state, "changes": view.outcome.changes, "problems": view.outcome.problems, "at": view.outcome.at}


def _code(answers: Sequence[Answer]) -> Code:
    if any(answer.reload is not None and answer.reload.outcome.state == "refused" for answer in answers):
        return Code.CONFIG
    return Code.TRY_LATER if any(answer.reload is None for answer in answers) else Code.DONE
