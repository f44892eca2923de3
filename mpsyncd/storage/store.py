"""The database as the engine sees it: fills `engine.ports.Store` by opening a transaction, checking the fence and delegating.

A page's rows, its cursor and its counts are one transaction here, the cursor last.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from mpsyncd.model.errors import LeaseLost
from mpsyncd.model.page import SliceKind
from mpsyncd.model.shop import CapabilityState
from mpsyncd.storage import feeds as feed_rows
from mpsyncd.storage import leases, planning, requests, runs, settle
from mpsyncd.storage import parents as parent_rows
from mpsyncd.storage import shops as shop_rows
from mpsyncd.storage import slices as slice_rows
from mpsyncd.storage.documents import Catalog, check_empty, sweep_walk, write_page
from mpsyncd.storage.shops import set_capabilities

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime
    from typing import Any
    from uuid import UUID

    from mpsyncd.model.feed import Feed, Lease
    from mpsyncd.model.page import Cursor, Page, ParentReader, Slice
    from mpsyncd.model.plan import Known, Planned
    from mpsyncd.model.run import Mode, RunRequest, RunState, Trigger
    from mpsyncd.model.shop import Shop
    from mpsyncd.model.stream import Lane, Parents, Stream
    from mpsyncd.model.work import Committed, DueShop, FeedOutcome, NewSlice, OpenSlice, Work
    from mpsyncd.storage.leases import DaemonFacts
    from mpsyncd.storage.pool import Connection, Database


_PATIENCE = timedelta(minutes=1)
"""How long a page waits for a lock. Giving up means to fetch the page again."""


class PostgresStore:
    """One per daemon. `streams` are all that are declared: the columns of their tables are read once, at the first commit.

    control: connections for the dispatcher's own questions, which must not wait behind pages; the same ones when it is left out.
    """

    def __init__(self, database: Database, *, facts: DaemonFacts, streams: Sequence[Stream], control: Database | None = None) -> None:
        self._database = database
        self._turns: WeakValueDictionary[tuple[int, str], asyncio.Lock] = WeakValueDictionary()
        self._control = control or database
        self._facts = facts
        self._tables = tuple({table.name: table for stream in streams for table in stream.tables}.values())
        self._catalog: Catalog | None = None
        self._catalog_turn = asyncio.Lock()

    async def hold(self, daemon: UUID, ttl: timedelta) -> Sequence[Lease]:
        async with self._control.transaction() as connection:
            return await leases.hold(connection, daemon=daemon, facts=self._facts, ttl=ttl)

    async def release(self, daemon: UUID) -> None:
        async with self._control.transaction() as connection:
            await leases.release(connection, daemon)

    async def plan_feeds(self, shop: Shop, feeds: Sequence[tuple[str, Lane]], now: datetime) -> None:
        async with self._control.connection() as connection:
            await feed_rows.plan(connection, shop.shop_id, feeds, now)

    async def shops(self, daemon: UUID) -> Sequence[tuple[Shop, Lease]]:
        async with self._control.connection() as connection:
            return await feed_rows.held_shops(connection, daemon)

    async def due(self, daemon: UUID, now: datetime) -> Sequence[DueShop]:
        async with self._control.connection() as connection:
            return await feed_rows.due(connection, daemon, now)

    async def next_due(self, daemon: UUID, after: datetime) -> datetime | None:
        async with self._control.connection() as connection:
            return await feed_rows.next_due(connection, daemon, after)

    async def feeds(self, shop_id: int) -> Sequence[Feed]:
        async with self._control.connection() as connection:
            return await feed_rows.of_shop(connection, shop_id)

    async def feed(self, feed_id: int) -> Feed:
        async with self._database.connection() as connection:
            return await feed_rows.get(connection, feed_id)

    async def known_rows(self, shop_id: int) -> Known:
        async with self._control.connection() as connection:
            return await planning.known(connection, shop_id)

    async def take_requests(self, daemon: UUID) -> Sequence[RunRequest]:
        async with self._control.transaction() as connection:
            return await requests.take(connection, daemon)

    async def open_run(
        self,
        lease: Lease,
        *,
        shop_id: int,
        trigger: Trigger,
        mode: Mode,
        feeds: Sequence[Feed],
        request_id: int | None,
        now: datetime,
        planned: Mapping[int, Planned] | None = None,
    ) -> int:
        async with self._control.transaction() as connection:
            await leases.check_fence(connection, lease, shop_id)
            return await runs.open_run(
                connection,
                shop_id=shop_id,
                daemon=lease.holder,
                trigger=trigger,
                mode=mode,
                feed_ids=[feed.feed_id for feed in feeds],
                request_id=request_id,
                now=now,
                planned=planned,
            )

    async def run_waits(self, run_id: int, reason: str | None, until: datetime | None) -> None:
        async with self._database.connection() as connection:
            await runs.waits(connection, run_id, reason, until)

    async def cancelled(self, daemon: UUID) -> frozenset[int]:
        async with self._control.connection() as connection:
            return await runs.cancelled(connection, daemon)

    async def close_run(self, run_id: int, now: datetime, state: RunState | None = None) -> RunState:
        async with self._database.transaction() as connection:
            return await runs.close(connection, run_id, now, state)

    async def open_slices(self, feed: Feed) -> Sequence[OpenSlice]:
        async with self._database.connection() as connection:
            return await slice_rows.open_slices(connection, feed.feed_id)

    async def add_slices(self, lease: Lease, feed: Feed, run_id: int, slices: Sequence[NewSlice], now: datetime) -> Sequence[OpenSlice]:
        async with self._database.transaction() as connection:
            await leases.check_fence(connection, lease, feed.shop_id)
            return await slice_rows.add(connection, feed.feed_id, run_id, slices, now)

    async def drop_slices(self, lease: Lease, feed: Feed) -> None:
        async with self._database.transaction() as connection:
            await leases.check_fence(connection, lease, feed.shop_id)
            await slice_rows.drop(connection, feed.feed_id)

    def parents(self, shop_id: int, parents: Parents, *, since: datetime | None) -> ParentReader:
        async def read(*, after: Sequence[Any] | None = None) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
            behind, full = after, True
            while full:
                async with self._database.transaction() as connection:
                    shape = (await self._columns(connection)).shape(parents.table)
                    rows = await parent_rows.page(connection, shape, parents, shop_id=shop_id, after=behind, since=since)
                if rows:
                    yield rows
                    behind = [rows[-1][name] for name in shape.table.key]
                full = len(rows) == parent_rows.PAGE

        return read

    async def restart_slice(self, lease: Lease, feed: Feed, part: Slice, now: datetime) -> None:
        async with self._database.transaction() as connection:
            await leases.check_fence(connection, lease, feed.shop_id)
            await slice_rows.restart(connection, part.slice_id, now)

    async def lacks(self, shop_id: int, capability: str) -> bool:
        async with self._database.connection() as connection:
            state, _ = (await shop_rows.capabilities(connection, shop_id)).get(capability, (None, None))
        return state is CapabilityState.MISSING

    async def refuse_shortcut(self, lease: Lease, feed: Feed, *, capability: str, reason: str) -> None:
        async with self._database.transaction() as connection:
            await leases.check_fence(connection, lease, feed.shop_id)
            await set_capabilities(connection, feed.shop_id, {capability: (CapabilityState.MISSING, reason)})
            await slice_rows.drop(connection, feed.feed_id)

    async def show_wait(self, lease: Lease, run_id: int, feed: Feed, *, waits_for: str | None) -> None:
        async with self._database.transaction() as connection:
            await leases.check_fence(connection, lease, feed.shop_id)
            await feed_rows.show_wait(connection, run_id, feed.feed_id, waits_for=waits_for)

    async def commit(self, work: Work, page: Page) -> Committed:
        feed, part = work.feed, work.open_slice
        async with self._turn(work), self._database.transaction(lock_timeout=_PATIENCE) as connection:
            await leases.check_fence(connection, work.lease, feed.shop_id)
            done = await write_page(
                connection,
                await self._columns(connection),
                shop_id=feed.shop_id,
                stream=work.stream,
                page=page,
                run_id=work.run_id,
                walk_id=part.walk_id,
                part=part.slice,
            )
            await runs.count(connection, work.run_id, feed.feed_id, done, pages=1, skipped=page.skipped)
            if page.last and part.walk_id is None:
                await self._close(connection, work, cursor=page.cursor, until=page.until)
            if page.last:
                await feed_rows.doubt(connection, feed.feed_id, page.doubt)
            rows = await slice_rows.advance(connection, work, page, done)
            if page.last and not rows and not work.force and work.stream.suspect_empty:
                await check_empty(connection, await self._columns(connection), shop_id=feed.shop_id, stream=work.stream, part=part.slice)
        return done

    async def _close(self, connection: Connection, work: Work, *, cursor: Cursor | None, until: datetime | None) -> None:
        """What the end of a slice means for its feed and shop."""
        part = work.open_slice.slice
        await feed_rows.slice_closed(connection, work.feed.feed_id, part, cursor=cursor, until=until)
        if (shortcut := part.key.get("shortcut")) is not None:
            await set_capabilities(connection, work.feed.shop_id, {shortcut: (CapabilityState.OK, None)})

    async def sweep(self, work: Work, *, share: float) -> Committed:
        part, walk_id = work.open_slice.slice, work.open_slice.walk_id
        async with self._turn(work), self._database.transaction(lock_timeout=_PATIENCE) as connection:
            await leases.check_fence(connection, work.lease, work.feed.shop_id)
            walked = None if walk_id is None else await slice_rows.walked(connection, walk_id)
            if walk_id is None or walked is None:
                raise LeaseLost(f"walk {walk_id} of feed {work.feed.feed_id} does not wait for a sweep any more")
            done = await sweep_walk(
                connection,
                await self._columns(connection),
                shop_id=work.feed.shop_id,
                stream=work.stream,
                walk_id=walk_id,
                started_at=walked.started_at,
                part=part,
                share=share,
                force=work.force,
                run_id=work.run_id,
            )
            await runs.count(connection, work.run_id, work.feed.feed_id, done, pages=0)
            await self._close(connection, work, cursor=walked.cursor, until=walked.until)
            await slice_rows.swept(connection, part.slice_id)
            if part.kind is SliceKind.WALK:
                await feed_rows.walked(connection, work.feed.feed_id, walked.started_at)
        return done

    async def settle(self, lease: Lease, run_id: int, feed: Feed, outcome: FeedOutcome, now: datetime) -> None:
        async with self._database.transaction() as connection:
            await leases.check_fence(connection, lease, feed.shop_id)
            await settle.settle(connection, run_id, feed, outcome, now)

    def _turn(self, work: Work) -> asyncio.Lock:
        """One page of a table at a time: lanes of a stream wait for each other here, as long as it takes, and hold no connection."""
        return self._turns.setdefault((work.feed.shop_id, work.stream.main.name), asyncio.Lock())

    async def _columns(self, connection: Connection) -> Catalog:
        async with self._catalog_turn:
            if self._catalog is None:
                self._catalog = await Catalog.load(connection, self._tables)
            return self._catalog
