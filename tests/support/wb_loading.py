"""Streams of Wildberries from a sandbox in memory into a real database, slice by slice as in a run; time is the sandbox's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg

from mpsyncd.engine.attempt import Attempt
from mpsyncd.engine.slicing import new_slices
from mpsyncd.model.feed import Lease
from mpsyncd.model.run import Mode, Trigger
from mpsyncd.model.stream import Lane
from mpsyncd.sources.wildberries.source import WILDBERRIES
from mpsyncd.storage.store import PostgresStore
from support.storage import FACTS, ONE, TTL, add_shop
from support.truth import SHOWN, differences, kinds_of, stored_rows
from support.wb_sandbox import SandboxApi

if TYPE_CHECKING:
    from datetime import datetime

    from mpsyncd.model.request import Answer, Request
    from mpsyncd.model.shop import Shop
    from mpsyncd.storage.pool import Database
    from support.sandbox_caller import Caller


class Killed(BaseException):
    """The process is gone."""


class MortalApi(SandboxApi):
    """Dies with the request behind `lives` many, waits `pause` seconds before each.

    `trouble`: with the request behind so many, this fault strikes once.
    """

    lives = -1
    pause = 60.0
    trouble: tuple[int, str] | None = None

    async def send(self, request: Request) -> Answer:
        if self.asked == self.lives:
            raise Killed
        if self.trouble is not None and self.trouble[0] == self.asked:
            self.caller.bare("POST", "/_faults", [{"kind": self.trouble[1], "count": 1}])
        self.caller.wait(self.pause - 60)
        return await super().send(request)


@dataclass
class Stopped:
    """The sandbox's clock, which stands while nothing is asked."""

    caller: Caller

    def now(self) -> datetime:
        return self.caller.now

    def monotonic(self) -> float:
        return self.caller.now.timestamp()

    async def sleep(self, duration: timedelta) -> None:
        self.caller.wait(duration.total_seconds())


@dataclass
class Loading:
    """One shop under a lease."""

    caller: Caller
    pool: Database
    dsn: str
    store: PostgresStore
    lease: Lease
    shop: Shop
    pause: float = 60

    @classmethod
    async def begin(cls, caller: Caller, pool: Database, dsn: str, *, pause: float = 60) -> Loading:
        store = PostgresStore(pool, facts=FACTS, streams=WILDBERRIES.streams)
        shop = await add_shop(pool)
        [lease] = await store.hold(ONE, TTL)
        return cls(caller, pool, dsn, store, lease, shop, pause)

    async def run(self, name: str, lane: Lane = Lane.LIVE, *, mode: Mode = Mode.INCREMENTAL, lives: int = -1, **more: Any) -> int:
        """Read what a feed has to read; the number of requests. Dies behind `lives` of them; `more` are attributes of `MortalApi`."""
        stream = WILDBERRIES.stream(name)
        await self.store.plan_feeds(self.shop, [(name, lane)], self.caller.now)
        [feed] = [each for each in await self.store.feeds(self.shop.shop_id) if (each.stream, each.lane) == (name, lane)]
        run_id = await self.store.open_run(
            self.lease,
            shop_id=self.shop.shop_id,
            trigger=Trigger.SCHEDULE,
            mode=mode,
            feeds=[feed],
            request_id=None,
            now=self.caller.now,
        )
        api = MortalApi(self.caller)
        for attribute, value in {"lives": lives, "pause": self.pause, **more}.items():
            setattr(api, attribute, value)
        attempt = Attempt(
            store=self.store,
            clock=Stopped(self.caller),
            lease=self.lease,
            run_id=run_id,
            feed=feed,
            stream=stream,
            mode=mode,
            deadline=timedelta(minutes=1),
            share=0.5,
            moved=lambda _: None,
        )
        try:
            for one in await attempt.slices(new_slices(stream, feed, mode=mode, now=self.caller.now, zone=WILDBERRIES.zone)):
                await attempt.read(one, api)
        finally:
            await self.store.close_run(run_id, self.caller.now)
        return api.asked

    async def stubborn(self, name: str, lane: Lane, *, lives: int) -> int:
        """Read on and on behind kills until the feed is read; the number of requests."""
        asked = 0
        while True:
            try:
                return asked + await self.run(name, lane, lives=lives)
            except Killed:
                asked += lives

    async def load(self, *names: str, **more: Any) -> None:
        """The first load of these streams, both lanes."""
        for name in names:
            for lane in WILDBERRIES.stream(name).lanes:
                await self.run(name, lane, **more)

    async def untrue(self, *tables: str) -> list[str]:
        """What is not as the sandbox knows it, rows and columns; parts of documents that are gone are left out."""
        connection = await asyncpg.connect(self.dsn, server_settings={"timezone": "UTC"})
        told = []
        try:
            for name in tables:
                truth = self.caller.truth(name)
                table = next(each for stream in WILDBERRIES.streams for each in stream.tables if each.name == name)
                stored = await stored_rows(connection, name, shop_id=self.shop.shop_id)
                wrong = differences(table.key, truth=truth, stored=stored, kinds=await kinds_of(connection, name))
                told += [f"{name} ({len(stored)} rows, {len(truth)} true): {each}" for each in wrong[:SHOWN]]
                assert truth, f"{name}: an empty truth proves nothing"
            refused = await connection.fetch("SELECT reason FROM mpsync.rejected_rows")
            return told + [f"rejected: {row['reason']}" for row in refused[:3]]
        finally:
            await connection.close()

    def asked(self, path: str) -> list[dict[str, Any]]:
        """The requests that the sandbox noted for a path."""
        noted: list[dict[str, Any]] = self.caller.bare("GET", "/_requests")["requests"]
        return [request for request in noted if request["path"] == path]

    async def value(self, query: str) -> Any:
        async with self.pool.connection() as connection:
            return await connection.fetchval(query)
