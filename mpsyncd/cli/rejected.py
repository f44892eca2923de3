"""`rejected`: rows that were refused, why, and another try once the cause is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from mpsyncd import daemon
from mpsyncd.cli.choices import source_named
from mpsyncd.cli.codes import Code
from mpsyncd.cli.output import Column, ago, print_json, print_line, print_table
from mpsyncd.cli.session import perform
from mpsyncd.cli.settings import Json
from mpsyncd.model.clock import SystemClock
from mpsyncd.settings import Settings
from mpsyncd.sources import SOURCES
from mpsyncd.storage import rejected, shops
from mpsyncd.storage.documents import Catalog, retry_rejected
from mpsyncd.storage.rejected import RejectedRow

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="See rows that were refused, and try them again.")

_AT_ONCE = 10_000
"""Rows that one command tries again; the next one goes on."""

OfShop = Annotated[str | None, typer.Option(help="Only rows of this shop.")]
OfStream = Annotated[str | None, typer.Option(help="Only rows of this stream.")]


@app.command("list")
def list_(
    context: typer.Context,
    *,
    shop: OfShop = None,
    stream: OfStream = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 20,
    json: Json = False,
) -> None:
    """List rejected rows with their reasons; --json has the documents too."""

    async def work(settings: Settings) -> Sequence[RejectedRow]:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            shop_id = (await shops.find(connection, shop)).shop_id if shop is not None else None
            return await rejected.list_rejected(connection, shop_id=shop_id, stream=stream, limit=limit)

    found = perform(context, work)
    if json:
        print_json([asdict(row) for row in found])
        return
    if not found:
        print_line("No row was rejected.")
        return
    now = SystemClock().now()
    columns = (Column(title="row", right=True), Column(title="shop"), Column(title="stream"), Column(title="seen"))
    rows = [(row.rejected_id, row.shop, row.stream, ago(row.last_seen_at, now), row.reason) for row in found]
    print_table((*columns, Column(title="reason", wide=True)), rows)


@app.command()
def retry(
    context: typer.Context,
    numbers: Annotated[list[int] | None, typer.Argument(metavar="ROW", help="Numbers of rows; all of them when left out.")] = None,
    *,
    shop: OfShop = None,
    stream: OfStream = None,
    json: Json = False,
) -> None:
    """Feed rejected rows in again, after what made them bad is gone. Exit code 3 when some are refused once more, 1 when all are."""

    async def work(settings: Settings) -> tuple[int, int]:
        return await _retry(settings, tuple(numbers or ()), shop=shop, stream=stream)

    tried, refused = perform(context, work)
    if json:
        print_json({"tried": tried, "written": tried - refused, "refused": refused})
    else:
        print_line(f"{tried} rows were tried again: {tried - refused} are written, {refused} were refused once more.")
    raise typer.Exit(Code.DONE if not refused else Code.FAILED if refused == tried else Code.PARTLY)


async def _retry(settings: Settings, numbers: Sequence[int], *, shop: str | None, stream: str | None) -> tuple[int, int]:
    """How many rows were tried, and how many of them are still there afterwards."""
    async with daemon.open_storage(settings) as storage, storage.pool.transaction() as connection:
        shop_id = (await shops.find(connection, shop)).shop_id if shop is not None else None
        if numbers:
            rows: Sequence[RejectedRow] = [await rejected.show_rejected(connection, number) for number in numbers]
        else:
            rows = await rejected.list_rejected(connection, shop_id=shop_id, stream=stream, limit=_AT_ONCE)
        sources = {each.shop_id: each.source for each in await shops.list_shops(connection)}
        groups: dict[tuple[str, str], list[int]] = {}
        for row in rows:
            groups.setdefault((sources[row.shop_id], row.stream), []).append(row.rejected_id)
        refused = 0
        catalog = await Catalog.load(connection, [table for source in SOURCES for each in source.streams for table in each.tables])
        for (source, name), ids in groups.items():
            done = await retry_rejected(connection, catalog, source_named(source).stream(name), ids)
            refused += min(done.rejected, len(ids))
    return len(rows), refused
