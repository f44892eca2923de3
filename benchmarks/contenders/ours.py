"""mpsyncd's own path: Transport, the declared orders stream, an engine attempt, PostgresStore."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from datetime import timedelta
from uuid import UUID

from kit.children import arguments_after, tell
from kit.cost import peak, processor

from mpsyncd.engine.attempt import Attempt
from mpsyncd.model.clock import SystemClock
from mpsyncd.model.feed import Feed, Lease
from mpsyncd.model.page import SliceKind
from mpsyncd.model.rate import Scope
from mpsyncd.model.run import Mode, Trigger
from mpsyncd.model.source import Identity, Key
from mpsyncd.model.stream import Lane
from mpsyncd.model.work import Committed, NewSlice
from mpsyncd.sources import SOURCES
from mpsyncd.sources.wildberries.source import WILDBERRIES
from mpsyncd.storage import migrate, shops
from mpsyncd.storage.keyfile import new_key_line, parse_keys
from mpsyncd.storage.leases import DaemonFacts
from mpsyncd.storage.pool import Database, open_database
from mpsyncd.storage.store import PostgresStore
from mpsyncd.transport import MemoryLedger, SourceOptions, Transport, TransportOptions

DAEMON, SHOP = UUID(int=1), "bench"
CLOCK = SystemClock()
IDENTITY = Identity(scopes={Scope.SELLER: SHOP}, variant="personal", lease_group=f"wildberries:{SHOP}")
SECRETS = {"token": "invented"}
KEY = Key(credentials=SECRETS, identity=IDENTITY)
ORDERS = WILDBERRIES.stream("orders")


async def prepare(dsn: str) -> None:
    """Schema and shop, before the clock runs."""
    await migrate.migrate(dsn)
    async with open_database(dsn) as database, database.connection() as connection:
        await migrate.register_streams(connection, SOURCES)
        new = shops.NewShop(name=SHOP, source=WILDBERRIES.name, secrets=SECRETS, identity=IDENTITY)
        await shops.add(connection, parse_keys(new_key_line(), origin="a benchmark"), new)


async def standing(database: Database, store: PostgresStore) -> tuple[Lease, Feed, int]:
    """Lease, feed and run, as the dispatcher would have them."""
    now = CLOCK.now()
    [lease] = await store.hold(DAEMON, timedelta(hours=1))
    async with database.connection() as connection:
        shop = await shops.find(connection, SHOP)
    await store.plan_feeds(shop, [(ORDERS.name, Lane.LIVE)], now)
    [feed] = await store.feeds(shop.shop_id)
    run = await store.open_run(
        lease, shop_id=shop.shop_id, trigger=Trigger.MANUAL, mode=Mode.INCREMENTAL, feeds=[feed], request_id=None, now=now
    )
    return lease, feed, run


async def load(dsn: str, url: str) -> tuple[list[Committed], float]:
    """Read all orders since 90 days ago; what was committed, and the seconds that it took."""
    options = TransportOptions(sources={WILDBERRIES.name: SourceOptions(base_url=f"{url}/wb/{{host}}")}, limit_scale=10_000)
    done: list[Committed] = []
    facts = DaemonFacts(host="bench", pid=1, version="0")
    async with open_database(dsn) as database, Transport(options, CLOCK, MemoryLedger(), random.Random(1)) as transport:
        store = PostgresStore(database, facts=facts, streams=WILDBERRIES.streams)
        lease, feed, run = await standing(database, store)
        attempt = Attempt(
            store=store,
            clock=CLOCK,
            lease=lease,
            run_id=run,
            feed=feed,
            stream=ORDERS,
            mode=Mode.INCREMENTAL,
            deadline=timedelta(minutes=15),
            share=0.5,
            moved=done.append,
        )
        began = time.perf_counter()
        async with transport.open(
            WILDBERRIES,
            shop_id=feed.shop_id,
            key=lambda: KEY,
            lane=Lane.LIVE,
            manual=True,
            reason=lambda _reason, _until: None,
        ) as api:
            now = CLOCK.now()
            for part in await attempt.slices([NewSlice(kind=SliceKind.SINCE, start=now - timedelta(days=90), end=now)]):
                await attempt.read(part, api)
        return done, time.perf_counter() - began


async def main(dsn: str, url: str, phase: str) -> None:
    """Load and tell."""
    if phase == "first":
        await prepare(dsn)
    used = processor()
    done, seconds = await load(dsn, url)
    tell(
        rows=sum(each.seen for each in done),
        changed=sum(each.changed for each in done),
        seconds=seconds,
        peak=peak(),
        processor=processor() - used,
    )


if __name__ == "__main__":
    asyncio.run(main(**arguments_after(sys.argv, "dsn", "url", "phase")))
