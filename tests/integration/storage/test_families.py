"""The engine over a real store: parents and children through kills, with a percent that never runs ahead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from mpsyncd.engine.activity import Activity
from mpsyncd.engine.dispatcher import Dispatcher, Posting
from mpsyncd.engine.judge import Patience
from mpsyncd.engine.runner import Tools
from mpsyncd.engine.schedule import Timetable
from mpsyncd.model.errors import Forbidden
from mpsyncd.model.feed import FeedState
from mpsyncd.model.overview import ShopView
from mpsyncd.model.page import Page
from mpsyncd.model.schedule import Schedule
from mpsyncd.model.shop import ShopStatus
from mpsyncd.model.stream import Parents, Stream, Table
from mpsyncd.storage import feeds
from mpsyncd.storage.pool import Database
from mpsyncd.storage.status import overview
from mpsyncd.storage.store import PostgresStore
from support.engine import ListedRows
from support.storage import FACTS, ONE, TTL, TWO, add_shop, execute, value

CARDS = 12


@dataclass
class World:
    """A vendor with cards and a word about each. `frozen_at`: the child behind which the vendor answers no more. `refusal`: of cards."""

    pool: Database
    frozen_at: int | None = None
    refusal: Exception | None = None
    asked: list[int] = field(default_factory=list)
    percents: list[int] = field(default_factory=list)
    frozen: asyncio.Event = field(default_factory=asyncio.Event)

    async def cards(self, api: Any, part: Any) -> AsyncIterator[Page]:  # noqa: ARG002
        if self.refusal is not None:
            raise self.refusal
        begun = part.cursor["done"] if part.cursor else 0
        for number in range(begun, CARDS, 5):
            done = min(CARDS, number + 5)
            rows = ListedRows([{"nmID": nm_id + 1} for nm_id in range(number, done)])
            yield Page(rows=rows, cursor={"done": done}, last=done == CARDS, asked_at=datetime.now(UTC), share=done / CARDS)
            await self.look()

    async def words(self, api: Any, part: Any) -> AsyncIterator[Page]:  # noqa: ARG002
        async for parents in part.parents(after=part.cursor and [part.cursor["nm_id"]]):
            for parent in parents:
                await self.look()
                if parent["nm_id"] == self.frozen_at:
                    self.frozen.set()
                    await asyncio.Event().wait()
                self.asked.append(parent["nm_id"])
                rows = ListedRows([{"srid": f"word {parent['nm_id']}"}])
                share = parent["nm_id"] / CARDS
                yield Page(rows=rows, cursor=parent, last=False, asked_at=datetime.now(UTC), share=share)
        yield Page(rows=ListedRows([]), cursor=None, last=True, asked_at=datetime.now(UTC), until=part.now)

    async def look(self) -> None:
        self.percents.append((await self.shop()).percent)

    async def shop(self) -> ShopView:
        [shop] = (await overview(self.pool)).shops
        return shop

    @property
    def streams(self) -> dict[str, Stream]:
        cards = Stream(
            name="cards", tables=(Table(name="wb.cards", key=("nm_id",)),), read=self.cards, schedule="daily", walk=timedelta(days=1)
        )
        parents = Parents(stream="cards", table="wb.cards")
        words = Stream(name="words", tables=(Table(name="wb.orders", key=("srid",)),), read=self.words, schedule="daily", parents=parents)
        return {stream.name: stream for stream in (words, cards)}


class Now:
    """The time of the day; nobody sleeps here."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, delay: timedelta) -> None:
        raise AssertionError(f"nothing here waits {delay}")


def daemon(world: World, name: UUID) -> Dispatcher:
    """One daemon's engine over the real store."""

    @asynccontextmanager
    async def connect(shop: Any, *, lane: Any, manual: bool, reason: Any) -> AsyncIterator[Any]:  # noqa: ARG001
        yield object()

    async def doctor(shop: Any) -> str | None:  # noqa: ARG001
        return None

    clock = Now()
    tools = Tools(
        store=PostgresStore(world.pool, facts=FACTS, streams=tuple(world.streams.values())),
        connect=connect,
        doctor=doctor,
        pace=lambda *_: timedelta(0),
        rates=lambda _: {},
        timetable=Timetable({"daily": Schedule(every=timedelta(days=1))}),
        clock=clock,
        activity=Activity(clock),
        patience=Patience(),
        deadline=timedelta(minutes=1),
        sweep_share=0.5,
        seats=asyncio.Semaphore(1),
    )
    posting = Posting(daemon=name, lease_ttl=TTL, streams={"wildberries": world.streams}, zones={"wildberries": UTC})
    return Dispatcher(posting, tools, nudge=lambda: None)


async def idle(dispatcher: Dispatcher) -> None:
    """Tick until no run is under way."""
    await dispatcher.tick()
    while dispatcher.runs:
        await asyncio.sleep(0.01)


async def test_children_go_on_behind_their_last_parent_after_a_kill_and_percent_never_runs_ahead(pool: Database) -> None:
    world = World(pool, frozen_at=8)
    await add_shop(pool)
    killed = daemon(world, ONE)
    await killed.tick()
    await world.frozen.wait()
    while await value(pool, "SELECT count(*) FROM wb.orders") < 7:
        await asyncio.sleep(0.01)
    await execute(pool, "UPDATE mpsync.leases SET expires_at = now() - interval '1 second'")
    successor = daemon(replace(world, frozen_at=None), TWO)
    await idle(successor)
    assert world.asked == list(range(1, CARDS + 1))
    assert await value(pool, "SELECT count(*) FROM wb.orders") == CARDS
    shop = await world.shop()
    assert (shop.status, shop.percent) == (ShopStatus.ACTIVE, 100)
    assert sorted(world.percents) == world.percents
    assert 50 < world.percents[-1] < 100
    await killed.stop()
    await successor.stop()


async def test_a_child_of_a_parked_stream_waits_parked_and_is_read_when_the_right_has_come(pool: Database) -> None:
    world = World(pool, refusal=Forbidden("the key has no right", capability="content"))
    await add_shop(pool)
    dispatcher = daemon(world, ONE)
    await idle(dispatcher)
    shop = await world.shop()
    assert {feed.stream: feed.state for feed in shop.feeds} == dict.fromkeys(("cards", "words"), FeedState.PARKED)
    assert (shop.percent, shop.last_run and shop.last_run.state.value) == (0, "failed")
    assert world.asked == []
    world.refusal = None
    async with pool.connection() as connection:
        await feeds.unpark(connection, shop.shop_id, capability="content")
    assert {feed.stream: feed.state for feed in (await world.shop()).feeds}["words"] is FeedState.PARKED
    await idle(dispatcher)
    await idle(dispatcher)
    shop = await world.shop()
    assert {feed.stream: feed.state for feed in shop.feeds} == dict.fromkeys(("cards", "words"), FeedState.OK)
    assert (shop.percent, len(world.asked)) == (100, CARDS)
    await dispatcher.stop()
