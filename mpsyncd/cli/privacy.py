"""`privacy`: forget what a buyer said, for good."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from mpsyncd import daemon
from mpsyncd.cli.output import print_json, print_line, say
from mpsyncd.cli.session import perform
from mpsyncd.cli.settings import Json
from mpsyncd.daemon.attachments import file_cache
from mpsyncd.model.errors import NotThere
from mpsyncd.settings import Settings
from mpsyncd.storage import privacy, shops
from mpsyncd.storage.pool import Database
from mpsyncd.storage.privacy import Erased

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Erase what buyers said.")


@app.command()
def erase(
    context: typer.Context,
    *,
    shop: Annotated[str, typer.Option(help="Name or number of the shop.")],
    chat: Annotated[list[str] | None, typer.Option(help="Erase this chat; may be repeated.")] = None,
    client: Annotated[str | None, typer.Option(metavar="NAME", help="Erase all chats of buyers of this name.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; needed where nobody can answer.")] = False,
    json: Json = False,
) -> None:
    """Erase texts, names and attachments of chats; counts and times stay. It can not be undone, and later reads do not bring them back."""
    if bool(chat) is (client is not None):
        message = "name either chats (--chat) or a buyer (--client)"
        raise typer.BadParameter(message)

    async def found(settings: Settings) -> Sequence[str]:
        async with daemon.open_storage(settings) as storage:
            return await _chosen(storage.pool, shop, chat or (), client)

    chosen = perform(context, found)
    if not yes:
        typer.confirm(f"Erase {len(chosen)} chats of shop {shop}: {', '.join(chosen[:5])}{' …' if len(chosen) > 5 else ''}?", abort=True)  # noqa: PLR2004

    async def work(settings: Settings) -> Erased:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            shop_id = (await shops.find(connection, shop)).shop_id
            done = await privacy.erase(connection, shop_id, chosen, by=f"cli:{getpass.getuser()}")
        await file_cache(settings).forget(shop_id, done.downloads)
        return done

    done = perform(context, work)
    if json:
        print_json({name: value for name, value in asdict(done).items() if name != "downloads"})
        return
    print_line(f"Erased: {done.chats} chats, {done.events} events, {done.attachments} attachments.")
    say("Backups and log files that were made before still hold what they held.")


async def _chosen(database: Database, shop: str, chats: Sequence[str], client: str | None) -> Sequence[str]:
    async with database.connection() as connection:
        shop_id = (await shops.find(connection, shop)).shop_id
        if client is None:
            return list(dict.fromkeys(chats))
        found = await privacy.chats_of(connection, shop_id, client)
        if not found:
            raise NotThere(f"Shop {shop!r} has no chat with a buyer called {client!r}.")
        return found
