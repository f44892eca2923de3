"""`plan`: what a run would cost before it begins. Asks the database and the published limits, never a vendor."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from mpsyncd import daemon
from mpsyncd.cli.choices import source_named, stream_names
from mpsyncd.cli.output import Column, print_json, print_line, print_table, span
from mpsyncd.cli.session import perform
from mpsyncd.cli.settings import Json
from mpsyncd.model.errors import Refused
from mpsyncd.model.plan import Plan
from mpsyncd.model.run import Mode
from mpsyncd.model.shop import Shop
from mpsyncd.settings import Settings


def plan(
    context: typer.Context,
    *,
    shop: Annotated[str, typer.Option(help="Name or number of the shop.")],
    full: Annotated[bool, typer.Option("--full", help="Plan to read everything again, not only what changed.")] = False,
    stream: Annotated[list[str] | None, typer.Option(help="Only this stream; may be repeated.")] = None,
    assume: Annotated[
        list[str] | None, typer.Option(metavar="TABLE=ROWS", help="Rows to expect in a table that was never read; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """Tell the requests and the time of a run before it starts."""
    mode = Mode.FULL if full else Mode.SELECTIVE if stream else Mode.INCREMENTAL
    assumed = dict(_assumed(text) for text in assume or ())

    async def work(settings: Settings) -> tuple[Shop, Plan]:
        return await daemon.plan(settings, shop, mode=mode, streams=stream or (), assumed=assumed)

    found, planned = perform(context, work)
    if stream:
        stream_names(source_named(found.source), list(stream))
    if json:
        print_json({"shop": found.name, "mode": mode.value, "requests": planned.requests, **asdict(planned)})
        return
    _print(found, planned)


def _print(shop: Shop, planned: Plan) -> None:
    columns = [Column(title="stream", wide=True), Column(title="lane"), Column(title="requests", right=True), Column(title="not known")]
    rows = [(one.stream, one.lane.value, sum(one.requests.values()), one.unsure or "") for one in planned.feeds if one.requests]
    print_table(columns, rows)
    print_line("")
    gates = [Column(title="limit", wide=True), *(Column(title=title, right=True) for title in ("requests", "one every", "burst", "time"))]
    print_table(gates, [(gate.limit, gate.requests, _seconds(gate.interval), gate.burst, span(gate.time)) for gate in planned.gates])
    least = "at least " if any(one.unsure and one.requests for one in planned.feeds) else ""
    print_line(f"\n{shop.name}: {least}{planned.requests} requests, {least}{span(planned.time)} by the limits.")


def _seconds(interval: timedelta) -> str:
    return f"{interval.total_seconds():g} s"


def _assumed(text: str) -> tuple[str, int]:
    table, _, rows = text.partition("=")
    if not table or not rows.isdecimal():
        raise Refused(f"--assume {text!r}: give it as TABLE=ROWS, for example wb.finance=600000.")
    return table, int(rows)
