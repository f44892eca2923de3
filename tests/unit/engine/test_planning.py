"""What a run costs before it begins."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest

from mpsyncd.engine.planning import plan_run, time_of
from mpsyncd.model.feed import Feed, FeedState
from mpsyncd.model.plan import Known, Plan, Workload
from mpsyncd.model.rate import Rate, RateKind
from mpsyncd.model.run import Mode
from mpsyncd.model.stream import Parents, Shortcut, Stream
from support.engine import Script, make_stream
from support.virtual_clock import START

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
SLOW = Rate(name="slow", limit=1, per=MINUTE)
QUICK = Rate(name="quick", limit=3, per=MINUTE, burst=3)


def feeds(*streams: Stream, **changes: Any) -> list[tuple[Stream, Feed]]:
    values: dict[str, Any] = {"feed_id": 1, "shop_id": 1, "state": FeedState.PENDING, "next_due_at": START} | changes
    return [(stream, Feed(stream=stream.name, lane=lane, **values)) for stream in streams for lane in stream.lanes]


def planned(*streams: Stream, known: Known | None = None, mode: Mode = Mode.INCREMENTAL, **changes: Any) -> Plan:
    rates = {rate.name: rate for rate in (SLOW, QUICK)}
    return plan_run(feeds(*streams, **changes), rates, known or Known(), mode=mode, now=START, zone=UTC)


def test_a_walk_takes_a_request_for_each_page_and_one_to_see_the_end() -> None:
    stream = make_stream(Script([]), walk=DAY, limits=("slow",), page_rows=100)
    known = Known(rows={stream.main.name: 250}, whole=frozenset({stream.main.name}))
    plan = planned(stream, known=known)
    assert plan.feeds[0].requests == {"slow": 3}
    assert plan.feeds[0].unsure is None
    assert plan.time == 2 * MINUTE


def test_what_was_never_read_is_said_to_be_unknown_until_somebody_tells() -> None:
    stream = make_stream(Script([]), walk=DAY, limits=("slow",), page_rows=100)
    assert planned(stream).feeds[0].unsure == f"how many rows {stream.name} has"
    told = planned(stream, known=Known(assumed={stream.main.name: 1000}))
    assert (told.feeds[0].unsure, told.feeds[0].requests) == (None, {"slow": 11})


def test_windows_of_history_are_counted_and_finished_history_is_not() -> None:
    stream = make_stream(Script([]), backfill=30 * DAY, window=DAY, limits=("quick",))
    live, history = planned(stream).feeds
    assert (live.requests, history.requests) == ({"quick": 1}, {"quick": 30})
    assert planned(stream, state=FeedState.DONE).feeds[1].requests == {}
    assert planned(stream, state=FeedState.DONE, mode=Mode.FULL).feeds[1].requests == {"quick": 30}


def test_a_stream_says_itself_what_an_odd_slice_costs() -> None:
    def batches(load: Workload) -> dict[str, int]:
        return {"quick": -(-(load.parents or 0) // 50)}

    parents = make_stream(Script([]), name="parents", walk=DAY, limits=("slow",))
    child = make_stream(
        Script([]),
        name="child",
        parents=Parents(stream="parents", table=parents.main.name),
        requests=batches,
        window=DAY,
        backfill=10 * DAY,
    )
    known = Known(assumed={parents.main.name: 120})
    _, live, history = planned(parents, child, known=known).feeds
    assert (live.requests, history.requests) == ({"quick": 3}, {"quick": 30})
    assert live.waits_for == "parents"
    unknown = planned(parents, child).feeds[1]
    assert unknown.unsure == "how many parents there are"


def test_feeds_share_their_limits_and_different_limits_run_side_by_side() -> None:
    first = make_stream(Script([]), name="first", walk=DAY, limits=("quick",), page_rows=10)
    second = make_stream(Script([]), name="second", walk=DAY, limits=("quick",), page_rows=10)
    other = make_stream(Script([]), name="other", walk=DAY, limits=("slow",), page_rows=10)
    plan = planned(first, second, other, known=Known(assumed=dict.fromkeys([first.main.name], 45)))
    assert [(gate.limit, gate.requests, gate.time) for gate in plan.gates] == [("quick", 10, 140 * SECOND), ("slow", 5, 4 * MINUTE)][::-1]
    assert plan.time == 4 * MINUTE


def test_a_child_begins_when_its_parents_are_walked() -> None:
    parents = make_stream(Script([]), name="parents", walk=DAY, limits=("slow",), page_rows=10)
    child = make_stream(
        Script([]),
        name="child",
        walk=DAY,
        parents=Parents(stream="parents", table=parents.main.name),
        requests=lambda load: {"quick": load.parents or 0},
    )
    plan = planned(child, parents, known=Known(assumed={parents.main.name: 25}))
    assert {gate.limit: gate.time for gate in plan.gates} == {"slow": 2 * MINUTE, "quick": 2 * MINUTE + 22 * 20 * SECOND}


@pytest.mark.parametrize(
    "rate, requests, time",
    [
        (Rate(name="b", limit=3, per=MINUTE, burst=3), 365, 362 * 20 * SECOND),
        (Rate(name="b", limit=1, per=MINUTE, burst=10), 7, timedelta(0)),
        (Rate(name="w", kind=RateKind.WINDOW, limit=5, per=SECOND), 370, 73 * SECOND),
        (Rate(name="d", kind=RateKind.DAY, limit=20), 41, 2 * DAY),
        (Rate(name="c", kind=RateKind.CONCURRENCY, limit=3), 999, timedelta(0)),
    ],
)
def test_the_time_that_a_limit_asks_for(rate: Rate, requests: int, time: timedelta) -> None:
    assert time_of(rate, requests) == time


def test_a_shortcut_is_planned_with_unless_the_vendor_refused_it() -> None:
    def report(load: Workload) -> dict[str, int]:
        return {"quick": 1 if load.shortcut else 7}

    quick = Shortcut(capability="jam", read=Script([]).read, window=None, behind=timedelta(0))
    stream = make_stream(Script([]), backfill=30 * DAY, window=10 * DAY, shortcut=quick, requests=report)
    refused = Known(lacks=frozenset({"jam"}))
    assert planned(stream).feeds[1].requests == {"quick": 1}
    assert planned(stream, known=refused).feeds[1].requests == {"quick": 21}
    assert planned(stream, known=refused, mode=Mode.FULL).feeds[1].requests == {"quick": 1}, "a full run tries it again"
