"""Rows of financial reports by rrdId: the end is told by 204, which was seen to lie."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import Page, Slice, SliceKind
from mpsyncd.model.request import Request
from mpsyncd.sources.wildberries.report_rows import report_rows
from support.sources import NOW, ListApi

REQUEST = Request(method="POST", host="finance-api", path="/rows", json={"period": "weekly"})
PART = Slice(
    slice_id=1,
    kind=SliceKind.WINDOW,
    now=NOW,
    start=datetime(2026, 10, 25, 21, tzinfo=UTC),
    end=datetime(2026, 11, 22, 21, tzinfo=UTC),
)
EMPTY: list[Any] = []
FULL = 2
"""Rows that an answer may hold here."""


def rows(*ids: Any, day: Any = "2026-11-02") -> list[dict[str, Any]]:
    return [{"rrdId": each, "dateFrom": day} for each in ids]


async def read(*bodies: Any, part: Slice = PART) -> tuple[list[Page], list[int]]:
    """Pages, and the ids that were asked for."""
    api = ListApi(list(bodies))
    pages = [page async for page in report_rows(REQUEST, day="dateFrom", limit=FULL)(api, part)]
    return pages, [request.json["rrdId"] for request in api.asked]


async def test_the_last_row_counts_and_not_the_largest_id() -> None:
    pages, asked = await read(rows(9, 5), rows(7), EMPTY)
    assert asked == [0, 5, 7]
    assert [page.rows.count for page in pages] == [2, 1, 0]
    assert [page.last for page in pages] == [False, False, True]


@pytest.mark.parametrize("kind", [SliceKind.WINDOW, SliceKind.SINCE])
async def test_an_end_behind_a_full_answer_must_be_told_twice(kind: SliceKind) -> None:
    _, asked = await read(rows(1, 2), EMPTY, rows(3, 4), EMPTY, EMPTY, part=replace(PART, kind=kind))
    assert asked == [0, 2, 2, 4, 4]


async def test_answers_that_are_all_smaller_than_promised_foretell_no_end() -> None:
    _, asked = await read(rows(1), rows(2), EMPTY, rows(3), EMPTY, EMPTY)
    assert asked == [0, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("kind", [SliceKind.WINDOW, SliceKind.SINCE])
async def test_nothing_at_all_must_be_told_twice(kind: SliceKind) -> None:
    pages, asked = await read(EMPTY, EMPTY, part=replace(PART, kind=kind))
    assert asked == [0, 0]
    assert (pages[-1].last, pages[-1].until, pages[-1].cursor) == (True, PART.end, None)


async def test_an_end_that_was_told_once_is_remembered() -> None:
    pages, _ = await read(rows(1, 2), EMPTY, EMPTY)
    again, asked = await read(EMPTY, part=replace(PART, cursor=pages[1].cursor))
    assert (asked, again[0].last) == ([2], True)


async def test_a_short_answer_is_remembered() -> None:
    pages, _ = await read(rows(1), EMPTY)
    again, asked = await read(EMPTY, part=replace(PART, cursor=pages[0].cursor))
    assert (asked, again[0].last) == ([1], True)


async def test_whole_weeks_are_asked_for_up_to_today() -> None:
    api = ListApi([EMPTY, EMPTY])
    monday_to_monday = replace(PART, start=datetime(2026, 10, 28, 12, tzinfo=UTC))
    [_, _] = [page async for page in report_rows(REQUEST, day="dateFrom")(api, monday_to_monday)]
    assert api.asked[0].json == {"period": "weekly", "dateFrom": "2026-10-26", "dateTo": "2026-11-21", "limit": 100_000, "rrdId": 0}


async def test_progress_is_told_from_the_rows() -> None:
    pages, _ = await read(rows(1, 2, day="2026-10-26"), rows(3, 4, day="2026-11-09T00:00:00Z"), rows(5), EMPTY)
    assert [page.share for page in pages] == [0.0, 0.5, 0.25, None]


@pytest.mark.parametrize("day", [None, "", "09.11.2026", 7])
async def test_progress_is_not_told_from_rows_that_have_no_day(day: Any) -> None:
    pages, _ = await read(rows(1, day=day), EMPTY)
    assert pages[0].share is None


@pytest.mark.parametrize("spelt", ["3", 3.0, "3.0"])
async def test_an_id_may_be_spelt_otherwise(spelt: Any) -> None:
    _, asked = await read(rows(spelt), EMPTY)
    assert asked == [0, 3]


@pytest.mark.parametrize(
    "last, words", [({}, "no rrdId"), ({"rrdId": None}, "no rrdId"), ({"rrdId": "x"}, "rrdId"), ({"rrdId": 1}, "twice")]
)
async def test_a_position_that_leads_nowhere_is_an_error(last: dict[str, Any], words: str) -> None:
    api = ListApi([rows(5, 1), [*rows(6), last]])
    with pytest.raises(BadData, match=words):
        [_ async for _ in report_rows(REQUEST, day="dateFrom")(api, PART)]
    assert api.given[1].closed


async def test_a_page_that_comes_again_after_a_restart_is_an_error() -> None:
    with pytest.raises(BadData, match="twice"):
        await read(rows(4, 5), part=replace(PART, cursor={"rrdId": 5}))
