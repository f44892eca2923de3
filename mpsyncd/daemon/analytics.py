"""Analytics on demand for the status server: which streams they are, a task over them, and how far it is. Reads nothing of any vendor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.model.analytics import Task, TaskShop, TaskState
from mpsyncd.model.errors import Refused
from mpsyncd.model.run import FeedVerdict, RunState, Trigger
from mpsyncd.model.stream import Lane
from mpsyncd.sources import SOURCES
from mpsyncd.storage import analytics, history, planning, requests, shops

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from mpsyncd.model.overview import RunView
    from mpsyncd.model.shop import Shop
    from mpsyncd.storage.pool import Connection

_STATES = {
    RunState.RUNNING: TaskState.RUNNING,
    RunState.WAITING: TaskState.RUNNING,
    RunState.DONE: TaskState.DONE,
    RunState.PARTLY: TaskState.PARTLY,
    RunState.CANCELLED: TaskState.CANCELLED,
}
_ERRORS = 20
_INTERRUPTED = "the daemon ended meanwhile; what is left is read by its next run"


def streams_of(shop: Shop) -> tuple[str, ...]:
    """The streams of a shop that are its products' analytics; none where the source has no such thing."""
    return next((source.analytics for source in SOURCES if source.name == shop.source), ())


BATCH = 100
"""Products at a time in which progress is told unless somebody wishes another number."""


async def start(connection: Connection, wanted: Collection[int] | None, *, batch_size: int, by: str) -> UUID:
    """Start a task over these shops, or (None) over all that are worked and have analytics; Refused when there is none."""
    every = [shop for shop in await shops.list_shops(connection) if wanted is None or shop.shop_id in wanted]
    chosen = [shop for shop in every if streams_of(shop) and (shop.works or (wanted is not None and len(wanted) == 1))]
    if not chosen:
        raise Refused("None of these shops has analytics of products that could be read now.")
    streams = {shop.shop_id: streams_of(shop) for shop in chosen}
    return await analytics.start(connection, streams, batch_size=batch_size, by=by, trigger=Trigger.MANUAL)


async def start_if_stale(connection: Connection, shop_id: int, *, by: str) -> UUID | None:
    """Start a task for a shop whose analytics are older than a day; None when they are not."""
    shop = await shops.get(connection, shop_id)
    streams = streams_of(shop)
    if not streams or await analytics.fresh(connection, shop_id, streams):
        return None
    return await analytics.start(connection, {shop_id: streams}, batch_size=BATCH, by=by, trigger=Trigger.STALE)


async def look(connection: Connection, task_id: UUID) -> Task:
    """How far a task is; NotThere when there is none."""
    row = await analytics.task(connection, task_id)
    found = [await _shop(connection, shop_id, request_id) for shop_id, request_id in row.requests.items()]
    ends = [run.ended_at for _, run in found if run is not None]
    over = len(ends) == len(found) and all(end is not None for end in ends)
    return Task(
        task_id=task_id,
        batch_size=row.batch_size,
        requested_at=row.requested_at,
        ended_at=max(end for end in ends if end is not None) if over else None,
        shops=tuple(shop for shop, _ in found),
    )


async def _shop(connection: Connection, shop_id: int, request_id: int) -> tuple[TaskShop, RunView | None]:
    shop = await shops.get(connection, shop_id)
    request = await requests.show(connection, request_id)
    run = await history.show_run(connection, request.run_id) if request.run_id is not None else None
    fraction = _fraction(run, streams_of(shop))
    total = await _products(connection, shop)
    errors = [_INTERRUPTED] if run is not None and run.state is RunState.INTERRUPTED else []
    errors += [request.refused] if request.refused else [f"{f.stream}: {f.reason}" for f in (run.feeds if run else ()) if f.reason]
    told = TaskShop(
        shop_id=shop_id,
        name=shop.name,
        state=TaskState.FAILED if request.refused else _state(run),
        run_id=request.run_id,
        products=total,
        products_done=int(total * fraction),
        fraction=fraction,
        errors=tuple(errors[:_ERRORS]),
        eta=run.eta if run is not None else None,
    )
    return told, run


def _state(run: RunView | None) -> TaskState:
    return TaskState.QUEUED if run is None else _STATES.get(run.state, TaskState.FAILED)


def _fraction(run: RunView | None, streams: Sequence[str]) -> float:
    """The committed share of what the run follows: history that it goes on with besides is no part of it."""
    feeds = [feed for feed in (run.feeds if run else ()) if feed.lane is Lane.LIVE and feed.stream in streams]
    if not feeds:
        return 0.0
    return sum(1.0 if feed.verdict is FeedVerdict.OK else feed.progress or 0.0 for feed in feeds) / len(feeds)


async def _products(connection: Connection, shop: Shop) -> int:
    source = next(source for source in SOURCES if source.name == shop.source)
    tables = {stream.parents.table for stream in source.streams if stream.name in source.analytics and stream.parents is not None}
    rows = (await planning.known(connection, shop.shop_id)).rows
    return max((rows.get(table, 0) for table in tables), default=0)
