"""Walking by time of change: nothing is lost at borders, and it always ends. The vendor is played with both habits it was seen with."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as any_

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import Page, Slice, SliceKind
from mpsyncd.model.request import Answer, Request
from mpsyncd.model.stream import Read
from mpsyncd.sources.pagers import Since
from mpsyncd.sources.reading import paged
from mpsyncd.sources.rows import MOSCOW
from support.sources import NOW, ListApi, ListRows

START = datetime(2026, 11, 20, 6, tzinfo=UTC)  # 09:00 in Moscow
REQUEST = Request(method="GET", host="statistics-api", path="/orders", params={"flag": "0"}, limits=("statistics.orders",))


def reader(full: int = 1000) -> Read:
    return paged(REQUEST, pager=Since(param="dateFrom", field="lastChangeDate", zone=MOSCOW, full=full))


def since(start: datetime = START, cursor: dict[str, Any] | None = None) -> Slice:
    return Slice(slice_id=1, kind=SliceKind.SINCE, now=NOW, start=start, cursor=cursor)


def window(end: datetime, start: datetime = START) -> Slice:
    return Slice(slice_id=1, kind=SliceKind.WINDOW, now=NOW, start=start, end=end)


def row(srid: object, at: object) -> dict[str, object]:
    return {"srid": srid, "lastChangeDate": at}


async def read(api: Any, part: Slice, full: int = 1000) -> list[Page]:
    return [page async for page in reader(full)(api, part)]


class Vendor:
    """The method as the vendor runs it: rows from (or after) a moment, in order, cut softly."""

    def __init__(self, stamps: list[datetime], *, cap: int, inclusive: bool) -> None:
        self.rows: list[dict[str, Any]] = [
            row(number, stamp.replace(tzinfo=None).isoformat()) for number, stamp in enumerate(sorted(stamps))
        ]
        self.cap, self.inclusive, self.asked = cap, inclusive, list[str]()

    async def send(self, request: Request) -> Answer:
        text = request.params["dateFrom"]
        self.asked.append(text)
        found = [each for each in self.rows if each["lastChangeDate"] > text or (self.inclusive and each["lastChangeDate"] == text)]
        page = found[: self.cap]
        while not self.inclusive and len(page) < len(found) and found[len(page)]["lastChangeDate"] == page[-1]["lastChangeDate"]:
            page.append(found[len(page)])  # who does not repeat the border must not cut inside a tie
        return Answer(status=200, headers={}, envelope=[], rows=ListRows(page), asked_at=NOW + timedelta(seconds=len(self.asked)))


async def rows_of(pages: list[Page]) -> list[dict[str, Any]]:
    return [each for page in pages async for piece in page.rows.pieces() for each in piece if isinstance(each, dict)]


SPREAD = any_.lists(any_.integers(0, 12), max_size=40)


@settings(max_examples=200, deadline=None)
@given(spread=SPREAD, cap=any_.integers(1, 9), inclusive=any_.booleans(), whole_seconds=any_.booleans())
async def test_every_row_is_seen_or_the_walk_says_that_it_can_not(
    spread: list[int], cap: int, inclusive: bool, whole_seconds: bool
) -> None:
    unit = timedelta(seconds=1) if whole_seconds else timedelta(milliseconds=7)
    stamps = [datetime(2026, 11, 20, 9, tzinfo=MOSCOW) + each * unit for each in spread]
    vendor = Vendor(stamps, cap=cap, inclusive=inclusive)
    part = since(START - timedelta(seconds=1))
    if inclusive and max((spread.count(each) for each in spread), default=0) >= cap:
        with pytest.raises(BadData, match="share the lastChangeDate"):  # only a tie that fills a page has no way on
            await read(vendor, part, full=cap)
        return
    pages = await read(vendor, part, full=cap)
    assert {each["srid"] for each in await rows_of(pages)} == {each["srid"] for each in vendor.rows}
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert pages[-1].until == (max(stamps) if stamps else START - timedelta(seconds=1))
    assert len(vendor.asked) <= len(spread) + 2


@given(spread=SPREAD, cap=any_.integers(2, 9), inclusive=any_.booleans(), end=any_.integers(0, 14))
async def test_a_window_is_complete_and_stops_behind_its_end(spread: list[int], cap: int, inclusive: bool, end: int) -> None:
    stamps = [datetime(2026, 11, 20, 9, tzinfo=MOSCOW) + timedelta(seconds=each) for each in dict.fromkeys(spread)]
    vendor = Vendor(stamps, cap=cap, inclusive=inclusive)
    pages = await read(vendor, window(START + timedelta(seconds=end)), full=1000)
    inside = {
        each["srid"] for each, stamp in zip(vendor.rows, sorted(stamps), strict=True) if START < stamp < START + timedelta(seconds=end)
    }
    assert inside <= {each["srid"] for each in await rows_of(pages)}
    assert pages[-1].until == START + timedelta(seconds=end)
    beyond = [text for text in vendor.asked if datetime.fromisoformat(text).replace(tzinfo=MOSCOW) >= START + timedelta(seconds=end)]
    assert beyond == [] or end == 0


async def test_the_start_is_asked_in_moscow_time_with_its_fraction() -> None:
    api = ListApi([[]])
    await read(api, since(START + timedelta(microseconds=120)))
    assert api.asked[0].params == {"flag": "0", "dateFrom": "2026-11-20T09:00:00.000120"}


async def test_the_next_page_begins_at_the_exact_text_of_the_last_row() -> None:
    api = ListApi([[row(1, "2026-11-20T09:30:00.1234567")], []])
    pages = await read(api, since())
    assert api.asked[1].params["dateFrom"] == "2026-11-20T09:30:00.1234567"
    assert pages[0].cursor == {"dateFrom": "2026-11-20T09:30:00.1234567"}


async def test_an_empty_answer_is_one_empty_last_page() -> None:
    [page] = await read(ListApi([[]]), since())
    assert (page.rows.count, page.last, page.cursor, page.until) == (0, True, {"dateFrom": "2026-11-20T09:00:00"}, START)


async def test_an_empty_answer_to_a_window_is_believed_the_second_time() -> None:
    api = ListApi([[row(1, "2026-11-20T09:30:00")], [], [row(1, "2026-11-20T09:30:00"), row(2, "2026-11-20T09:31:00")], [], []])
    pages = await read(api, window(START + timedelta(hours=5)))
    assert [page.rows.count for page in pages] == [1, 0, 2, 0, 0]


async def test_a_stored_position_goes_before_the_start() -> None:
    api = ListApi([[]])
    await read(api, since(cursor={"dateFrom": "2026-11-20T15:00:00.5"}))
    assert api.asked[0].params["dateFrom"] == "2026-11-20T15:00:00.5"


async def test_a_page_of_nothing_but_the_border_is_the_end() -> None:
    tie = [row(1, "2026-11-20T09:30:00"), row(2, "2026-11-20T09:30:00")]
    pages = await read(ListApi([tie, tie]), since())
    assert [page.last for page in pages] == [False, True]


async def test_a_tie_that_fills_a_page_is_told_in_words() -> None:
    tie = [row(number, "2026-11-20T09:30:00") for number in range(5)]
    api = ListApi([tie, tie])
    with pytest.raises(BadData, match=r"5 rows share the lastChangeDate 2026-11-20T09:30:00 and fill a whole page: dateFrom can not move"):
        await read(api, since(), full=5)
    assert api.given[-1].closed


async def test_an_earlier_page_again_is_not_taken_for_the_end() -> None:
    first = [row(1, "2026-11-20T09:10:00"), row(2, "2026-11-20T09:20:00")]
    with pytest.raises(BadData, match="an earlier page came again"):
        await read(ListApi([first, first]), since())
    second = [row(3, "2026-11-20T09:40:00")]
    with pytest.raises(BadData, match="an earlier page came again"):
        await read(ListApi([first, second, first]), since())


async def test_rows_of_the_same_second_may_come_again() -> None:
    """The vendor cuts the fraction of the parameter."""
    page = [row(1, "2026-11-20T09:30:00.2"), row(2, "2026-11-20T09:30:00.7")]
    assert [each.last for each in await read(ListApi([page, page]), since())] == [False, True]


async def test_one_row_without_a_time_does_not_stop_the_walk() -> None:
    page = [row(1, "2026-11-20T09:10:00"), row(2, "2026-11-20T09:20:00"), row(3, ""), row(4, 1763), row(5, "soon")]
    api = ListApi([page, [row(2, "2026-11-20T09:20:00"), *page[2:]]])
    pages = await read(api, since())
    assert api.asked[1].params["dateFrom"] == "2026-11-20T09:20:00"
    assert [each.last for each in pages] == [False, True]


async def test_a_page_without_any_time_is_bad() -> None:
    with pytest.raises(BadData, match="none of 2 rows has a usable lastChangeDate"):
        await read(ListApi([[{"srid": 1}, {"srid": 2}]]), since())


async def test_a_slice_without_a_beginning_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="needs a start"):
        await read(ListApi([[]]), Slice(slice_id=1, kind=SliceKind.SINCE, now=NOW))


async def test_what_changed_after_the_slice_was_planned_is_left_to_the_next_one() -> None:
    """A slow key would chase a shop that never sleeps: each of its requests finds something new."""
    stamps = [START.astimezone(MOSCOW) + timedelta(minutes=minutes) for minutes in range(100)]
    vendor = Vendor(stamps, cap=10, inclusive=True)
    planned = START + timedelta(minutes=25)
    part = Slice(slice_id=1, kind=SliceKind.SINCE, now=NOW, start=START, end=planned)
    pages = await read(vendor, part)
    assert len(vendor.asked) == 3
    assert pages[-1].until is not None
    assert pages[-1].until >= planned
