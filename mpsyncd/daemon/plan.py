"""Plans a run for a command: what the database knows of the shop, the limits of its key, the engine's arithmetic. Asks no vendor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.daemon.outward import transport_options
from mpsyncd.daemon.stores import open_storage
from mpsyncd.engine.planning import plan_run
from mpsyncd.model.clock import SystemClock
from mpsyncd.model.feed import Feed, FeedState
from mpsyncd.model.source import stored_identity
from mpsyncd.sources import SOURCES
from mpsyncd.storage import feeds as feed_rows
from mpsyncd.storage import planning, shops
from mpsyncd.transport.tuning import tuned

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from mpsyncd.model.plan import Plan
    from mpsyncd.model.run import Mode
    from mpsyncd.model.shop import Shop
    from mpsyncd.model.stream import Stream
    from mpsyncd.settings import Settings


async def plan(
    settings: Settings, named: str, *, mode: Mode, streams: Collection[str] = (), assumed: Mapping[str, int] | None = None
) -> tuple[Shop, Plan]:
    """The shop that is called so and the plan of a run over all (or some) of its streams; NotThere, Refused as `shops.find`.

    assumed: rows that a person expects, by table, for what was never read.
    """
    sources = {source.name: source for source in SOURCES}
    async with open_storage(settings) as storage, storage.pool.connection() as connection:
        shop = await shops.find(connection, named)
        source = sources[shop.source]
        stored = await feed_rows.of_shop(connection, shop.shop_id)
        facts = await planning.known(connection, shop.shop_id, assumed=assumed)
    options, now = transport_options(settings), SystemClock().now()
    identity = stored_identity(shop.identity, shop.expires_at)
    rates = {rate.name: tuned(rate, source=source.name, options=options) for rate in source.rates(identity)}
    able = [stream for stream in source.streams if not shop.lacks(stream.capability) and (not streams or stream.name in streams)]
    return shop, plan_run(_pairs(able, stored, shop), rates, facts, mode=mode, now=now, zone=source.zone)


def _pairs(streams: Sequence[Stream], stored: Sequence[Feed], shop: Shop) -> list[tuple[Stream, Feed]]:
    """Each stream's feeds as they stand; those that are not written down yet as they will begin."""
    known = {(feed.stream, feed.lane): feed for feed in stored}
    return [
        (
            stream,
            known.get((stream.name, lane))
            or Feed(feed_id=0, shop_id=shop.shop_id, stream=stream.name, lane=lane, state=FeedState.PENDING, next_due_at=shop.created_at),
        )
        for stream in streams
        for lane in stream.lanes
    ]
