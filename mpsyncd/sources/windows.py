"""Going over the days of a slice, for vendors that take a limited number of days a request. Must not ask anything itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.page import SliceKind
from mpsyncd.sources.pagers import ended
from mpsyncd.sources.reading import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import tzinfo

    from mpsyncd.model.page import Cursor, Page, Slice
    from mpsyncd.model.request import Api
    from mpsyncd.model.stream import Read

_DAY = timedelta(days=1)


def each_window(read: Read, *, days: int, zone: tzinfo, newest_first: bool = False) -> Read:
    """Read the slice in stretches of at most `days` whole calendar days of `zone`, one after the other.

    `read` gets the slice narrowed to [midnight, midnight) of its window, which reaches beyond the slice where that begins or ends inside of
    a day, and the cursor within. The position is the first day of the window in hand; `share` are the windows that are done.
    """

    async def pages(api: Api, part: Slice) -> AsyncIterator[Page]:
        windows = _windows(part, days=days, zone=zone, newest_first=newest_first)
        begin, inside = _place(windows, part.cursor)
        for index in range(begin, len(windows)):
            first, behind = windows[index]
            cursor = inside if index == begin else None
            narrowed = replace(part, start=_midnight(first, zone), end=_midnight(behind, zone), cursor=cursor)
            following = windows[index + 1][0] if index + 1 < len(windows) else None
            async with opened(read, api, narrowed) as inner:
                async for page in inner:
                    share = (index + (1.0 if page.last else page.share or 0.0)) / len(windows)
                    yield replace(
                        page,
                        cursor=_cursor(page, here=first, following=following),
                        last=page.last and following is None,
                        until=_until(page, part, narrowed, last=following is None, newest_first=newest_first),
                        share=share,
                    )

    return pages


def days_of(part: Slice, *, zone: tzinfo) -> tuple[date, date]:
    """The first and the last calendar day that a slice touches."""
    if part.start is None or part.end is None:
        raise ValueError("a slice over days needs a start and an end")
    first = part.start.astimezone(zone).date()
    return first, max(first, (part.end - timedelta.resolution).astimezone(zone).date())


def _windows(part: Slice, *, days: int, zone: tzinfo, newest_first: bool) -> list[tuple[date, date]]:
    """First day and the day behind the last one, of each window. Counted from the slice's fixed ends, so they come out alike every time."""
    first, last = days_of(part, zone=zone)
    found = []
    while first <= last:
        behind = min(first + days * _DAY, last + _DAY)
        found.append((first, behind))
        first = behind
    return found[::-1] if newest_first else found


def _place(windows: list[tuple[date, date]], cursor: Cursor | None) -> tuple[int, Cursor | None]:
    """Which window comes next and the position within; the first one when the position is that of another division into windows."""
    begins = [first.isoformat() for first, _ in windows]
    if cursor is None or cursor.get("from") not in begins:
        return 0, None
    return begins.index(cursor["from"]), cursor["inner"]


def _cursor(page: Page, *, here: date, following: date | None) -> Cursor | None:
    if not page.last:
        return {"from": here.isoformat(), "inner": page.cursor}
    return None if following is None else {"from": following.isoformat(), "inner": None}


def _until(page: Page, part: Slice, window: Slice, *, last: bool, newest_first: bool) -> datetime | None:
    """Up to when the slice is complete; read from the newest to the oldest, it is complete when all of it is."""
    if page.last and last:
        return ended(part)
    reached = window.end if page.last else page.until
    if newest_first or part.kind is SliceKind.WALK or reached is None or part.end is None:
        return None
    return min(reached, part.end)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)
