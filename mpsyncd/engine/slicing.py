"""Which slices a feed has to read next. Pure: feed, stream and time in, slices out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.model.feed import FeedState
from mpsyncd.model.page import SliceKind
from mpsyncd.model.run import Mode
from mpsyncd.model.stream import Lane
from mpsyncd.model.work import NewSlice

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from mpsyncd.model.feed import Feed
    from mpsyncd.model.stream import Stream

EVERYTHING = frozenset({Mode.FULL, Mode.FORCED})


def new_slices(stream: Stream, feed: Feed, *, mode: Mode, now: datetime) -> tuple[NewSlice, ...]:
    """Return the slices of one attempt: a walk or what is new in the live lane, the missing history in the backfill lane."""
    if feed.lane is Lane.BACKFILL:
        return _history(stream, feed, mode=mode, now=now)
    if _walk_is_due(stream, feed, mode=mode, now=now):
        return (NewSlice(kind=SliceKind.WALK),)
    start = (feed.complete_until or now) - stream.overlap
    return (NewSlice(kind=SliceKind.SINCE, start=start, end=now, cursor=feed.cursor if stream.keeps_cursor else None),)


def range_slices(stream: Stream, *, start: datetime, end: datetime) -> tuple[NewSlice, ...]:
    """Return the windows of a range that a person asked for, newest first; they never move the feed's own cursor."""
    return tuple(
        NewSlice(kind=SliceKind.WINDOW, start=left, end=right, key={"manual": True}) for left, right in _windows(start, end, stream.window)
    )


def _walk_is_due(stream: Stream, feed: Feed, *, mode: Mode, now: datetime) -> bool:
    if stream.walk is None:
        return False
    return mode in EVERYTHING or feed.last_walk_at is None or now - feed.last_walk_at >= stream.walk


def _history(stream: Stream, feed: Feed, *, mode: Mode, now: datetime) -> tuple[NewSlice, ...]:
    if stream.backfill is None or (feed.state is FeedState.DONE and mode not in EVERYTHING):
        return ()
    windows = _windows(now - stream.backfill, now, stream.window)
    return tuple(NewSlice(kind=SliceKind.WINDOW, start=left, end=right) for left, right in windows)


def _windows(start: datetime, end: datetime, width: timedelta | None) -> list[tuple[datetime, datetime]]:
    if width is None:
        return [(start, end)]
    windows: list[tuple[datetime, datetime]] = []
    while end > start:
        left = max(start, end - width)
        windows.append((left, end))
        end = left
    return windows
