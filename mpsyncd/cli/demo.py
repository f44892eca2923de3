"""`demo`: sandbox, database and daemon together, no keys needed; with --once everything is compared with the truth at the end."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from mpsyncd import daemon
from mpsyncd.cli.choices import source_named
from mpsyncd.cli.codes import Code
from mpsyncd.cli.demo_report import print_report
from mpsyncd.cli.demo_truth import Comparison, compare, of_living, stored_rows, true_rows, true_tables
from mpsyncd.cli.following import follow
from mpsyncd.cli.neighbour import InventedShop, Neighbour, sandbox_process
from mpsyncd.cli.output import say
from mpsyncd.cli.progress import LOOK_EVERY, Bar, screen
from mpsyncd.daemon.run import Daemon
from mpsyncd.model.feed import FeedState
from mpsyncd.model.overview import ShopView
from mpsyncd.model.run import Mode
from mpsyncd.model.shop import Shop
from mpsyncd.model.stream import Stream, Table
from mpsyncd.settings import Settings, places
from mpsyncd.storage import requests, shops
from mpsyncd.storage.pool import Database
from mpsyncd.storage.status import overview

EVENT_RATE = 2.0
_NO_ORDERS_FOR_BASE = {"kind": "base_refused", "host": "statistics-api", "path": "/api/v1/supplier/orders"}
"""So that the demo shows what a closed method looks like: vendors close methods to tokens of the base type."""
_CLOSED_TO_BASE = frozenset({"orders", "stocks", "seller_stocks", "finance_reports", "acquiring", "acquiring_reports"})
_MODES = {"kaiten": Mode.FULL}
"""Kaiten tells of members, new comments and deletions only to who reads everything."""
_LOADED = frozenset({FeedState.OK, FeedState.DONE, FeedState.PARKED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What one demo works with."""

    neighbour: Neighbour
    settings: Settings
    shops: Mapping[str, InventedShop]


async def play(*, once: bool, keep: bool, limit_scale: float, json: bool) -> int:
    """Build everything up, show it, take it down; return the exit code."""
    with _data_dir(keep=keep) as folder:
        async with sandbox_process(limit_scale=limit_scale, event_rate=EVENT_RATE) as neighbour:
            scene = _scene(neighbour, folder, limit_scale=limit_scale)
            code = await daemon.run_once(scene.settings, lambda one: _play(one, scene, once=once, json=json), web=True)
    return code if once else Code.DONE  # without --once Ctrl-C is the way to end it


async def _play(one: Daemon, scene: Scene, *, once: bool, json: bool) -> int:
    assert one.storage is not None  # noqa: S101 - it is ready
    database = one.storage.pool
    scale = scene.settings.transport.limit_scale
    say(f"The sandbox plays the vendors at {scene.neighbour.url}. Limits refill {scale:g} times faster than published.")
    say(f"Status: {one.url}/status")
    say(f"Database: {database.address}")
    say(f"Open it: MPSYNCD_DATABASE__DATA_DIR={scene.settings.database.data_dir} mpsyncd psql")
    async with aiohttp.ClientSession(scene.neighbour.url) as client:
        await _command(client, "/_faults", [_NO_ORDERS_FOR_BASE])
        await _add_shops(database, one, scene)
        await _first_load(database)
        if once:
            return await _prove(client, database, json=json)
        say("Everything is loaded; changes are followed. Ctrl-C ends it all.")
        await asyncio.Event().wait()
    return Code.DONE


async def _prove(client: aiohttp.ClientSession, database: Database, *, json: bool) -> int:
    """Stop the world, follow what changed meanwhile, and compare every table with the truth."""
    await _command(client, "/_freeze")
    say("Everything is loaded. The world stands still now; once more for what changed meanwhile:")
    await _incremental(database)
    results = await _compare_all(client, database)
    print_report(results, json=json)
    return Code.DONE if all(each.equal for each in results) else Code.FAILED


async def _command(client: aiohttp.ClientSession, switch: str, body: object = None) -> None:
    async with client.post(switch, json=body) as answer:
        answer.raise_for_status()


async def _add_shops(database: Database, one: Daemon, scene: Scene) -> None:
    assert one.storage is not None  # noqa: S101 - it is ready
    async with database.connection() as connection:
        there = {shop.name for shop in await shops.list_shops(connection)}
    for invented in scene.shops.values():
        if invented.name in there:
            continue
        source = source_named(invented.source)
        credentials = {secret.name: invented.base_url if secret.public else invented.token for secret in source.secrets}
        looked = await daemon.check_shop(scene.settings, source.name, credentials)
        assert looked.identity is not None, looked.error  # noqa: S101 - the sandbox made the token
        new = shops.NewShop(
            source=source.name, name=invented.name, secrets=credentials, identity=looked.identity, capabilities=looked.capabilities
        )
        async with database.connection() as connection:
            await shops.add(connection, one.storage.vault, new)
        say(f"Shop {invented.name}: {invented.note}")
        for warning in looked.warnings:
            say(f"  warning: {warning}")


async def _first_load(database: Database) -> None:
    """Show the first load until no feed is left that could still do something."""
    with screen() as shown:
        while True:
            found = await overview(database)
            shown.show([_bar(shop) for shop in found.shops])
            if all(shop.feeds and all(feed.state in _LOADED for feed in shop.feeds) and shop.open_run is None for shop in found.shops):
                return
            await asyncio.sleep(LOOK_EVERY)


async def _incremental(database: Database) -> None:
    async with database.connection() as connection:
        working: Sequence[Shop] = [shop for shop in await shops.list_shops(connection) if shop.works]
        ids = [
            await requests.create(connection, shop_id=shop.shop_id, mode=_MODES.get(shop.source, Mode.INCREMENTAL), requested_by="demo")
            for shop in working
        ]
    await follow(database, ids)


async def _compare_all(client: aiohttp.ClientSession, database: Database) -> list[Comparison]:
    results = []
    tables = await true_tables(client)
    for shop in (await overview(database)).shops:
        declared = {table.name: (stream, table) for stream in source_named(shop.source).streams for table in stream.tables}
        for name in (name for name in tables if name in declared):
            stream, table = declared[name]
            results.append(await _compare_one(client, database, shop=shop, stream=stream, table=table))
    return results


async def _compare_one(client: aiohttp.ClientSession, database: Database, *, shop: ShopView, stream: Stream, table: Table) -> Comparison:
    async with database.connection() as connection:
        stored, types = await stored_rows(connection, table.name, shop_id=shop.shop_id)
        if table.part_of is not None:
            documents, _ = await stored_rows(connection, table.part_of, shop_id=shop.shop_id)
            stored = of_living(stored, documents, key=stream.main.key, part_key=table.key)
    truth = [row async for row in true_rows(client, seller=shop.name, table=table.name)]
    lacking = [feed.reason for feed in shop.feeds if feed.stream == stream.name and feed.state is FeedState.PARKED]
    if lacking and _may_park(shop, stream):
        return Comparison(shop=shop.name, table=table.name, rows=len(stored), true_rows=len(truth), parked=lacking[0] or "parked")
    day = stream.day if table is stream.main else None
    return compare(shop=shop.name, table=table.name, key=table.key, truth=truth, stored=stored, types=types, day=day)


def _may_park(shop: ShopView, stream: Stream) -> bool:
    """What the key was made without, what waits for that, and what is closed to a base token; anything else that is parked is wrong."""
    parents = stream.parents.stream if stream.parents is not None else None
    needed = {one.capability for one in source_named(shop.source).streams if one.name in {stream.name, parents}}
    missing = {name for name, (state, _) in shop.capabilities.items() if state == "missing"}
    return bool(needed & missing) or (stream.name in _CLOSED_TO_BASE and shop.variant == "base")


def _bar(shop: ShopView) -> Bar:
    parked = sum(feed.state is FeedState.PARKED for feed in shop.feeds)
    waits = shop.open_run.reason if shop.open_run is not None else None
    rows = sum(table.live for table in shop.tables)
    return Bar(name=shop.name, percent=shop.percent, rows=rows, note=waits or (f"{parked} parked" if parked else ""))


def _scene(neighbour: Neighbour, folder: Path, *, limit_scale: float) -> Scene:
    given: dict[str, Any] = {
        "database": {"data_dir": folder, "runtime_dir": None},
        "http": {"port": 0},
        "transport": {"limit_scale": limit_scale},
        "sources": {"wildberries": {"base_url": f"{neighbour.url}/wb/{{host}}"}, "kaiten": {"hosts": ["127.0.0.1"]}},
    }
    return Scene(neighbour=neighbour, settings=Settings(**given), shops={shop.name: shop for shop in neighbour.shops})


@contextmanager
def _data_dir(*, keep: bool) -> Iterator[Path]:
    """A folder for this demo alone, or with --keep the one of all demos."""
    if keep:
        folder = places.data_dir(os.environ) / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="mpsyncd-demo-", ignore_cleanup_errors=True) as temporary:
        Path(temporary).chmod(0o711)  # the account of the database must be able to enter
        yield Path(temporary)
