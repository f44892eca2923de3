"""What people and monitors see of the whole: shops, feeds, tables, runs; computed from what was committed, never from intentions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID

    from mpsyncd.model.feed import FeedState
    from mpsyncd.model.run import FeedVerdict, Mode, RunState, Trigger
    from mpsyncd.model.shop import CapabilityState, ShopStatus
    from mpsyncd.model.stream import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedView:
    """One feed as it stands. `slices_done` of `slices_known` are those under way; both 0 when nothing is.

    progress: share of its first load that is committed, 1.0 only when done, None when there is no telling ("`rows_so_far` rows so far").
    rows: live rows of its main table. weight: seconds that its first run was planned to take, at least one.
    """

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
    last_full_at: datetime | None = None
    park_capability: str | None = None
    error: Mapping[str, object] | None = None
    error_at: datetime | None = None
    rows: int = 0
    rows_so_far: int = 0
    progress: float | None = 0.0
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TableView:
    """Counts of one table of one shop, kept by the commits."""

    table: str
    live: int
    deleted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFeedView:
    """One feed in one run. `moved_at`: its last commit. `silent_for`: time without one, None once it has a verdict.

    progress, rows_so_far: as in FeedView, for this run. skipped: parents that were passed by, as the vendor has them no more.
    planned: seconds by limit that it was planned to take, None without a plan; `unsure`: that is the least.
    """

    feed_id: int
    stream: str
    lane: Lane
    started_at: datetime
    verdict: FeedVerdict | None = None
    reason: str | None = None
    error: Mapping[str, object] | None = None
    pages: int = 0
    seen: int = 0
    inserted: int = 0
    updated: int = 0
    tombstoned: int = 0
    rejected: int = 0
    skipped: int = 0
    moved_at: datetime | None = None
    ended_at: datetime | None = None
    silent_for: timedelta | None = None
    rows_so_far: int = 0
    progress: float | None = 0.0
    planned_requests: int | None = None
    planned: Mapping[str, float] | None = None
    unsure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run with the sums over its feeds. `feeds`, `percent` and `eta` are filled for open runs and where one run is shown.

    eta: the time that the limits ask for what is left, None when there is no plan; `eta_least`: it may be more, as nobody knows how much
    there is.
    """

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
    skipped: int = 0
    folded_since: datetime | None = None
    percent: int | None = None
    eta: timedelta | None = None
    eta_least: bool = False
    feeds: tuple[RunFeedView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonView:
    """One daemon. `alive`: it gave a sign of life lately. `groups`: the lease groups that it holds."""

    daemon_id: UUID
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    alive: bool
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookView:
    """How a shop's webhooks do. `lag`: age of the oldest delivery that is pending, None without any.

    changed: rows that changed since measuring began; missed: those of them that no delivery named.
    """

    done: int = 0
    unknown: int = 0
    failed: int = 0
    pending: int = 0
    last_received_at: datetime | None = None
    lag: timedelta | None = None
    changed: int = 0
    missed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopView:
    """One shop with everything that hangs on it. `held` says that a living daemon works it.

    percent: how much of the first load is committed, parked feeds left out. open_runs: all that are under way, `open_run` the oldest.
    variant: the class of the key, as the source names it ("personal", "base"). webhooks: None for a shop that takes none.
    """

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
    open_runs: tuple[RunView, ...] = ()
    percent: int = 0
    warnings: tuple[str, ...] = ()
    variant: str = ""
    webhooks: WebhookView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything at one instant of the database."""

    taken_at: datetime
    shops: tuple[ShopView, ...]
    daemons: tuple[DaemonView, ...] = ()
