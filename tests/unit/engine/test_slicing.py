"""Which slices come next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mpsyncd.engine.slicing import by_shortcut, new_slices, range_slices
from mpsyncd.model.feed import Feed, FeedState
from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.model.run import Mode
from mpsyncd.model.stream import Lane, Shortcut, Stream, Table, Write
from mpsyncd.model.work import NewSlice
from support.engine import Script, make_stream
from support.virtual_clock import START

DAY = timedelta(days=1)
MOSCOW = ZoneInfo("Europe/Moscow")


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
    return new_slices(stream, the_feed, mode=mode, now=START, zone=UTC)


def history(stream: Stream, *, now: datetime = START, zone: tzinfo = MOSCOW, shortcut: bool = True) -> list[tuple[str, ...]]:
    """The windows of a first load, in the source's calendar."""
    windows = new_slices(stream, feed(lane=Lane.BACKFILL), mode=Mode.INCREMENTAL, now=now, zone=zone, shortcut=shortcut)
    bounds = [(one.start or now, one.end or now) for one in windows]
    assert {moment.tzinfo for pair in bounds for moment in pair} == {UTC}
    return [tuple(moment.astimezone(zone).strftime("%m-%d %H:%M") for moment in pair) for pair in bounds]


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


def test_history_that_leaves_its_end_to_the_live_lane_meets_at_midnights_of_the_calendar() -> None:
    stream = make_stream(Script([]), backfill=7 * DAY, window=3 * DAY, history_behind=2 * DAY, overlap=3 * DAY)
    # 9:00 UTC on the 2nd is noon in Moscow, 22:30 UTC is half past one on the 3rd.
    assert history(stream) == [("10-28 00:00", "10-31 00:00"), ("10-26 00:00", "10-28 00:00")]
    assert history(stream, now=START.replace(hour=22, minute=30))[0] == ("10-29 00:00", "11-01 00:00")


def test_days_are_those_of_the_zone_when_its_clocks_change() -> None:
    stream = make_stream(Script([]), backfill=12 * DAY, window=4 * DAY, history_behind=2 * DAY, overlap=3 * DAY)
    assert history(stream, zone=ZoneInfo("Europe/Berlin")) == [
        ("10-27 00:00", "10-31 00:00"),
        ("10-23 00:00", "10-27 00:00"),
        ("10-21 00:00", "10-23 00:00"),
    ]


def test_live_lane_and_history_leave_no_day_between_them_on_either_side_of_a_midnight() -> None:
    stream = make_stream(Script([]), backfill=30 * DAY, history_behind=2 * DAY, overlap=3 * DAY)
    before, after = (START.replace(hour=20, minute=59) + timedelta(minutes=late) for late in (0, 2))
    for live_at, history_at in ((before, after), (after, before)):
        (live,) = new_slices(stream, feed(), mode=Mode.INCREMENTAL, now=live_at, zone=MOSCOW)
        (old,) = new_slices(stream, feed(lane=Lane.BACKFILL), mode=Mode.INCREMENTAL, now=history_at, zone=MOSCOW)
        assert live.start is not None
        assert old.end is not None
        assert live.start.astimezone(MOSCOW).date() <= old.end.astimezone(MOSCOW).date()


def test_a_shortcut_cuts_history_its_own_way_and_can_be_left_out() -> None:
    quick = Shortcut(capability="jam", read=Script([]).read, window=None, behind=DAY)
    stream = make_stream(Script([]), backfill=7 * DAY, window=3 * DAY, history_behind=4 * DAY, overlap=5 * DAY, shortcut=quick)
    assert history(stream) == [("10-26 00:00", "11-01 00:00")]
    assert history(stream, shortcut=False) == [("10-26 00:00", "10-29 00:00")]
    (window,) = sliced(stream, feed(lane=Lane.BACKFILL))
    assert window.key == {"shortcut": "jam"}
    assert by_shortcut(Slice(slice_id=1, kind=SliceKind.WINDOW, now=START, key=window.key)) == "jam"
    (manual,) = range_slices(stream, start=START - DAY, end=START)
    assert by_shortcut(Slice(slice_id=1, kind=SliceKind.WINDOW, now=START, key=manual.key)) is None


@pytest.mark.parametrize(
    "changes, marked",
    [
        ({}, False),
        ({"scope": lambda part: {"day": part.start}}, True),
        ({"scope": lambda part: {"day": part.start}, "write": Write.REPLACE}, False),
        ({"scope": lambda part: {"day": part.start}, "numbered": ("a", "b")}, False),
    ],
    ids=["no scope", "scope", "replaced in one go", "numbered"],
)
def test_slices_of_time_are_marked_when_their_scope_is_swept(changes: dict[str, Any], *, marked: bool) -> None:
    table = Table(**{"name": "testing.things", "key": ("n",), **changes})
    stream = make_stream(Script([]), tables=(table,), backfill=DAY)
    lanes = [part for lane in Lane for part in sliced(stream, feed(lane=lane))]
    assert {part.marked for part in (*lanes, *range_slices(stream, start=START - DAY, end=START))} == {marked}
