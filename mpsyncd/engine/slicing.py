"""Which slices a feed has to read next. Pure: feed, stream and time in, slices out."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.feed import FeedState
from mpsyncd.model.page import SliceKind
from mpsyncd.model.run import Mode
from mpsyncd.model.stream import Lane
from mpsyncd.model.work import NewSlice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, tzinfo

    from mpsyncd.model.feed import Feed
    from mpsyncd.model.page import Slice
    from mpsyncd.model.stream import Stream

EVERYTHING = frozenset({Mode.FULL, Mode.FORCED})
_SHORTCUT = "shortcut"


def new_slices(stream: Stream, feed: Feed, *, mode: Mode, now: datetime, zone: tzinfo, shortcut: bool = True) -> tuple[NewSlice, ...]:
    """Return the slices of one attempt: a walk or what is new in the live lane, the missing history in the backfill lane.

    `zone` is the source's calendar. `shortcut`: whether a shortcut that the stream has may be tried.
    """
    if feed.lane is Lane.BACKFILL:
        return _history(stream, feed, mode=mode, now=now, zone=zone, shortcut=shortcut)
    if _walk_is_due(stream, feed, mode=mode, now=now):
        return (NewSlice(kind=SliceKind.WALK),)
    start = (feed.complete_until or now) - stream.overlap
    cursor = feed.cursor if stream.keeps_cursor else None
    return (NewSlice(kind=SliceKind.SINCE, start=start, end=now, cursor=cursor, marked=stream.main.swept_by_slice),)


def range_slices(stream: Stream, *, start: datetime, end: datetime) -> tuple[NewSlice, ...]:
    """Return the windows of a range that a person asked for, newest first; they never move the feed's own cursor."""
    return _windows(stream, start, end, stream.window, key={"manual": True})


def by_shortcut(part: Slice | NewSlice) -> str | None:
    """The capability of the shortcut by which a slice is read, None for one that is read as usual."""
    capability = part.key.get(_SHORTCUT)
    return None if capability is None else str(capability)


def _walk_is_due(stream: Stream, feed: Feed, *, mode: Mode, now: datetime) -> bool:
    if stream.walk is None:
        return False
    return mode in EVERYTHING or feed.last_walk_at is None or now - feed.last_walk_at >= stream.walk


def _history(stream: Stream, feed: Feed, *, mode: Mode, now: datetime, zone: tzinfo, shortcut: bool) -> tuple[NewSlice, ...]:
    if stream.backfill is None or (feed.state is FeedState.DONE and mode not in EVERYTHING):
        return ()
    way = stream.shortcut if shortcut else None
    behind = stream.history_behind if way is None else way.behind
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    # Days of a calendar are subtracted in its own zone, where a day need not have 24 hours.
    whole_days = way is not None or behind
    end, start = (today - behind, today - stream.backfill) if whole_days else (now, now - stream.backfill)
    if way is None:
        return _windows(stream, start, end, stream.window, key={})
    return _windows(stream, start, end, way.window, key={_SHORTCUT: way.capability})


def _windows(stream: Stream, start: datetime, end: datetime, width: timedelta | None, *, key: Mapping[str, object]) -> tuple[NewSlice, ...]:
    """Windows of at most `width`, newest first."""
    windows: list[NewSlice] = []
    while end > start:
        left = start if width is None else max(start, end - width)
        bounds = (left.astimezone(UTC), end.astimezone(UTC))
        windows.append(NewSlice(kind=SliceKind.WINDOW, start=bounds[0], end=bounds[1], key=key, marked=stream.main.swept_by_slice))
        end = left
    return tuple(windows)
