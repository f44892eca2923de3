"""Charges and top-ups by whole months."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.sources.wildberries.campaign_money import CAMPAIGN_PAYMENTS, CAMPAIGN_SPEND
from support.sources import NOW, ListApi

PART = Slice(
    slice_id=1,
    kind=SliceKind.SINCE,
    now=NOW,
    start=datetime(2026, 9, 30, 20, 59, tzinfo=UTC),
    end=NOW,
)


async def read(*bodies: Any, part: Slice = PART) -> tuple[list[Any], list[dict[str, str]]]:
    api = ListApi(list(bodies))
    pages = [page async for page in CAMPAIGN_SPEND.read(api, part)]
    assert pages[-1].until == part.end
    return [(page.cursor, page.share, [row async for piece in page.rows.pieces() for row in piece]) for page in pages], [
        dict(request.params) for request in api.asked
    ]


async def test_whole_months_are_asked_for_up_to_today() -> None:
    pages, asked = await read([{"updSum": 1}], [{"updSum": 2, "updTime": None}], [{"updSum": 3}])
    assert asked == [
        {"from": "2026-09-01", "to": "2026-09-30"},
        {"from": "2026-10-01", "to": "2026-10-31"},
        {"from": "2026-11-01", "to": "2026-11-21"},
    ]
    assert pages == [
        ({"month": "2026-10-01", "inner": None}, 1 / 3, [{"updSum": 1, "month": "2026-09-01"}]),
        ({"month": "2026-11-01", "inner": None}, 2 / 3, [{"updSum": 2, "updTime": None, "month": "2026-10-01"}]),
        (None, 1.0, [{"updSum": 3, "month": "2026-11-01"}]),
    ]


async def test_an_empty_month_must_be_told_twice() -> None:
    pages, asked = await read([], [{"updSum": 1}], None, None, [{"updSum": 3}])
    assert [params["from"] for params in asked] == ["2026-09-01", "2026-09-01", "2026-10-01", "2026-10-01", "2026-11-01"]
    assert [len(rows) for _, _, rows in pages] == [0, 1, 0, 0, 1]


async def test_reading_goes_on_with_the_month_of_the_cursor() -> None:
    _, asked = await read([{"updSum": 3}], part=replace(PART, cursor={"month": "2026-11-01", "inner": None}))
    assert [params["from"] for params in asked] == ["2026-11-01"]


def test_a_slice_is_the_truth_of_its_months() -> None:
    for stream in (CAMPAIGN_SPEND, CAMPAIGN_PAYMENTS):
        assert stream.main.scope is not None
        assert stream.main.scope(PART) == {"month": (date(2026, 9, 1), date(2026, 12, 1))}


@pytest.mark.parametrize("time", ["2026-09-30T23:59:00+03:00", "2026-10-01T00:00:00+03:00", "2026-10-31T23:00:00Z", None, "", "x"])
async def test_rows_on_the_border_of_a_month_and_without_a_day_belong_to_it(time: Any) -> None:
    pages, _ = await read(
        [{"updTime": time}], part=replace(PART, start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 10, 9, tzinfo=UTC))
    )
    assert len(pages) == 1


async def test_another_months_answer_is_an_error() -> None:
    with pytest.raises(BadData, match="not asked for"):
        await read(*([{"updTime": "2026-09-05T10:00:00+03:00"}] for _ in range(3)))
