"""Which slices come next."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mpsyncd.engine.slicing import new_slices, range_slices
from mpsyncd.model.feed import Feed, FeedState
from mpsyncd.model.page import SliceKind
from mpsyncd.model.run import Mode
from mpsyncd.model.stream import Lane, Stream
from mpsyncd.model.work import NewSlice
from support.engine import Script, make_stream
from support.virtual_clock import START

DAY = timedelta(days=1)


def feed(**changes: Any) -> Feed:
    values: dict[str, Any] = {
        "feed_id": 1,
        "shop_id": 1,
        "stream": "things",
        "lane": Lane.LIVE,
        "state": FeedState.OK,
        "next_due_at": START,
    }
    return Feed(**values | changes)


def sliced(stream: Stream, the_feed: Feed, mode: Mode = Mode.INCREMENTAL) -> tuple[NewSlice, ...]:
    return new_slices(stream, the_feed, mode=mode, now=START)


def test_a_live_slice_begins_an_overlap_behind_what_is_complete() -> None:
    stream = make_stream(Script([]), overlap=timedelta(hours=1))
    (first,) = sliced(stream, feed())
    (later,) = sliced(stream, feed(complete_until=START - 5 * DAY, cursor={"n": 3}))
    assert (first.kind, first.start, first.end) == (SliceKind.SINCE, START - timedelta(hours=1), START)
    assert (later.start, later.cursor) == (START - 5 * DAY - timedelta(hours=1), None)


def test_a_stream_that_keeps_its_cursor_goes_on_from_it() -> None:
    (part,) = sliced(make_stream(Script([]), keeps_cursor=True), feed(cursor={"n": 3}))
    assert part.cursor == {"n": 3}


def test_a_walk_is_due_at_first_when_old_and_when_everything_is_asked_for() -> None:
    stream = make_stream(Script([]), walk=DAY)
    kinds = [
        sliced(stream, feed())[0].kind,
        sliced(stream, feed(last_walk_at=START - DAY / 2))[0].kind,
        sliced(stream, feed(last_walk_at=START - DAY))[0].kind,
        sliced(stream, feed(last_walk_at=START), Mode.FULL)[0].kind,
    ]
    assert kinds == [SliceKind.WALK, SliceKind.SINCE, SliceKind.WALK, SliceKind.WALK]


def test_history_is_cut_newest_first_without_a_gap_and_is_read_once() -> None:
    stream = make_stream(Script([]), backfill=10 * DAY, window=4 * DAY)
    windows = sliced(stream, feed(lane=Lane.BACKFILL, state=FeedState.PENDING))
    assert [(START - (w.end or START), START - (w.start or START)) for w in windows] == [
        (timedelta(0), 4 * DAY),
        (4 * DAY, 8 * DAY),
        (8 * DAY, 10 * DAY),
    ]
    done = feed(lane=Lane.BACKFILL, state=FeedState.DONE)
    assert sliced(stream, done) == ()
    assert len(sliced(stream, done, Mode.FULL)) == 3


def test_a_manual_range_is_marked_so() -> None:
    (part,) = range_slices(make_stream(Script([])), start=START - DAY, end=START)
    assert (part.kind, part.key) == (SliceKind.WINDOW, {"manual": True})
