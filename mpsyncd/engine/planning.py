"""How many HTTP requests a run takes and how long the limits make it. Pure: streams, rates and what is known in, a plan out.

The same arithmetic tells the cost of a run before it begins, the time that is left, and how much each feed weighs in a percent.
"""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from mpsyncd.engine.slicing import EVERYTHING, by_shortcut, new_slices
from mpsyncd.model.page import SliceKind
from mpsyncd.model.plan import FeedPlan, GatePlan, Plan, Planned, Workload
from mpsyncd.model.rate import RateKind
from mpsyncd.model.stream import Lane

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, tzinfo

    from mpsyncd.model.feed import Feed
    from mpsyncd.model.plan import Known
    from mpsyncd.model.rate import Rate
    from mpsyncd.model.run import Mode
    from mpsyncd.model.stream import Stream

_ROOM = 4  # an incremental look is expected to find about a quarter of a page


def plan_run(
    feeds: Sequence[tuple[Stream, Feed]], rates: Mapping[str, Rate], known: Known, *, mode: Mode, now: datetime, zone: tzinfo
) -> Plan:
    """Plan a run over these feeds as they stand. `rates` are those of the shop's key, as they are kept, `zone` the source's calendar."""
    return plan_of([plan_feed(stream, feed, known, mode=mode, now=now, zone=zone) for stream, feed in feeds], rates)


def plan_feed(stream: Stream, feed: Feed, known: Known, *, mode: Mode, now: datetime, zone: tzinfo) -> FeedPlan:
    """Plan one feed: the slices that it would get now, each by what is known of its rows and parents."""
    requests: Counter[str] = Counter()
    unsure: str | None = None
    shortcut = mode in EVERYTHING or stream.shortcut is None or stream.shortcut.capability not in known.lacks
    slices = new_slices(stream, feed, mode=mode, now=now, zone=zone, shortcut=shortcut)
    rows = known.count(stream.main.name)
    parents = known.count(stream.parents.table) if stream.parents is not None else 0
    for part in slices:
        load = Workload(
            kind=part.kind,
            start=part.start,
            end=part.end,
            rows=_rows_of(part.kind, rows, count=len(slices), first=feed.complete_until is None, page_rows=stream.page_rows),
            parents=parents,
            shortcut=by_shortcut(part) is not None,
        )
        requests.update(_requests(stream, load))
    if slices and parents is None and stream.parents is not None:
        unsure = f"how many {stream.parents.stream} there are"
    elif slices and rows is None:
        unsure = f"how many rows {stream.name} has"
    return FeedPlan(
        stream=stream.name,
        lane=feed.lane,
        requests=dict(requests),
        waits_for=stream.parents.stream if stream.parents is not None else None,
        unsure=unsure,
    )


def kept(plan: FeedPlan, rates: Mapping[str, Rate]) -> Planned:
    """What is written down of a feed's plan: a request counts with its whole interval, for others may have used the burst up."""
    seconds = {limit: rates[limit].interval.total_seconds() * count for limit, count in plan.requests.items() if limit in rates}
    return Planned(requests=max(plan.requests.values(), default=0), seconds=seconds, unsure=plan.unsure is not None)


def plan_of(feeds: Sequence[FeedPlan], rates: Mapping[str, Rate]) -> Plan:
    """Sum feeds up over the limits that they share; a feed that waits for another one's walk begins when that may have ended."""
    total: Counter[str] = Counter()
    begins: dict[str, timedelta] = {}
    ends: dict[str, timedelta] = {}
    for feed in sorted(feeds, key=lambda one: (one.waits_for is not None, one.lane is Lane.BACKFILL)):
        start = ends.get(feed.waits_for, timedelta(0)) if feed.waits_for else timedelta(0)
        for limit, count in feed.requests.items():
            if count:
                total[limit] += count
                begins[limit] = min(begins.get(limit, start), start)
        own = max((time_of(rates[limit], count) for limit, count in feed.requests.items() if limit in rates), default=timedelta(0))
        if feed.lane is Lane.LIVE:
            ends[feed.stream] = start + own
    gates = [
        GatePlan(
            limit=limit,
            requests=count,
            interval=rates[limit].interval,
            burst=rates[limit].burst,
            time=begins[limit] + time_of(rates[limit], count),
        )
        for limit, count in total.items()
        if limit in rates
    ]
    gates.sort(key=lambda gate: (-gate.time, gate.limit))
    return Plan(feeds=tuple(feeds), gates=tuple(gates), time=max((gate.time for gate in gates), default=timedelta(0)))


def time_of(rate: Rate, requests: int) -> timedelta:
    """From a full limit to the moment at which the last of so many requests may leave; answers take their own time on top."""
    match rate.kind:
        case RateKind.CONCURRENCY:
            return timedelta(0)
        case RateKind.BUCKET:
            return rate.interval * max(0, requests - rate.burst)
        case RateKind.DAY:
            return timedelta(days=max(0, math.ceil(requests / rate.limit) - 1))
        case RateKind.WINDOW | RateKind.ROLLING | RateKind.ADAPTIVE:
            return rate.per * max(0, math.ceil(requests / rate.limit) - 1)


def _requests(stream: Stream, load: Workload) -> Mapping[str, int]:
    if stream.requests is not None:
        return stream.requests(load)
    pages = (load.rows or 0) // stream.page_rows + 1
    return dict.fromkeys(stream.limits, pages)


def _rows_of(kind: SliceKind, rows: int | None, *, count: int, first: bool, page_rows: int) -> int | None:
    """What one slice of a feed is expected to bring, out of what its table holds or will hold."""
    match kind:
        case SliceKind.WALK:
            return rows
        case SliceKind.WINDOW:
            return None if rows is None else math.ceil(rows / count)
        case SliceKind.SINCE:
            return None if first and rows is None else page_rows // _ROOM
