"""What the engine and the storage hand each other about one attempt: slices, commits, outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mpsyncd.model.feed import Feed, FeedState, Lease
    from mpsyncd.model.page import Cursor, Slice, SliceKind
    from mpsyncd.model.run import FeedVerdict
    from mpsyncd.model.shop import Shop
    from mpsyncd.model.stream import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSlice:
    """A slice to be written down before it is read. `marked`: what it sees is marked, as a walk's always is, to be swept by."""

    kind: SliceKind
    start: datetime | None = None
    end: datetime | None = None
    cursor: Cursor | None = None
    key: Mapping[str, object] = field(default_factory=dict)
    marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSlice:
    """A slice that is written down and not done. `walk_id` names the marks of a slice that is swept by what it saw.

    walked: its pages are all committed, its sweep is not.
    """

    slice: Slice
    walked: bool = False
    walk_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Under which right, for which feed and run a page is committed. `force`: an emptiness that looks suspicious is believed."""

    lease: Lease
    run_id: int
    feed: Feed
    stream: Stream
    open_slice: OpenSlice
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What one commit did, counted by the database."""

    seen: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    tombstoned: int = 0

    @property
    def changed(self) -> int:
        """Rows that are different in the database now."""
        return self.inserted + self.updated + self.tombstoned


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOutcome:
    """What the judge decided for a feed; written in one transaction with the verdict in its run.

    waits_for: the stream whose next complete walk makes the feed due at once; when there has been one meanwhile, the feed is due now.
    """

    state: FeedState
    verdict: FeedVerdict | None
    next_due_at: datetime
    attempts: int = 0
    not_before: datetime | None = None
    reason: str | None = None
    error: Mapping[str, object] | None = None
    park_shop: bool = False
    park_capability: str | None = None
    waits_for: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueShop:
    """A shop with feeds that are due, under the lease that allows to work it."""

    shop: Shop
    lease: Lease
    feeds: tuple[Feed, ...]
