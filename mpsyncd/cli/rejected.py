"""`rejected`: rows that were refused, why, and another try once the cause is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from mpsyncd import daemon
from mpsyncd.cli.output import Column, ago, print_json, print_line, print_table
from mpsyncd.cli.session import perform
from mpsyncd.cli.settings import Json
from mpsyncd.model.clock import SystemClock
from mpsyncd.settings import Settings
from mpsyncd.storage import rejected, shops
from mpsyncd.storage.rejected import RejectedRow

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="See rows that were refused, and try them again.")

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
