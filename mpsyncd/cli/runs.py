"""`runs`: what was attempted, how it came out, and how to stop it. Reloads of settings and shops are listed with them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from mpsyncd import daemon
from mpsyncd.cli.output import Column, ago, print_json, print_line, print_table, say, span
from mpsyncd.cli.session import perform
from mpsyncd.cli.settings import Json
from mpsyncd.model.clock import SystemClock
from mpsyncd.model.errors import NotThere
from mpsyncd.model.overview import RunView
from mpsyncd.model.run import RunState
from mpsyncd.settings import Settings
from mpsyncd.storage import history, reload, runs, shops
from mpsyncd.storage.reload import ReloadView

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="See and cancel runs.")

Number = Annotated[int, typer.Argument(metavar="RUN", help="Number of the run.")]


@app.command("list")
def list_(
    context: typer.Context,
    *,
    shop: Annotated[str | None, typer.Option(help="Only runs of this shop.")] = None,
    state: Annotated[RunState | None, typer.Option(metavar="STATE", help="Only runs in this state, for example failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 20,
    json: Json = False,
) -> None:
    """List runs, the newest first, and between them the reloads of settings and shops (unless --shop or --state asks for runs only)."""

    async def work(settings: Settings) -> list[RunView | ReloadView]:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            wanted = None if shop is None else [(await shops.find(connection, shop)).shop_id]
            found: list[RunView | ReloadView] = [*await history.list_runs(connection, shops=wanted, limit=limit, state=state)]
            if shop is None and state is None:
                found += await reload.list_reloads(connection, limit=limit)
        return sorted(found, key=lambda run: run.run_id, reverse=True)[:limit]

    found = perform(context, work)
    if json:
        print_json([_public(run) for run in found])
        return
    now = SystemClock().now()
    columns = (
        Column(title="run", right=True),
        Column(title="shop", wide=True),
        Column(title="why"),
        Column(title="mode"),
        Column(title="state"),
        Column(title="began"),
        Column(title="took"),
        Column(title="changed", right=True),
    )
    print_table(columns, [_row(run, ago(run.started_at, now)) for run in found])


@app.command()
def show(context: typer.Context, run: Number, *, json: Json = False) -> None:
    """Show one run with each of its feeds, or one reload with everything that it changed."""

    async def work(settings: Settings) -> RunView | ReloadView:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            try:
                return await reload.show_reload(connection, run)
            except NotThere:
                return await history.show_run(connection, run)

    found = perform(context, work)
    if json:
        print_json(_public(found))
        return
    if isinstance(found, ReloadView):
        print_line(f"Reload {found.run_id}, asked for by {', '.join(found.asked_by)}: {found.outcome.state}")
        print_line("\n".join((*found.outcome.changes, *found.outcome.problems)))
        return
    waits = f": {found.reason}" if found.reason else ""
    print_line(f"Run {found.run_id} of {found.shop}: {found.trigger.value}, {found.mode.value}, {found.state.value}{waits}")
    columns = [Column(title=title) for title in ("stream", "lane", "verdict")]
    numbers = [Column(title=title, right=True) for title in ("pages", "read", "new", "changed", "gone", "rejected")]
    rows = [
        (f.stream, f.lane.value, f.verdict.value if f.verdict else None, f.pages, f.seen, f.inserted, f.updated, f.tombstoned, f.rejected)
        for f in found.feeds
    ]
    print_table([*columns, *numbers], rows)
    for feed in found.feeds:
        if feed.reason:
            print_line(f"{feed.stream} ({feed.lane.value}): {feed.reason}")


@app.command()
def cancel(context: typer.Context, run: Number) -> None:
    """Cancel a run; the page in hand is committed first."""

    async def work(settings: Settings) -> bool:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            return await runs.cancel(connection, run, SystemClock().now())

    ended = perform(context, work)
    say(f"Run {run} is cancelled." if ended else f"Run {run} ends after the page in hand.")


def _public(run: RunView | ReloadView) -> dict[str, Any]:
    """A run for programs; `kind` tells reloads from runs."""
    return {"kind": "reload" if isinstance(run, ReloadView) else "run"} | asdict(run)


def _row(run: RunView | ReloadView, began: str) -> tuple[object, ...]:
    if isinstance(run, ReloadView):
        outcome = run.outcome
        took = span(outcome.at - run.started_at)
        return run.run_id, None, ", ".join(run.asked_by), "reload", outcome.state, began, took, len(outcome.changes)
    ended = span(run.ended_at - run.started_at) if run.ended_at is not None else None
    changed = run.inserted + run.updated + run.tombstoned
    state = run.state.value if run.folded == 1 else f"{run.state.value} ×{run.folded}"
    return run.run_id, run.shop, run.trigger.value, run.mode.value, state, began, ended, changed
