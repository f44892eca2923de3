"""A store in memory for engine tests under virtual time: it obeys the same rules as the real one, and counts what it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from mpsyncd.model.errors import LeaseLost
from mpsyncd.model.feed import Feed, FeedState, Lease
from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.model.plan import Known
from mpsyncd.model.run import FeedVerdict, RunState
from mpsyncd.model.shop import Shop, ShopStatus
from mpsyncd.model.work import Committed, DueShop, OpenSlice

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from mpsyncd.model.page import Page, ParentReader
    from mpsyncd.model.plan import Planned
    from mpsyncd.model.run import Mode, RunRequest, Trigger
    from mpsyncd.model.stream import Lane, Parents
    from mpsyncd.model.work import FeedOutcome, NewSlice, Work

FAR = datetime(2099, 1, 1, tzinfo=UTC)
FIRST = datetime(2020, 1, 1, tzinfo=UTC)


def make_shop(shop_id: int = 1, **changes: Any) -> Shop:
    values: dict[str, Any] = {
        "shop_id": shop_id,
        "customer": "default",
        "source": "testing",
        "name": f"shop {shop_id}",
        "status": ShopStatus.ACTIVE,
        "lease_group": f"testing:{shop_id}",
        "paused": False,
        "works": True,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Shop(**values | changes)


@dataclass
class FakeStore:
    """Rows are (key → value) per stream; `commits` lists (feed_id, number of rows, cursor)."""

    daemon: UUID
    known: list[Shop] = field(default_factory=list)
    feeds_by_id: dict[int, Feed] = field(default_factory=dict)
    slices: dict[int, tuple[int, OpenSlice]] = field(default_factory=dict)
    commits: list[tuple[int, int, Any]] = field(default_factory=list)
    outcomes: list[tuple[int, FeedOutcome]] = field(default_factory=list)
    runs: dict[int, dict[str, Any]] = field(default_factory=dict)
    requests: list[RunRequest] = field(default_factory=list)
    sweeps: list[int] = field(default_factory=list)
    waits: list[tuple[int, str | None]] = field(default_factory=list)
    cancelled_runs: set[int] = field(default_factory=set)
    fail_commit: list[Exception] = field(default_factory=list)
    fail_sweep: list[Exception] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    released: bool = False
    holds: int = 0
    before_commit: Any = None
    lacking: set[tuple[int, str]] = field(default_factory=set)
    shown: list[tuple[str, str | None]] = field(default_factory=list)
    waits_for: dict[int, str] = field(default_factory=dict)
    parent_rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def lease(self, shop: Shop) -> Lease:
        return Lease(group=shop.lease_group, holder=self.daemon, fence=1, expires_at=FAR)

    async def hold(self, daemon: UUID, ttl: timedelta) -> Sequence[Lease]:  # noqa: ARG002
        self.holds += 1
        return [self.lease(shop) for shop in self.known]

    async def release(self, daemon: UUID) -> None:  # noqa: ARG002
        self.released = True
        for run in self.runs.values():
            if run["state"] in {RunState.RUNNING, RunState.WAITING}:
                run["state"] = RunState.INTERRUPTED

    async def plan_feeds(self, shop: Shop, feeds: Sequence[tuple[str, Lane]], now: datetime) -> None:
        for stream, lane in feeds:
            if not any(f.shop_id == shop.shop_id and f.stream == stream and f.lane == lane for f in self.feeds_by_id.values()):
                feed_id = len(self.feeds_by_id) + 1
                self.feeds_by_id[feed_id] = Feed(
                    feed_id=feed_id, shop_id=shop.shop_id, stream=stream, lane=lane, state=FeedState.PENDING, next_due_at=now
                )

    async def shops(self, daemon: UUID) -> Sequence[tuple[Shop, Lease]]:  # noqa: ARG002
        return [(shop, self.lease(shop)) for shop in self.known if shop.works]

    def _open(self, now: datetime) -> list[Feed]:
        works = {shop.shop_id for shop in self.known if shop.works}
        closed = {FeedState.PARKED, FeedState.DONE}
        return [f for f in self.feeds_by_id.values() if f.shop_id in works and f.state not in closed and f.next_due_at <= now]

    async def due(self, daemon: UUID, now: datetime) -> Sequence[DueShop]:  # noqa: ARG002
        ready = [f for f in self._open(now) if f.not_before is None or f.not_before <= now]
        shops = {shop.shop_id: shop for shop in self.known}
        ids = sorted({feed.shop_id for feed in ready})
        return [DueShop(shop=shops[i], lease=self.lease(shops[i]), feeds=tuple(f for f in ready if f.shop_id == i)) for i in ids]

    async def next_due(self, daemon: UUID, after: datetime) -> datetime | None:  # noqa: ARG002
        return min((f.next_due_at for f in self._open(FAR) if f.next_due_at > after), default=None)

    async def feeds(self, shop_id: int) -> Sequence[Feed]:
        return [feed for feed in self.feeds_by_id.values() if feed.shop_id == shop_id]

    async def feed(self, feed_id: int) -> Feed:
        return self.feeds_by_id[feed_id]

    async def take_requests(self, daemon: UUID) -> Sequence[RunRequest]:  # noqa: ARG002
        taken, self.requests = self.requests, []
        return taken

    async def open_run(
        self,
        lease: Lease,
        *,
        shop_id: int,
        trigger: Trigger,
        mode: Mode,
        feeds: Sequence[Feed],
        request_id: int | None,
        now: datetime,  # noqa: ARG002
        planned: Mapping[int, Planned] | None = None,
    ) -> int:
        if lease.group in self.lost:
            raise LeaseLost(lease.group)
        run_id = len(self.runs) + 1
        ids = [f.feed_id for f in feeds]
        facts = {"shop": shop_id, "trigger": trigger, "mode": mode, "feeds": ids, "request": request_id, "planned": planned}
        self.runs[run_id] = facts | {"verdicts": {}, "state": RunState.RUNNING}
        return run_id

    async def known_rows(self, shop_id: int) -> Known:  # noqa: ARG002
        return Known()

    async def run_waits(self, run_id: int, reason: str | None, until: datetime | None) -> None:  # noqa: ARG002
        self.waits.append((run_id, reason))

    async def cancelled(self, daemon: UUID) -> frozenset[int]:  # noqa: ARG002
        return frozenset(self.cancelled_runs)

    async def close_run(self, run_id: int, now: datetime, state: RunState | None = None) -> RunState:  # noqa: ARG002
        verdicts = set(self.runs[run_id]["verdicts"].values())
        computed = RunState.DONE if verdicts == {FeedVerdict.OK} else RunState.PARTLY if FeedVerdict.OK in verdicts else RunState.FAILED
        self.runs[run_id]["state"] = state or computed
        return state or computed

    async def open_slices(self, feed: Feed) -> Sequence[OpenSlice]:
        return [part for feed_id, part in self.slices.values() if feed_id == feed.feed_id]

    async def add_slices(
        self,
        lease: Lease,  # noqa: ARG002
        feed: Feed,
        run_id: int,  # noqa: ARG002
        slices: Sequence[NewSlice],
        now: datetime,
    ) -> Sequence[OpenSlice]:
        for new in slices:
            slice_id = max(self.slices, default=0) + 1
            part = Slice(slice_id=slice_id, kind=new.kind, now=now, start=new.start, end=new.end, cursor=new.cursor, key=new.key)
            walk_id = slice_id if new.marked or new.kind is SliceKind.WALK else None
            self.slices[slice_id] = (feed.feed_id, OpenSlice(slice=part, walk_id=walk_id))
        return await self.open_slices(feed)

    async def drop_slices(self, lease: Lease, feed: Feed) -> None:  # noqa: ARG002
        self.slices = {key: value for key, value in self.slices.items() if value[0] != feed.feed_id}

    def parents(self, shop_id: int, parents: Parents, *, since: datetime | None) -> ParentReader:  # noqa: ARG002
        async def read(*, after: Sequence[Any] | None = None) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
            rows = [row for row in self.parent_rows[parents.table] if after is None or row["id"] > after[0]]
            if rows:
                yield rows

        return read

    async def restart_slice(self, lease: Lease, feed: Feed, part: Slice, now: datetime) -> None:  # noqa: ARG002
        _, gone = self.slices.pop(part.slice_id)
        slice_id = max([part.slice_id, *self.slices]) + 1
        anew = replace(gone.slice, slice_id=slice_id, cursor=None)
        self.slices[slice_id] = (feed.feed_id, OpenSlice(slice=anew, walk_id=gone.walk_id and slice_id))

    async def lacks(self, shop_id: int, capability: str) -> bool:
        return (shop_id, capability) in self.lacking

    async def refuse_shortcut(self, lease: Lease, feed: Feed, *, capability: str, reason: str) -> None:  # noqa: ARG002
        self.lacking.add((feed.shop_id, capability))
        await self.drop_slices(lease, feed)

    async def show_wait(self, lease: Lease, run_id: int, feed: Feed, *, waits_for: str | None) -> None:  # noqa: ARG002
        self.shown.append((feed.stream, waits_for))

    async def commit(self, work: Work, page: Page) -> Committed:
        if self.before_commit is not None:
            await self.before_commit(work, page)
        if work.lease.group in self.lost:
            raise LeaseLost(work.lease.group)
        if self.fail_commit:
            raise self.fail_commit.pop(0)
        seen = 0
        async for piece in page.rows.pieces():
            seen += len(piece)
        self.commits.append((work.feed.feed_id, seen, page.cursor))
        self._advance(work, page)
        return Committed(seen=seen, inserted=seen)

    def _advance(self, work: Work, page: Page) -> None:
        part, feed = work.open_slice.slice, self.feeds_by_id[work.feed.feed_id]
        if not page.last:
            moved = replace(work.open_slice, slice=replace(part, cursor=page.cursor))
            self.slices[part.slice_id] = (feed.feed_id, moved)
            return
        if work.open_slice.walk_id is not None:
            self.slices[part.slice_id] = (feed.feed_id, replace(work.open_slice, walked=True))
        else:
            del self.slices[part.slice_id]
        until = max(filter(None, (page.until, feed.complete_until)), default=None)
        self.feeds_by_id[feed.feed_id] = replace(feed, cursor=page.cursor or feed.cursor, complete_until=until)

    async def sweep(self, work: Work, *, share: float) -> Committed:  # noqa: ARG002
        if self.fail_sweep:
            raise self.fail_sweep.pop(0)
        part = work.open_slice.slice
        self.sweeps.append(part.slice_id)
        del self.slices[part.slice_id]
        if part.kind is SliceKind.WALK:
            feed = self.feeds_by_id[work.feed.feed_id]
            self.feeds_by_id[feed.feed_id] = replace(feed, last_walk_at=part.now)
            self._wake(feed)
        return Committed()

    def _wake(self, parent: Feed) -> None:
        for feed_id, stream in tuple(self.waits_for.items()):
            child = self.feeds_by_id[feed_id]
            if (child.shop_id, stream) == (parent.shop_id, parent.stream):
                del self.waits_for[feed_id]
                state = FeedState.PENDING if child.state is FeedState.PARKED else child.state
                self.feeds_by_id[feed_id] = replace(child, next_due_at=FIRST, not_before=None, state=state)

    async def settle(self, lease: Lease, run_id: int, feed: Feed, outcome: FeedOutcome, now: datetime) -> None:  # noqa: ARG002
        self.outcomes.append((feed.feed_id, outcome))
        self.waits_for.pop(feed.feed_id, None)
        if outcome.waits_for is not None:
            self.waits_for[feed.feed_id] = outcome.waits_for
        if outcome.verdict is not None:
            self.runs[run_id]["verdicts"][feed.feed_id] = outcome.verdict
        self.feeds_by_id[feed.feed_id] = replace(
            self.feeds_by_id[feed.feed_id],
            state=outcome.state,
            next_due_at=outcome.next_due_at,
            attempts=outcome.attempts,
            not_before=outcome.not_before,
            reason=outcome.reason,
        )
