"""`tokens`: who may come in over HTTP. A token is printed once, when it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from mpsyncd import daemon
from mpsyncd.cli.output import Column, ago, print_json, print_line, print_table, say
from mpsyncd.cli.session import perform
from mpsyncd.cli.settings import Json
from mpsyncd.model.access import Role
from mpsyncd.model.clock import SystemClock
from mpsyncd.settings import Settings
from mpsyncd.settings.kinds import parse_duration
from mpsyncd.storage import access, customers, shops
from mpsyncd.storage.access import AccessToken

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make, list and revoke access tokens of the HTTP server.")


@dataclass(frozen=True, slots=True)
class _Listed:
    """Tokens, and the names of what they are bound to."""

    tokens: Sequence[AccessToken]
    customers: Mapping[int, str]
    shops: Mapping[int, str]


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is for; revoke knows it by this name.")],
    *,
    role: Annotated[
        Role, typer.Option(help="viewer reads, operator also pauses and asks for runs, admin also changes settings.")
    ] = Role.VIEWER,
    customer: Annotated[list[str] | None, typer.Option(help="Only shops of this customer; may be repeated.")] = None,
    shop: Annotated[list[str] | None, typer.Option(help="Only this shop; may be repeated.")] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="WHEN", help="After a time (90d) or on a day (2027-01-01); never when left out.")
    ] = None,
    json: Json = False,
) -> None:
    """Make an access token and print it, alone on stdout. It can not be shown again."""
    end = _end(expires, SystemClock().now())

    async def work(settings: Settings) -> tuple[AccessToken, str]:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            return await access.create(
                connection,
                name=name,
                role=role,
                customers=[(await customers.find(connection, each)).customer_id for each in customer or ()],
                shops=[(await shops.find(connection, each)).shop_id for each in shop or ()],
                expires_at=end,
            )

    made, text = perform(context, work)
    if json:
        print_json({**asdict(made), "token": text})
        return
    print_line(text)
    reach = "bound to what was named" if made.bound else "for all shops"
    say(f"This is access token {made.name!r} ({made.role}, {reach}). Keep it now; it can not be shown again.")


@app.command("list")
def list_(context: typer.Context, *, json: Json = False) -> None:
    """List access tokens: who may do what, and when each was last used. The tokens themselves are not known here."""

    async def work(settings: Settings) -> _Listed:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            return _Listed(
                await access.list_tokens(connection),
                {each.customer_id: each.name for each in await customers.list_customers(connection)},
                {each.shop_id: each.name for each in await shops.list_shops(connection)},
            )

    found = perform(context, work)
    if json:
        print_json([asdict(token) for token in found.tokens])
        return
    now = SystemClock().now()
    titles = ("id", "name", "role", "sees", "last used", "expires", "state")
    columns = [Column(title=title, wide=title in {"name", "sees"}) for title in titles]
    print_table(columns, [_row(token, found, now) for token in found.tokens])


@app.command()
def revoke(context: typer.Context, token: Annotated[str, typer.Argument(metavar="NAME", help="Name or id of the access token.")]) -> None:
    """End an access token, from the next HTTP request on."""

    async def work(settings: Settings) -> AccessToken:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            return await access.revoke(connection, token)

    ended = perform(context, work)
    print_line(f"Access token {ended.name!r} ({ended.token_id}) is revoked.")


def _end(text: str | None, now: datetime) -> datetime | None:
    """The instant at which a token ends; a day means its beginning, UTC."""
    if text is None:
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        try:
            time: timedelta = parse_duration(text)
            return now + time
        except (ValueError, OverflowError):
            message = f"{text!r} is neither a time such as 90d nor a day such as 2027-01-01"
            raise typer.BadParameter(message) from None
    return given if given.tzinfo is not None else given.replace(tzinfo=UTC)


def _row(token: AccessToken, found: _Listed, now: datetime) -> tuple[object, ...]:
    names = [f"customer {found.customers.get(each, each)}" for each in token.customers]
    names += [f"shop {found.shops.get(each, f'{each} (gone)')}" for each in token.shops]
    sees = ", ".join(names) if token.bound else "everything"
    expires = ago(token.expires_at, now)
    return token.token_id, token.name, token.role.value, sees, ago(token.last_used_at, now), expires, token.state
