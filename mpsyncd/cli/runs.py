"""`runs`: what was attempted, how it came out, and how to stop it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from mpsyncd import daemon
from mpsyncd.cli.output import Column, ago, print_json, print_line, print_table, say, span
from mpsyncd.cli.session import perform
from mpsyncd.cli.settings import Json
from mpsyncd.model.clock import SystemClock
from mpsyncd.model.overview import RunView
from mpsyncd.model.run import RunState
from mpsyncd.settings import Settings
from mpsyncd.storage import history, runs, shops

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
    """List runs, the newest first."""

    async def work(settings: Settings) -> Sequence[RunView]:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            wanted = None if shop is None else [(await shops.find(connection, shop)).shop_id]
            return await history.list_runs(connection, shops=wanted, limit=limit, state=state)

    found = perform(context, work)
    if json:
        print_json([asdict(run) for run in found])
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
    """Show one run with each of its feeds."""

    async def work(settings: Settings) -> RunView:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            return await history.show_run(connection, run)

    found = perform(context, work)
    if json:
        print_json(asdict(found))
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


def _row(run: RunView, began: str) -> tuple[object, ...]:
    took = span(run.ended_at - run.started_at) if run.ended_at is not None else None
    changed = run.inserted + run.updated + run.tombstoned
    state = run.state.value if run.folded == 1 else f"{run.state.value} ×{run.folded}"
    return run.run_id, run.shop, run.trigger.value, run.mode.value, state, began, took, changed
