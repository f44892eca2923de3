"""`chats`: what buyers and seller wrote to each other, and the files in it. Reads the database; files are fetched by the daemon."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import aiohttp
import typer
from yarl import URL

from mpsyncd import daemon
from mpsyncd.cli.codes import Code
from mpsyncd.cli.output import Column, ago, print_json, print_line, print_table, say
from mpsyncd.cli.session import perform
from mpsyncd.cli.settings import Json
from mpsyncd.daemon.run import Daemon
from mpsyncd.model.access import Role
from mpsyncd.model.clock import SystemClock
from mpsyncd.model.errors import MpsyncdError, NotThere, Refused
from mpsyncd.settings import Settings
from mpsyncd.storage import access, chats, shops, status
from mpsyncd.storage.chats import ChatView, MessageView, Wanted
from mpsyncd.storage.embedded import read_runtime
from mpsyncd.storage.pool import Database

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Read chats with buyers, and fetch files from them.")

_PAGE = 1000
_PASS = timedelta(minutes=5)
_WAIT_SECONDS = 120

Shop = Annotated[str, typer.Argument(metavar="SHOP", help="Name or number of the shop.")]
Chat = Annotated[str, typer.Argument(metavar="CHAT", help="The vendor's id of the chat, as `chats list` prints it.")]


@app.command("list")
def list_(
    context: typer.Context,
    shop: Shop,
    *,
    unanswered: Annotated[bool, typer.Option("--unanswered", help="Only chats that wait for an answer.")] = False,
    search: Annotated[str | None, typer.Option(help="Only chats with these words in a text or in the buyer's name.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the one that moved last first.")] = 20,
    json: Json = False,
) -> None:
    """List the chats of a shop."""

    async def work(settings: Settings) -> Sequence[ChatView]:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            found = await shops.find(connection, shop)
            wanted = Wanted(unanswered=unanswered, words=search)
            return await chats.list_chats(connection, found.shop_id, wanted, before=None, limit=limit)

    found = perform(context, work)
    if json:
        print_json([asdict(chat) for chat in found])
        return
    now = SystemClock().now()
    columns = (
        Column(title="chat", wide=True),
        Column(title="buyer"),
        Column(title="messages", right=True),
        Column(title="last"),
        Column(title="waits since"),
    )
    rows = [
        (
            chat.chat_id,
            _name(chat),
            chat.messages,
            ago(chat.last_at, now),
            ago(chat.waiting_since, now) if chat.waiting_since else None,
        )
        for chat in found
    ]
    print_table(columns, rows)


@app.command()
def show(context: typer.Context, shop: Shop, chat: Chat, *, json: Json = False) -> None:
    """Print one chat from its first message to its last."""

    async def work(settings: Settings) -> tuple[ChatView, list[MessageView]]:
        async with daemon.open_storage(settings) as storage, storage.pool.connection() as connection:
            shop_id = (await shops.find(connection, shop)).shop_id
            found = await chats.show_chat(connection, shop_id, chat)
            said: list[MessageView] = []
            while len(said) % _PAGE == 0:
                after = (said[-1].sent_ms or 0, said[-1].message_id) if said else None
                page = await chats.messages(connection, shop_id, chat, after=after, limit=_PAGE)
                said += page
                if not page:
                    break
            return found, said

    found, said = perform(context, work)
    if json:
        print_json({"chat": asdict(found), "messages": [asdict(message) for message in said]})
        return
    print_line(f"Chat {found.chat_id} with {_name(found) or 'a buyer without a name'}: {found.messages} messages")
    for message in said:
        at = f"{message.sent_at:%Y-%m-%d %H:%M}" if message.sent_at else "–"
        print_line(f"{at}  {message.sender or '–'}: {message.text or ''}")
        for name, download_id in _files(message.attachments):
            print_line(f"{'':18}{name}: {download_id}")


@app.command()
def attachment(
    context: typer.Context,
    shop: Shop,
    download_id: Annotated[str, typer.Argument(metavar="DOWNLOAD_ID", help="As `chats show` prints it.")],
    *,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; - or nothing is stdout.")] = None,
) -> None:
    """Fetch a file of a chat through the daemon. Exit code 75 while the vendor still looks at it: try again later."""

    async def work(settings: Settings) -> bytes | int:
        return await _fetched(settings, shop, download_id)

    found = perform(context, work)
    if isinstance(found, int):
        say(f"The vendor still looks at this file; ask again in {found} s.")
        raise typer.Exit(Code.TRY_LATER)
    if output is None or str(output) == "-":
        sys.stdout.buffer.write(found)
    else:
        output.write_bytes(found)
        say(f"{len(found)} bytes written to {output}")


async def _fetched(settings: Settings, shop: str, download_id: str) -> bytes | int:
    """The file, or in how many seconds to ask again; without a daemon the command is one for as long as it takes."""
    if settings.database.dsn is not None or read_runtime(settings.database.data_dir) is not None:
        async with daemon.open_storage(settings) as storage:
            async with storage.pool.connection() as connection:
                alive = any(each.alive for each in await status.daemons(connection))
            if alive:
                url = str(URL.build(scheme="http", host=settings.http.host, port=settings.http.port))
                return await _asked(storage.pool, url, shop, download_id)
    found: list[bytes | int] = []

    async def work(one: Daemon) -> int:
        assert one.storage is not None  # noqa: S101 - it is ready
        assert one.url is not None  # noqa: S101 - it has a server
        found.append(await _asked(one.storage.pool, one.url, shop, download_id))
        return Code.DONE

    await daemon.run_once(settings, work, web=True)
    if not found:
        raise Refused("Interrupted before the file was there.")
    return found[0]


async def _asked(database: Database, url: str, shop: str, download_id: str) -> bytes | int:
    """Ask the daemon's server, with a token that lives as long as the question."""
    async with database.connection() as connection:
        shop_id = (await shops.find(connection, shop)).shop_id
        expires_at = SystemClock().now() + _PASS
        token, text = await access.create(
            connection, name=f"chats attachment {expires_at.timestamp()}", role=Role.VIEWER, shops=[shop_id], expires_at=expires_at
        )
    try:
        timeout = aiohttp.ClientTimeout(total=_WAIT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, headers={"Authorization": f"Bearer {text}"}) as client:
            path = f"{url}/api/shops/{shop_id}/attachments/{quote(download_id, safe='')}"
            async with client.get(URL(path, encoded=True)) as answer:
                return await _answer(answer)
    except aiohttp.ClientConnectionError:
        raise Refused(f"The daemon's server does not answer at {url}; see [http] in the settings.") from None
    finally:
        async with database.connection() as connection:
            await access.forget(connection, token.token_id)


async def _answer(answer: aiohttp.ClientResponse) -> bytes | int:
    if answer.status == 200:  # noqa: PLR2004 - HTTP
        return await answer.read()
    told: dict[str, Any] = await answer.json(content_type=None)
    if answer.status == 202:  # noqa: PLR2004 - HTTP
        return int(told["retry_seconds"])
    detail = str(told.get("detail", f"the daemon answered {answer.status}"))
    if answer.status == 404:  # noqa: PLR2004 - HTTP
        raise NotThere(detail)
    raise MpsyncdError(detail)


def _name(chat: ChatView) -> str | None:
    return "(erased)" if chat.erased else chat.client_name


def _files(shown: Any) -> list[tuple[str, str]]:
    listed = shown if isinstance(shown, dict) else {}
    found = [*(listed.get("files") or ()), *(listed.get("images") or ())]
    return [(str(each.get("name") or "picture"), str(each["downloadID"])) for each in found if "downloadID" in each]
