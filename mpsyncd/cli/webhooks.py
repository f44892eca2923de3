"""`webhooks`: the address that a vendor sends to, and what came of what it sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated
from urllib.parse import quote

import aiohttp
import orjson
import typer

from mpsyncd import daemon
from mpsyncd.cli.choices import source_named
from mpsyncd.cli.codes import Code
from mpsyncd.cli.output import Column, ago, print_json, print_line, print_table, say, span
from mpsyncd.cli.session import perform
from mpsyncd.cli.settings import Json
from mpsyncd.cli.shops import Named
from mpsyncd.daemon import Storage
from mpsyncd.model.clock import SystemClock
from mpsyncd.model.errors import Refused
from mpsyncd.model.shop import Shop
from mpsyncd.model.webhook import TEST_EVENT, DeliveryState
from mpsyncd.settings import Settings
from mpsyncd.storage import shops, webhooks
from mpsyncd.storage.webhooks import DeliveryView

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Let a vendor tell what changes, and see what it told.")

PATIENCE_SECONDS = 15
_LOOK_EVERY = 0.1


@app.command()
def url(context: typer.Context, shop: Named, *, json: Json = False) -> None:
    """Print the address that the vendor shall send a shop's webhooks to, alone on stdout. Whoever has it can send."""

    async def work(settings: Settings) -> str:
        async with daemon.open_storage(settings) as storage:
            found = await _found(storage, shop)
            async with storage.pool.connection() as connection:
                return _address(_public(settings), found, await webhooks.secret_of(connection, storage.vault, found.shop_id))

    _print_address(perform(context, work), json=json)


@app.command()
def rotate(context: typer.Context, shop: Named, *, json: Json = False) -> None:
    """Make a new secret and print the new address. The old address is refused from now on: change it at the vendor at once."""

    async def work(settings: Settings) -> str:
        async with daemon.open_storage(settings) as storage:
            found, base = await _found(storage, shop), _public(settings)
            async with storage.pool.connection() as connection:
                return _address(base, found, await webhooks.renew_secret(connection, storage.vault, found.shop_id))

    _print_address(perform(context, work), json=json)


@app.command("list")
def list_(
    context: typer.Context,
    shop: Named,
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 20,
    json: Json = False,
) -> None:
    """List a shop's deliveries: when each came, its event, and what came of it."""

    async def work(settings: Settings) -> Sequence[DeliveryView]:
        async with daemon.open_storage(settings) as storage:
            found = await _found(storage, shop)
            async with storage.pool.connection() as connection:
                return await webhooks.list_deliveries(connection, found.shop_id, limit=limit)

    found = perform(context, work)
    if json:
        print_json([asdict(each) for each in found])
        return
    if not found:
        print_line("No delivery has come yet (mpsyncd webhooks test tries the way).")
        return
    now = SystemClock().now()
    titles = ("delivery", "received", "event", "state", "tries", "run")
    rows = [
        (each.delivery_id, ago(each.received_at, now), each.event, each.state, each.attempts, each.run_id, each.error) for each in found
    ]
    print_table((*(Column(title=title) for title in titles), Column(title="error", wide=True)), rows)


@app.command("test")
def try_out(
    context: typer.Context,
    shop: Named,
    *,
    public: Annotated[bool, typer.Option("--public", help="Send to [http] public_url, through proxy or tunnel.")] = False,
    json: Json = False,
) -> None:
    """Send a delivery that touches nothing to the daemon and tell what came of it. Exit code 1 when it did not get there.

    Exit code 75 when it was taken, but not processed within 15 seconds.
    """

    async def work(settings: Settings) -> DeliveryView:
        async with daemon.open_storage(settings) as storage:
            found = await _found(storage, shop)
            async with storage.pool.connection() as connection:
                secret = await webhooks.secret_of(connection, storage.vault, found.shop_id)
            delivery_id = await _send(_public(settings) if public else _local(settings), found, secret)
            return await _followed(storage, delivery_id)

    came = perform(context, work)
    if json:
        print_json(asdict(came))
    elif came.processed_at is not None:
        print_line(f"Delivery {came.delivery_id} was taken and is {came.state} after {span(came.processed_at - came.received_at)}.")
    else:
        say(f"Delivery {came.delivery_id} was taken, but is not processed yet; mpsyncd status tells whether the shop is worked.")
    raise typer.Exit(Code.TRY_LATER if came.state == DeliveryState.PENDING else Code.DONE)


async def _found(storage: Storage, named: str) -> Shop:
    """The shop; Refused where its vendor sends no webhooks."""
    async with storage.pool.connection() as connection:
        found = await shops.find(connection, named)
    if source_named(found.source).receive is None:
        raise Refused(f"Shop {found.name!r} is at {found.source}, which sends no webhooks that mpsyncd understands.")
    return found


def _public(settings: Settings) -> str:
    if settings.http.public_url is None:
        raise Refused(
            "Nobody outside can know how to reach this server: set [http] public_url to its address from outside, as in "
            "https://sync.example.com (docs/howto/kaiten-webhooks.md)."
        )
    return settings.http.public_url


def _local(settings: Settings) -> str:
    host, port = settings.http.host.strip("[]"), settings.http.port
    if port == 0:
        raise Refused("The daemon takes any free port ([http] port = 0), so nobody knows where it listens; set a port, or use --public.")
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _address(base: str, shop: Shop, secret: str) -> str:
    return f"{base}/api/webhooks/{shop.source}/{quote(secret, safe='')}"


def _print_address(address: str, *, json: bool) -> None:
    if json:
        print_json({"url": address})
        return
    print_line(address)
    say("Give it to the vendor and to nobody else: whoever has it can send deliveries.")


async def _send(base: str, shop: Shop, secret: str) -> int:
    """Send the test delivery; its number. Refused with what the server, or who stands before it, said."""
    body = orjson.dumps({"event": TEST_EVENT, "data": {}})
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_SECONDS)) as session,
            session.post(_address(base, shop, secret), data=body, headers={"Content-Type": "application/json"}) as answer,
        ):
            told = await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Refused(f"The delivery did not reach {base}: {type(error).__name__}. Does the daemon run there?") from None
    try:
        return int(orjson.loads(told)["delivery_id"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise Refused(f"{base} answered {answer.status} and no number of a delivery: {told[:200].decode(errors='replace')}") from None


async def _followed(storage: Storage, delivery_id: int) -> DeliveryView:
    """The delivery once it is processed, or as it stands after a while."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        async with storage.pool.connection() as connection:
            came = await webhooks.show_delivery(connection, delivery_id)
        if came.state != DeliveryState.PENDING or asyncio.get_running_loop().time() > deadline:
            return came
        await asyncio.sleep(_LOOK_EVERY)
