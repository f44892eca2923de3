"""Following loads from outside: what the database says of shops and runs, and what the sandbox was asked."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg

from mpsyncd.model.run import Mode
from mpsyncd.sandbox import EVERY_CATEGORY, Fault, Sandbox, SandboxOptions, SellerSpec, TokenType, make_token, serve
from mpsyncd.sandbox.wildberries.tokens import Category
from mpsyncd.sources.wildberries.source import WILDBERRIES
from mpsyncd.storage import requests
from mpsyncd.storage.pool import connect
from support.processes import PATIENCE_SECONDS, SCALE, until
from support.truth import KEYS, untrue

LIVE_PAGES = 2
"""The page in hand and the one that was fetched ahead."""
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

SELLER = SellerSpec(name="seller", title="ИП Проверка", cards=230, trashed=120, orders=600)


class Switches:
    """The control side of a sandbox that listens somewhere."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def cure(self) -> None:
        """End all faults; what they hit is kept in `stats`."""
        await self._ask("DELETE", "/_faults")

    async def faults(self) -> list[dict[str, Any]]:
        """Every armed fault with its hits, and whether it is alive."""
        return list(await self._ask("GET", "/_faults"))

    async def revoke(self, token: str) -> None:
        await self._ask("POST", "/_revoke", {"token": token})

    async def freeze(self) -> None:
        await self._ask("POST", "/_freeze")

    async def stats(self) -> Any:
        return await self._ask("GET", "/_stats")

    async def asked(self, since: int = 0) -> list[dict[str, Any]]:
        """The requests from a place of the log on."""
        answer = await self._ask("GET", f"/_requests?offset={since}")
        return list(answer["requests"])

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        async with aiohttp.ClientSession() as session, session.request(method, self.url + path, json=body) as answer:
            answer.raise_for_status()
            return await answer.json()


class World(Switches):
    """A sandbox that listens in this process."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox.url)
        self.sandbox = sandbox

    def token(self, seller: str = SELLER.name, **claims: Any) -> str:
        """A token of a seller, whole and personal unless `claims` say otherwise."""
        owner = self.sandbox.core.world.sellers[seller]
        given: dict[str, Any] = {
            "categories": EVERY_CATEGORY,
            "type": TokenType.PERSONAL,
            "expires": datetime.now(UTC) + timedelta(days=100),
        }
        return make_token(sid=owner.sid, oid=owner.oid, **given | claims)

    def core_token(self, seller: str = SELLER.name, **claims: Any) -> str:
        """A token that opens orders, sales and cards: what tests need that are not about this or that stream."""
        return self.token(seller, categories={Category.CONTENT, Category.STATISTICS}, **claims)

    def arm(self, *faults: Fault) -> None:
        """Let things go wrong from now on."""
        self.sandbox.arm(*faults)


CORE = ("orders", "sales", "cards", "cards_trash")
"""The streams that a core token opens."""
BEYOND_CORE = tuple(stream.name for stream in WILDBERRIES.streams if stream.name not in CORE)
CORE_TABLES = tuple(table.name for stream in WILDBERRIES.streams if stream.name in CORE for table in stream.tables)


@asynccontextmanager
async def new_world(*sellers: SellerSpec, **options: Any) -> AsyncIterator[World]:
    """A sandbox with small pages of orders and quick limits; a world that moves five times a second."""
    given: dict[str, Any] = {"limit_scale": SCALE, "event_rate": 5.0, "orders_cap": 100}
    async with await serve(SandboxOptions(sellers=sellers or (SELLER,), **given | options)) as sandbox:
        yield World(sandbox)


async def ask(dsn: str, sql: str, *values: object) -> list[asyncpg.Record]:
    """Rows of a question, by a connection of its own."""
    connection = await asyncpg.connect(dsn)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(sql, *values)
        return rows
    finally:
        await connection.close()


async def one(dsn: str, sql: str, *values: object) -> Any:
    """The first value of the first row, None without any."""
    rows = await ask(dsn, sql, *values)
    return rows[0][0] if rows else None


_UNREAD = """
SELECT stream || ' ' || lane || ' ' || state || coalesce(' (' || reason || ')', '') AS feed FROM mpsync.feeds
WHERE shop_id = $1 AND CASE lane WHEN 'live' THEN last_success_at IS NULL ELSE state <> 'done' END
"""


async def unread(dsn: str, shop_id: int) -> list[str] | None:
    """Feeds of a shop that have not been read whole; None when there are no feeds, or nobody to ask."""
    try:
        if not await one(dsn, "SELECT count(*) FROM mpsync.feeds WHERE shop_id = $1", shop_id):
            return None
        return [row["feed"] for row in await ask(dsn, _UNREAD, shop_id)]
    except AWAY:
        return None


async def loaded(dsn: str, *shops: int, within: float = PATIENCE_SECONDS, parked: Iterable[str] = ()) -> None:
    """Wait until all history of the shops is read; streams of `parked` are waited for to be parked instead."""
    left: dict[int, list[str] | None] = {}
    excused = tuple(parked)

    async def all_read() -> bool:
        for shop in shops:
            left[shop] = await unread(dsn, shop)
        return all(
            feeds is not None and all(any(feed.startswith(f"{name} ") and " parked" in feed for name in excused) for feed in feeds)
            for feeds in left.values()
        )

    try:
        await until(all_read, what="the first load", within=within)
    except AssertionError as error:
        raise AssertionError(f"{error}; left: {left}") from None


async def rows_of(dsn: str, table: str, shop_id: int) -> int:
    """Rows of a shop in a table, 0 while the database is away."""
    try:
        return int(await one(dsn, f"SELECT count(*) FROM {table} WHERE shop_id = $1", shop_id))
    except AWAY:
        return 0


async def run(
    dsn: str, shop_id: int, *, mode: Mode = Mode.INCREMENTAL, streams: Sequence[str] = (), within: float = PATIENCE_SECONDS
) -> str:
    """Ask for a run (of some streams) as a command would, wait for its end, return its verdict."""
    mode = Mode.SELECTIVE if streams and mode is Mode.INCREMENTAL else mode
    connection = await connect(dsn)
    try:
        request = await requests.create(connection, shop_id=shop_id, mode=mode, streams=streams, requested_by="a test")
    finally:
        await connection.close()

    async def verdict() -> str | None:
        found = await ask(
            dsn,
            "SELECT q.refused, r.state, r.reason FROM mpsync.run_requests q LEFT JOIN mpsync.runs r USING (run_id) "
            "WHERE q.request_id = $1 AND (r.ended_at IS NOT NULL OR q.refused IS NOT NULL)",
            request,
        )
        return (found[0]["state"] or f"refused: {found[0]['refused']}") if found else None

    return str(await until(verdict, what=f"the end of the {mode.value} run of shop {shop_id}", within=within))


async def equal_in_the_end(
    world: Switches,
    dsn: str,
    shops: Mapping[str, int],
    *,
    mode: Mode = Mode.INCREMENTAL,
    tables: Sequence[str] = tuple(KEYS),
    streams: Sequence[str] = (),
    verdict: str = "done",
    **allowed: Any,
) -> None:
    """Stop the world, read what is new, and compare everything of every shop (seller's name to number) with the truth."""
    await world.freeze()
    for shop_id in shops.values():
        came_out = await run(dsn, shop_id, mode=mode, streams=streams)
        if came_out != verdict:
            raise AssertionError(f"the last run of shop {shop_id} came out {came_out}: {await explained(dsn, shop_id)}")
    for seller, shop_id in shops.items():
        wrong = await untrue(dsn, world.url, seller=seller, shop_id=shop_id, tables=tables, **allowed)
        if wrong:
            raise AssertionError("\n".join(["not equal to the truth:", *wrong]))


async def explained(dsn: str, shop_id: int) -> list[dict[str, Any]]:
    """How the feeds of a shop stand, for the message of a test that failed."""
    rows = await ask(dsn, "SELECT stream, lane, state, reason, error FROM mpsync.feeds WHERE shop_id = $1", shop_id)
    return [dict(row) for row in rows]


def repeats(lives: Sequence[Sequence[Mapping[str, Any]]]) -> list[Counter[str]]:
    """Per life of a daemon: how many pages of each method it asked for that an earlier life had asked for already, or it itself had."""
    seen: set[str] = set()
    told = []
    for life in lives:
        again: Counter[str] = Counter()
        for request in life:
            if request["cursor"] is None:
                continue
            mark = json.dumps([request["seller"], request["path"], request["cursor"]], sort_keys=True)
            again[request["path"]] += mark in seen
            seen.add(mark)
        told.append(again)
    return told
