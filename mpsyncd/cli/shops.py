"""`shops`: who is kept in step. Keys come from a file, stdin or a prompt, and are looked at before they are stored."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from mpsyncd import daemon
from mpsyncd.cli.choices import source_named
from mpsyncd.cli.codes import Code
from mpsyncd.cli.output import Column, ago, print_json, print_line, print_table, say
from mpsyncd.cli.secrets import read_credentials
from mpsyncd.cli.session import perform
from mpsyncd.cli.settings import Json
from mpsyncd.model.clock import SystemClock
from mpsyncd.model.errors import Refused
from mpsyncd.model.overview import ShopView
from mpsyncd.model.shop import CapabilityState, Shop, ShopCheck, ShopStatus
from mpsyncd.model.source import Credentials, Source
from mpsyncd.settings import Settings
from mpsyncd.storage import shop_status, shops
from mpsyncd.storage.vault import load_secrets

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Add, check, pause and remove shops.")

Named = Annotated[str, typer.Argument(metavar="SHOP", help="Name or number of the shop.")]
TokenFile = Annotated[Path | None, typer.Option(help='File with the key; "-" reads stdin. Without it a hidden prompt asks.')]


@app.command("list")
def list_(
    context: typer.Context, *, source: Annotated[str | None, typer.Option(help="Only shops of this source.")] = None, json: Json = False
) -> None:
    """List the shops."""

    async def work(settings: Settings) -> list[Shop]:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            return list(await shops.list_shops(connection, source=source_named(source).name if source else None))

    found = perform(context, work)
    if json:
        print_json([_public(shop) for shop in found])
        return
    now = SystemClock().now()
    columns = (
        Column(title="id", right=True),
        Column(title="shop"),
        Column(title="source"),
        Column(title="status"),
        Column(title="key expires"),
    )
    rows = [
        (shop.shop_id, shop.name, shop.source, status_of(shop), ago(shop.expires_at, now) if shop.expires_at else None) for shop in found
    ]
    print_table(
        (*columns, Column(title="message", wide=True)), [(*row, shop.status_message) for row, shop in zip(rows, found, strict=True)]
    )


@app.command()
def add(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="wildberries")],
    *,
    name: Annotated[str | None, typer.Option(help="Name of the shop; the vendor's own name for it when left out.")] = None,
    customer: Annotated[str, typer.Option(help="Whose shop it is.")] = "default",
    token_file: TokenFile = None,
    json: Json = False,
) -> None:
    """Look at a key and add its shop; the first load begins at once when the daemon runs."""
    chosen = source_named(source)
    credentials = read_credentials(chosen.secrets, token_file)

    async def work(settings: Settings) -> tuple[Shop, ShopCheck]:
        return await add_shop(settings, chosen, credentials, name=name, customer=customer)

    shop, check = perform(context, work)
    _report(shop, check, json=json, done=f"Shop {shop.name!r} was added as number {shop.shop_id}.")


@app.command()
def check(context: typer.Context, shop: Named, *, json: Json = False) -> None:
    """Look at the stored key again: what it may do, what it lacks, when it ends. Exit code 1 when it does not work."""

    async def work(settings: Settings) -> tuple[Shop, ShopCheck]:
        async with daemon.open_storage(settings) as storage:
            async with storage.pool.connection() as connection:
                found = await shops.find(connection, shop)
                credentials = await load_secrets(connection, storage.vault, found.shop_id)
            looked = await daemon.check_shop(settings, found.source, credentials)
            async with storage.pool.connection() as connection:
                await shops.set_capabilities(connection, found.shop_id, looked.capabilities)
        return found, looked

    found, looked = perform(context, work)
    _report(found, looked, json=json, done=f"The key of shop {found.name!r} works.")
    if not looked.valid:
        raise typer.Exit(Code.FAILED)


@app.command("rotate-key")
def rotate_key(context: typer.Context, shop: Named, *, token_file: TokenFile = None, json: Json = False) -> None:
    """Give a shop a new key. Its data and positions stay, and what waited for a key goes on."""

    async def work(settings: Settings) -> tuple[Shop, ShopCheck]:
        async with daemon.open_storage(settings) as storage:
            async with storage.pool.connection() as connection:
                found = await shops.find(connection, shop)
            credentials = read_credentials(source_named(found.source).secrets, token_file)
            looked = await _sound(settings, source_named(found.source), credentials)
            assert looked.identity is not None  # noqa: S101 - a sound key has one
            async with storage.pool.connection() as connection:
                renewed = await shop_status.replace_secrets(
                    connection,
                    storage.vault,
                    shop_id=found.shop_id,
                    secrets=credentials,
                    identity=looked.identity,
                    found=looked.capabilities,
                )
        return renewed, looked

    renewed, looked = perform(context, work)
    _report(renewed, looked, json=json, done=f"Shop {renewed.name!r} has a new key.")


@app.command()
def pause(context: typer.Context, shop: Named) -> None:
    """Stop working a shop until `resume`; the page in hand is finished."""
    _set_paused(context, shop, paused=True)


@app.command()
def resume(context: typer.Context, shop: Named) -> None:
    """Let a paused shop go on where it stopped."""
    _set_paused(context, shop, paused=False)


@app.command()
def remove(
    context: typer.Context, shop: Named, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False
) -> None:
    """Remove a shop with its key and, in the background, all of its rows."""

    async def find(settings: Settings) -> Shop:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            return await shops.find(connection, shop)

    async def work(settings: Settings) -> Shop:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            return await shop_status.remove(connection, found.shop_id)

    found = perform(context, find)
    if not yes:
        typer.confirm(f"Remove shop {found.name!r} of {found.source} (number {found.shop_id}) with all of its rows?", abort=True, err=True)
    perform(context, work)
    print_line(f"Shop {found.name!r} is being removed; its key is gone already.")


async def add_shop(
    settings: Settings, source: Source, credentials: Credentials, *, name: str | None, customer: str
) -> tuple[Shop, ShopCheck]:
    """Look at a key and write its shop down; Refused when the key can not work."""
    looked = await _sound(settings, source, credentials)
    assert looked.identity is not None  # noqa: S101 - a sound key has one
    called = name or looked.name
    if called is None:
        message = "The vendor did not tell the shop's name; give one with --name"
        raise Refused(message)
    new = shops.NewShop(
        source=source.name, name=called, customer=customer, secrets=credentials, identity=looked.identity, capabilities=looked.capabilities
    )
    async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
        return await shops.add(connection, storage.vault, new), looked


def status_of(shop: Shop | ShopView) -> str:
    """The status as people say it. A shop that should work and does not belongs to a customer who is switched off."""
    if shop.paused:
        return "paused"
    return "customer off" if not shop.works and shop.status in {ShopStatus.SYNCING, ShopStatus.ACTIVE} else shop.status.value


async def _sound(settings: Settings, source: Source, credentials: Credentials) -> ShopCheck:
    looked = await daemon.check_shop(settings, source.name, credentials)
    if not looked.valid:
        message = f"The key does not work: {looked.error} Nothing was changed."
        raise Refused(message)
    return looked


def _set_paused(context: typer.Context, named: str, *, paused: bool) -> None:
    async def work(settings: Settings) -> Shop:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            found = await shops.find(connection, named)
            await shop_status.set_paused(connection, found.shop_id, paused=paused)
            return found

    found = perform(context, work)
    print_line(f"Shop {found.name!r} {'is paused' if paused else 'goes on'}.")


def _report(shop: Shop, check: ShopCheck, *, json: bool, done: str) -> None:
    if json:
        print_json({"shop": _public(shop), "check": {**asdict(check), "identity": check.identity.as_json() if check.identity else None}})
        return
    for warning in check.warnings:
        say(f"warning: {warning}")
    if not check.valid:
        say(f"The key of shop {shop.name!r} does not work: {check.error}")
        return
    rights = [name for name, (state, _) in sorted(check.capabilities.items()) if state is CapabilityState.OK]
    print_line(done)
    print_line(f"It may: {', '.join(rights) or 'nothing that could be proven'}.")


def _public(shop: Shop) -> dict[str, Any]:
    """A shop for programs; there is no secret in it to begin with."""
    return asdict(shop)
