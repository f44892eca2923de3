"""`sync`: ask for runs and show their progress. Without a daemon the command itself is one, for as long as the runs take."""

from __future__ import annotations

import getpass
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated

import typer

from mpsyncd import daemon
from mpsyncd.cli.choices import moment, source_named, stream_names
from mpsyncd.cli.codes import Code, of_runs
from mpsyncd.cli.following import Followed, follow
from mpsyncd.cli.output import Column, print_json, print_table, say
from mpsyncd.cli.session import perform
from mpsyncd.cli.settings import Json
from mpsyncd.daemon.run import Daemon
from mpsyncd.model.errors import ConfigError, NotThere, Refused
from mpsyncd.model.run import Mode, RunState
from mpsyncd.model.shop import Shop
from mpsyncd.settings import KAITEN_TOKEN, KAITEN_URL, OLD_SHOP, Settings
from mpsyncd.storage import requests, shops, status
from mpsyncd.storage.embedded import read_runtime
from mpsyncd.storage.pool import Connection, Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for. Empty `shops` means every shop that is worked (of `source`)."""

    shops: tuple[str, ...]
    source: str | None
    mode: Mode
    streams: tuple[str, ...]
    start: str | None
    end: str | None


def sync(
    context: typer.Context,
    named: Annotated[
        list[str] | None,
        typer.Argument(metavar="SHOP", help="Names or numbers of shops, or a source for all of its; all that are worked when left out."),
    ] = None,
    *,
    source: Annotated[str | None, typer.Option(help="All shops of this source.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again, not only what changed.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Like --full, and a sudden emptiness is taken for the truth.")] = False,
    stream: Annotated[list[str] | None, typer.Option(help="Only this stream; may be repeated.")] = None,
    start: Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day of a range to read again.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Day after the range; now when left out.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Whether to stay until the runs end.")] = True,
    json: Json = False,
) -> None:
    """Bring shops up to date now, and show the progress. Exit code 3 when only a part went well."""
    mode = Mode.FORCED if force else Mode.FULL if full else Mode.SELECTIVE if stream else Mode.INCREMENTAL
    wish = Wish(shops=tuple(named or ()), source=source, mode=mode, streams=tuple(stream or ()), start=start, end=end)

    async def work(settings: Settings) -> list[Followed]:
        return await _sync(settings, wish, wait=wait)

    followed = perform(context, work)
    if json:
        print_json([asdict(each) for each in followed])
    elif wait:
        _print(followed)
    raise typer.Exit(_code(followed) if wait else Code.DONE)


async def _sync(settings: Settings, wish: Wish, *, wait: bool) -> list[Followed]:
    if settings.database.dsn is None and read_runtime(settings.database.data_dir) is None:
        return await _alone(settings, wish)
    async with daemon.open_storage(settings) as storage:
        async with storage.pool.connection() as connection:
            alive = any(each.alive for each in await status.daemons(connection))
        if alive:
            return await _asked(storage.pool, wish, wait=wait)
    return await _alone(settings, wish)


async def _alone(settings: Settings, wish: Wish) -> list[Followed]:
    """No daemon runs: be one until the runs end."""
    say("No daemon runs; the work is done here.")
    followed: list[Followed] = []

    async def work(one_shot: Daemon) -> int:
        assert one_shot.storage is not None  # noqa: S101 - it is ready
        followed.extend(await _asked(one_shot.storage.pool, wish, wait=True))
        return Code.DONE

    await daemon.run_once(settings, work)
    return followed


async def _asked(database: Database, wish: Wish, *, wait: bool) -> list[Followed]:
    async with database.connection() as connection:
        chosen = await _chosen(connection, wish)
        ids = [await _ask(connection, shop, wish) for shop in chosen]
    if not wait:
        say(f"Asked for {len(ids)} run{'s' * (len(ids) != 1)}; `mpsyncd runs list` shows them.")
        return [Followed(request_id=request_id) for request_id in ids]
    return await follow(database, ids)


async def _chosen(connection: Connection, wish: Wish) -> Sequence[Shop]:
    if not wish.shops:
        return await _working(connection, source_named(wish.source).name if wish.source is not None else None)
    every = await shops.list_shops(connection)
    sources = {shop.source for shop in every} - {shop.name for shop in every}
    chosen: dict[int, Shop] = {}
    for name in wish.shops:
        meant = await _working(connection, name) if name in sources else [await _named(connection, name)]
        chosen |= {shop.shop_id: shop for shop in meant}
    return list(chosen.values())


async def _working(connection: Connection, source: str | None) -> Sequence[Shop]:
    """All shops (of a source) that are worked; why others are not is said, and holds up nobody."""
    every = await shops.list_shops(connection, source=source)
    for shop in every:
        if (why := requests.idle_because(shop)) is not None:
            say(f"skipped: {why}")
    working = [shop for shop in every if shop.works]
    if not working:
        message = "There is no shop to sync; add one with `mpsyncd shops add`, or see `mpsyncd shops list`"
        raise Refused(message)
    return working


async def _named(connection: Connection, name: str) -> Shop:
    """The shop that is called so; the one that old variables would make is missed by the variable that is missing."""
    try:
        return await shops.find(connection, name)
    except NotThere:
        missing = [variable for variable in (KAITEN_TOKEN, KAITEN_URL) if not os.environ.get(variable, "").strip()]
        if name != OLD_SHOP or not missing:
            raise
        message = f"{missing[0]} is not set"
        raise ConfigError(message) from None


async def _ask(connection: Connection, shop: Shop, wish: Wish) -> int:
    source = source_named(shop.source)
    start: datetime | None = moment(wish.start, source=source)
    return await requests.create(
        connection,
        shop_id=shop.shop_id,
        mode=wish.mode,
        requested_by=f"cli:{getpass.getuser()}",
        streams=stream_names(source, list(wish.streams)),
        start=start,
        end=moment(wish.end, source=source),
    )


def _print(followed: Sequence[Followed]) -> None:
    columns = (
        Column(title="run", right=True),
        Column(title="shop", wide=True),
        Column(title="verdict"),
        *(Column(title=title, right=True) for title in ("read", "new", "changed", "gone", "rejected")),
    )
    runs = [each.run for each in followed if each.run is not None]
    print_table(columns, [(r.run_id, r.shop, r.state.value, r.seen, r.inserted, r.updated, r.tombstoned, r.rejected) for r in runs])
    for run in runs:
        for feed in run.feeds:
            if feed.reason is not None:
                say(f"{run.shop}: {feed.stream} ({feed.lane.value}) {feed.verdict.value if feed.verdict else 'open'}: {feed.reason}")
    for each in followed:
        if each.refused is not None:
            say(f"request {each.request_id} was refused: {each.refused}")
    if len(followed) > 1:
        counts = Counter("refused" if each.run is None else each.run.state.value for each in followed)
        say(f"{len(followed)} shops: {', '.join(f'{count} {verdict}' for verdict, count in sorted(counts.items()))}")


def _code(followed: Sequence[Followed]) -> Code:
    if not followed:
        return Code.INTERRUPTED
    return of_runs([each.run.state if each.run is not None else RunState.FAILED for each in followed])
