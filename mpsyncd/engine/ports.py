"""What the engine needs of others, as small protocols; `storage` and `transport` implement them and only `daemon` introduces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime, timedelta
    from uuid import UUID

    from mpsyncd.model.feed import Feed, Lease
    from mpsyncd.model.page import Page, ParentReader, Slice
    from mpsyncd.model.plan import Known, Planned
    from mpsyncd.model.rate import Rate
    from mpsyncd.model.request import Api
    from mpsyncd.model.run import Mode, RunRequest, RunState, Trigger
    from mpsyncd.model.shop import Shop
    from mpsyncd.model.stream import Lane, Parents, Stream
    from mpsyncd.model.work import Committed, DueShop, FeedOutcome, NewSlice, OpenSlice, Work


class Store(Protocol):
    """The database as the engine sees it. Every method may raise StorageUnavailable; those that take a lease or Work raise LeaseLost."""

    async def hold(self, daemon: UUID, ttl: timedelta) -> Sequence[Lease]:
        """Beat the daemon's heart, renew its leases, take free and expired groups that have a working shop; return all it holds now."""
        ...

    async def release(self, daemon: UUID) -> None:
        """Give back every lease and mark the daemon as gone."""
        ...

    async def plan_feeds(self, shop: Shop, feeds: Sequence[tuple[str, Lane]], now: datetime) -> None:
        """Write down feeds that the shop does not have yet, due `now`."""
        ...

    async def shops(self, daemon: UUID) -> Sequence[tuple[Shop, Lease]]:
        """Working shops of the groups that the daemon holds."""
        ...

    async def due(self, daemon: UUID, now: datetime) -> Sequence[DueShop]:
        """Feeds of held, working shops with next_due_at <= now and not_before <= now that are neither parked nor done."""
        ...

    async def next_due(self, daemon: UUID, after: datetime) -> datetime | None:
        """The earliest instant later than `after` at which a feed of a held, working shop becomes due."""
        ...

    async def feeds(self, shop_id: int) -> Sequence[Feed]:
        """All feeds of a shop."""
        ...

    async def feed(self, feed_id: int) -> Feed:
        """One feed as it stands now."""
        ...

    async def known_rows(self, shop_id: int) -> Known:
        """What is known of the shop's rows, for plans."""
        ...

    async def take_requests(self, daemon: UUID) -> Sequence[RunRequest]:
        """Requests for held shops that nobody took yet; taken now."""
        ...

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
        """Write down a run over these feeds with what each is planned to cost (by feed id), link the request to it, return its id."""
        ...

    async def run_waits(self, run_id: int, reason: str | None, until: datetime | None) -> None:
        """Show that the run waits (`reason`) or works again (None)."""
        ...

    async def cancelled(self, daemon: UUID) -> frozenset[int]:
        """Open runs of this daemon that a person cancelled."""
        ...

    async def close_run(self, run_id: int, now: datetime, state: RunState | None = None) -> RunState:
        """Close the run with the verdict computed from its feeds' committed outcomes (or `state`); return it."""
        ...

    async def open_slices(self, feed: Feed) -> Sequence[OpenSlice]:
        """Slices of the feed that are not done, oldest first."""
        ...

    async def add_slices(self, lease: Lease, feed: Feed, run_id: int, slices: Sequence[NewSlice], now: datetime) -> Sequence[OpenSlice]:
        """Write slices down (a walk gets a walk id) and return them open."""
        ...

    async def drop_slices(self, lease: Lease, feed: Feed) -> None:
        """Forget open slices of a feed (a full run begins anew, an expired cursor)."""
        ...

    async def restart_slice(self, lease: Lease, feed: Feed, part: Slice, now: datetime) -> None:
        """Forget what one open slice has read; it is written down again as it was, behind the others."""
        ...

    async def lacks(self, shop_id: int, capability: str) -> bool:
        """Whether the vendor said that the shop's key has no such capability."""
        ...

    async def refuse_shortcut(self, lease: Lease, feed: Feed, *, capability: str, reason: str) -> None:
        """Remember that the shop lacks the capability, and forget open slices of the feed, which were planned for it."""
        ...

    async def show_wait(self, lease: Lease, run_id: int, feed: Feed, *, waits_for: str | None) -> None:
        """Show that a feed waits in its run until a stream of its shop has walked, or (None) that it goes on."""
        ...

    def parents(self, shop_id: int, parents: Parents, *, since: datetime | None) -> ParentReader:
        """Return the reader of a shop's parents; `since` bounds `parents.changed`. The reader raises StorageUnavailable."""
        ...

    async def commit(self, work: Work, page: Page) -> Committed:
        """In one transaction under the fence: documents, parts, rejected rows, events, marks, counts, cursor, slice state.

        A `last` page closes the slice: SINCE and WINDOW become done, the feed's cursor and complete_from/complete_until move (but not
        by a slice whose key says "manual"); one with a walk id (a WALK always) becomes "walked" and waits for `sweep`, which does the
        rest. `page.rows` is walked once; nothing of the page stays when this raises.

        Raises:
            EmptySnapshot: `stream.suspect_empty`, and not `work.force`.
        """
        ...

    async def sweep(self, work: Work, *, share: float) -> Committed:
        """Close a walked slice: tombstone rows that it did not see (written before it began), revive none.

        A WALK sweeps the whole table and applies `stream.tombstones`; a slice of time sweeps its scope and moves the feed.

        Raises:
            EmptySnapshot: nothing was seen where rows live, or more than `share` of at least 20 live rows would go, and not `work.force`.
            BadData: the logged count and the marks differ (a database crash in between): all of the slice must be read again.
        """
        ...

    async def settle(self, lease: Lease, run_id: int, feed: Feed, outcome: FeedOutcome, now: datetime) -> None:
        """Write the judge's outcome: feed state, verdict in the run, parks, the shop's status."""
        ...


class Connect(Protocol):
    """Opens the way to a shop's source for the time of one feed's attempt."""

    def __call__(self, shop: Shop, *, lane: Lane, manual: bool, reason: Reason) -> AbstractAsyncContextManager[Api]:
        """Return the Api; its waits are told to `reason` ("waits for statistics.orders, next token in 14 s"; None when it goes on)."""
        ...


class Reason(Protocol):
    """Takes the reason of the current wait."""

    def __call__(self, reason: str | None, until: datetime | None) -> None: ...


class Doctor(Protocol):
    """Asks the vendor whether a shop's key still works."""

    async def __call__(self, shop: Shop) -> str | None:
        """Return None when it does, else why not."""
        ...


class Rates(Protocol):
    """Tells the limits of a shop's key as they are kept now."""

    def __call__(self, shop: Shop) -> Mapping[str, Rate]:
        """Return the rates by their names."""
        ...


class Pace(Protocol):
    """Tells how fast the limits let a feed go."""

    def __call__(self, shop: Shop, stream: Stream) -> timedelta:
        """Return the long-run interval between two requests of this stream."""
        ...
