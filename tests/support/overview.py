"""An invented overview for tests of pages, metrics and tables."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from mpsyncd.model.errors import StorageUnavailable
from mpsyncd.model.feed import FeedState
from mpsyncd.model.overview import FeedView, Overview, RunView, ShopView, TableView
from mpsyncd.model.run import Mode, RunState, Trigger
from mpsyncd.model.shop import CapabilityState, ShopStatus
from mpsyncd.model.stream import Lane
from mpsyncd.transport.budgets import Budget
from mpsyncd.web import WebPorts
from support.control import FakeControl

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def shop(name: str = "north-wind", **changes: object) -> ShopView:
    """A shop with a feed of every kind."""
    waits = "waits for statistics.orders, next token in 14 s"
    feeds = (
        FeedView(
            feed_id=1, stream="orders", lane=Lane.LIVE, state=FeedState.OK, next_due_at=NOW + timedelta(minutes=10),
            complete_until=NOW - timedelta(minutes=20), last_success_at=NOW - timedelta(minutes=20),
        ),
        FeedView(
            feed_id=2, stream="orders", lane=Lane.BACKFILL, state=FeedState.PENDING, next_due_at=NOW - timedelta(minutes=5),
            slices_known=9, slices_done=4,
        ),
        FeedView(
            feed_id=3, stream="cards", lane=Lane.LIVE, state=FeedState.PARKED, next_due_at=NOW - timedelta(days=1),
            reason="the key has no right <content>",
        ),
    )  # fmt: skip
    run = RunView(
        run_id=7, shop_id=1, shop=name, trigger=Trigger.MANUAL, mode=Mode.FULL, state=RunState.WAITING,
        started_at=NOW - timedelta(minutes=2), reason=waits, seen=12_345, inserted=12_000, updated=300,
    )  # fmt: skip
    values: dict[str, object] = {
        "shop_id": 1, "customer": "default", "source": "wildberries", "name": name, "status": ShopStatus.SYNCING, "paused": False,
        "works": True, "held": True, "expires_at": NOW + timedelta(days=14), "feeds": feeds, "rejected": 2, "open_run": run,
        "capabilities": {"content": (CapabilityState.MISSING, "made without it"), "statistics": (CapabilityState.OK, None)},
        "tables": (TableView(table="wb.orders", live=12_345, deleted=6),),
    }  # fmt: skip
    return ShopView(**(values | changes))  # type: ignore[arg-type]


def ports(
    *shops: ShopView,
    live: tuple[str, ...] = (),
    ready: tuple[str, ...] = (),
    storage: bool = True,
    budgets: Sequence[Budget] = (),
    control: FakeControl | None = None,
) -> WebPorts:
    """Ports of a daemon that stands still at NOW."""

    async def is_ready() -> tuple[str, ...]:
        return ready

    async def overview() -> Overview:
        if not storage:
            raise StorageUnavailable("the database is away")
        return Overview(taken_at=NOW, shops=shops)

    control = control or FakeControl()
    return WebPorts(
        version="1.2.3",
        started_at=NOW - timedelta(hours=3),
        now=lambda: NOW,
        live=lambda: live,
        ready=is_ready,
        overview=overview,
        recognise=control.recognise,
        control=control,
        budgets=lambda: budgets,
        facts=lambda: {"database": "PostgreSQL 18.4"},
    )
