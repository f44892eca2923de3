"""What people and monitors see of the whole: shops, feeds, tables, runs; computed from what was committed, never from intentions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from mpsyncd.model.feed import FeedState
    from mpsyncd.model.run import Mode, RunState, Trigger
    from mpsyncd.model.shop import CapabilityState, ShopStatus
    from mpsyncd.model.stream import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedView:
    """One feed as it stands. `slices_done` of `slices_known` is what its percent is made of; both 0 when nothing was planned yet."""

    feed_id: int
    stream: str
    lane: Lane
    state: FeedState
    next_due_at: datetime
    not_before: datetime | None = None
    complete_from: datetime | None = None
    complete_until: datetime | None = None
    last_success_at: datetime | None = None
    attempts: int = 0
    reason: str | None = None
    slices_known: int = 0
    slices_done: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TableView:
    """Counts of one table of one shop, kept by the commits."""

    table: str
    live: int
    deleted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run with the sums over its feeds."""

    run_id: int
    shop_id: int
    shop: str
    trigger: Trigger
    mode: Mode
    state: RunState
    started_at: datetime
    ended_at: datetime | None = None
    reason: str | None = None
    waits_until: datetime | None = None
    folded: int = 1
    pages: int = 0
    seen: int = 0
    inserted: int = 0
    updated: int = 0
    tombstoned: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopView:
    """One shop with everything that hangs on it. `held` says that a living daemon works it."""

    shop_id: int
    customer: str
    source: str
    name: str
    status: ShopStatus
    paused: bool
    works: bool
    held: bool
    status_message: str | None = None
    expires_at: datetime | None = None
    capabilities: Mapping[str, tuple[CapabilityState, str | None]] = field(default_factory=dict)
    feeds: tuple[FeedView, ...] = ()
    tables: tuple[TableView, ...] = ()
    rejected: int = 0
    open_run: RunView | None = None
    last_run: RunView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything at one instant of the database."""

    taken_at: datetime
    shops: tuple[ShopView, ...]
