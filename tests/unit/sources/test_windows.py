"""Going over the days of a slice: every day is asked for, in the zone's calendar, and a kill goes on from the window in hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.model.request import Request
from mpsyncd.sources.pagers import LastKey, Offset
from mpsyncd.sources.reading import paged
from mpsyncd.sources.rows import MOSCOW
from mpsyncd.sources.windows import days_of, each_window
from support.reads import Answering, killed_behind_every_page, marks, pages_of, rows_of, some_pages, stretch

START = datetime(2026, 11, 1, tzinfo=MOSCOW)


def asked(part: Slice) -> Request:
    first, last = days_of(part, zone=MOSCOW)
    return Request(method="GET", host="api", path="/spend", params={"from": first.isoformat(), "to": last.isoformat()})


def by_day(request: Request) -> list[dict[str, Any]]:
    """A row for each day that is asked for."""
    first, last = date.fromisoformat(request.params["from"]), date.fromisoformat(request.params["to"])
    return [{"day": (first + timedelta(days=number)).isoformat()} for number in range((last - first).days + 1)]


ONE_BY_ONE = paged(asked, often_empty=True)


async def test_windows_are_whole_days_of_the_zone_and_no_longer_than_allowed() -> None:
    api = Answering(by_day)
    part = stretch(START, START + timedelta(days=7))
    pages = await pages_of(each_window(ONE_BY_ONE, days=3, zone=MOSCOW), api, part)
    assert [(request.params["from"], request.params["to"]) for request in api.asked] == [
        ("2026-11-01", "2026-11-03"),
        ("2026-11-04", "2026-11-06"),
        ("2026-11-07", "2026-11-07"),
    ]
    assert marks(pages) == [False, False, True]
    assert [page.cursor for page in pages] == [{"from": "2026-11-04", "inner": None}, {"from": "2026-11-07", "inner": None}, None]
    assert [page.until for page in pages] == [START + timedelta(days=days) for days in (3, 6, 7)]
    assert [page.share for page in pages] == [1 / 3, 2 / 3, 1.0]


async def test_newest_first_is_complete_when_all_is_read() -> None:
    api = Answering(by_day)
    part = stretch(START, START + timedelta(days=5))
    pages = await pages_of(each_window(ONE_BY_ONE, days=2, zone=MOSCOW, newest_first=True), api, part)
    assert [request.params["from"] for request in api.asked] == ["2026-11-05", "2026-11-03", "2026-11-01"]
    assert [page.until for page in pages] == [None, None, part.end]
    assert marks(pages) == [False, False, True]


async def test_a_slice_that_begins_and_ends_inside_of_days_gets_those_days_whole_and_is_complete_to_its_end() -> None:
    seen: list[Slice] = []

    def told(part: Slice) -> Request:
        seen.append(part)
        return asked(part)

    part = stretch(START + timedelta(hours=5), START + timedelta(days=1, hours=9), kind=SliceKind.SINCE)
    pages = await pages_of(each_window(paged(told), days=1, zone=MOSCOW), Answering(by_day), part)
    assert [(one.start, one.end) for one in seen] == [
        (START, START + timedelta(days=1)),
        (START + timedelta(days=1), START + timedelta(days=2)),
    ]
    assert [page.until for page in pages] == [START + timedelta(days=1), part.end]


async def test_a_walk_is_no_stretch_of_time() -> None:
    part = stretch(START, START + timedelta(days=2), kind=SliceKind.WALK)
    pages = await pages_of(each_window(ONE_BY_ONE, days=1, zone=MOSCOW), Answering(by_day), part)
    assert [page.until for page in pages] == [None, None]


async def test_an_empty_stretch_is_the_day_that_it_stands_in() -> None:
    api = Answering(by_day)
    await pages_of(each_window(ONE_BY_ONE, days=3, zone=MOSCOW), api, stretch(START, START))
    assert [(request.params["from"], request.params["to"]) for request in api.asked] == [("2026-11-01", "2026-11-01")]


async def test_a_slice_without_ends_is_a_mistake_of_ours() -> None:
    part = Slice(slice_id=1, kind=SliceKind.WALK, now=START)
    with pytest.raises(ValueError, match="needs a start and an end"):
        await pages_of(each_window(ONE_BY_ONE, days=1, zone=MOSCOW), Answering(by_day), part)


def test_days_are_those_of_the_zone() -> None:
    part = stretch(datetime(2026, 11, 1, 20, 59, tzinfo=UTC), datetime(2026, 11, 3, 21, 0, tzinfo=UTC))
    assert days_of(part, zone=MOSCOW) == (date(2026, 11, 1), date(2026, 11, 3))
    assert days_of(part, zone=UTC) == (date(2026, 11, 1), date(2026, 11, 3))
    assert days_of(replace(part, start=part.start and part.start + timedelta(minutes=1)), zone=MOSCOW)[0] == date(2026, 11, 2)


async def test_what_is_under_way_in_a_window_ends_with_the_read() -> None:
    api = Answering(by_day)
    await some_pages(each_window(ONE_BY_ONE, days=1, zone=MOSCOW), api, stretch(START, START + timedelta(days=3)), most=2)
    assert (len(api.asked), api.under_way) == (2, 0)


@settings(deadline=None)
@given(length=st.integers(1, 12), days=st.integers(1, 5), size=st.integers(1, 4), newest_first=st.booleans(), by_key=st.booleans())
async def test_pages_within_windows_lose_nothing_when_killed_behind_every_page(
    length: int, days: int, size: int, newest_first: bool, by_key: bool
) -> None:
    def body(request: Request) -> list[dict[str, Any]]:
        rows = by_day(request)
        if by_key:
            return [row for row in rows if row["day"] > request.params["behind"]][:size]
        begin = int(request.params["offset"])
        return rows[begin : begin + size]

    pager = LastKey(param="behind", field="day", first="") if by_key else Offset(size=size)
    read = each_window(paged(asked, pager=pager, often_empty=True), days=days, zone=MOSCOW, newest_first=newest_first)
    part = stretch(START, START + timedelta(days=length))
    whole, killed = await pages_of(read, Answering(body), part), await killed_behind_every_page(read, Answering(body), part)
    assert sorted(row["day"] for row in await rows_of(*whole)) == [  # type: ignore[index]
        (START + timedelta(days=number)).date().isoformat() for number in range(length)
    ]
    assert await rows_of(*killed) == await rows_of(*whole)
    assert [page.cursor for page in killed] == [page.cursor for page in whole]
    assert marks(whole) == [False] * (len(whole) - 1) + [True]
    shares = [page.share or 0.0 for page in whole]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
