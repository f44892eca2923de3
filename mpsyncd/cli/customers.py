"""`customers`: who owns shops, and a switch for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from mpsyncd import daemon
from mpsyncd.cli.output import Column, print_json, print_line, print_table
from mpsyncd.cli.session import perform
from mpsyncd.cli.settings import Json
from mpsyncd.settings import Settings
from mpsyncd.storage import customers
from mpsyncd.storage.customers import Customer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List customers, and switch one off or on with all of its shops.")

Named = Annotated[str, typer.Argument(metavar="CUSTOMER", help="Name of the customer.")]


@app.command("list")
def list_(context: typer.Context, *, json: Json = False) -> None:
    """List customers with the number of their shops. `shops add --customer` makes them."""

    async def work(settings: Settings) -> Sequence[Customer]:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            return await customers.list_customers(connection)

    found = perform(context, work)
    if json:
        print_json([asdict(customer) for customer in found])
        return
    columns = (
        Column(title="id", right=True),
        Column(title="customer", wide=True),
        Column(title="state"),
        Column(title="shops", right=True),
    )
    print_table(columns, [(each.customer_id, each.name, "on" if each.enabled else "off", each.shops) for each in found])


@app.command()
def off(context: typer.Context, customer: Named) -> None:
    """Switch a customer off: all of its shops stop after the page in hand, and none begins anything new."""
    switched = _switch(context, customer, enabled=False)
    print_line(f"Customer {switched.name!r} is off: work on its shops ({switched.shops}) ends after the page in hand.")


@app.command()
def on(context: typer.Context, customer: Named) -> None:
    """Switch a customer on again: its shops go on where they stopped."""
    switched = _switch(context, customer, enabled=True)
    print_line(f"Customer {switched.name!r} is on: its shops ({switched.shops}) go on where they stopped.")


def _switch(context: typer.Context, named: str, *, enabled: bool) -> Customer:
    async def work(settings: Settings) -> Customer:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            return await customers.set_enabled(connection, named, enabled=enabled)

    return perform(context, work)
