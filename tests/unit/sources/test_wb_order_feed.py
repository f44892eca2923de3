"""The order feed: pages of one snapshot, the period within 31 days, a snapshot that the vendor has dropped."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from mpsyncd.model.errors import BadData, BadRequest, NotFound, SourceError
from mpsyncd.model.page import Page, Slice, SliceKind
from mpsyncd.model.request import Answer, Request
from mpsyncd.sources.wildberries.order_feed import ORDER_FEED, feed
from support.sources import NOW, ListApi

SINCE = Slice(slice_id=1, kind=SliceKind.SINCE, now=NOW, start=NOW - timedelta(hours=2), end=NOW)
WINDOW = replace(SINCE, kind=SliceKind.WINDOW, start=NOW - timedelta(days=20), end=NOW)
SNAPSHOT, LATER = "2026-11-21T08:59:58Z", "2026-11-21T09:30:00Z"


def answer(*numbers: int, snapshot: str = SNAPSHOT, currency: str = "RUB") -> dict[str, Any]:
    return {"data": {"snapshotTime": snapshot, "currency": currency, "orders": [{"srid": f"s{number}"} for number in numbers]}}


class RefusingApi(ListApi):
    """Refuses instead of giving an answer that is an error."""

    async def send(self, request: Request) -> Answer:
        told = self.bodies[len(self.asked)] if len(self.asked) < len(self.bodies) else None
        if isinstance(told, Exception):
            self.asked.append(request)
            raise told
        return await super().send(request)


async def pages_of(api: ListApi, part: Slice) -> list[Page]:
    return [page async for page in feed(2)(api, part)]


async def rows_of(pages: Iterable[Page]) -> list[Any]:
    return [row for page in pages async for piece in page.rows.pieces() for row in piece]


def asked(api: ListApi) -> list[Any]:
    return [request.json for request in api.asked]


async def test_later_pages_ask_for_the_snapshot_and_the_period_of_the_first() -> None:
    api = ListApi([answer(1, 2), answer(3, 4, snapshot=LATER, currency="KZT"), answer(5)])
    pages = await pages_of(api, WINDOW)
    period = {"start": "2026-11-01T12:00:00.000+03:00", "end": "2026-11-21T12:00:00.000+03:00"}
    assert asked(api) == [
        {"selectedPeriod": period, "pagination": {"offset": 0, "limit": 2}},
        {"selectedPeriod": period, "pagination": {"offset": 2, "limit": 2, "snapshotTime": SNAPSHOT}},
        {"selectedPeriod": period, "pagination": {"offset": 4, "limit": 2, "snapshotTime": SNAPSHOT}},
    ]
    told = [(row["srid"], row["currency"]) for row in await rows_of(pages)]
    assert told == [("s1", "RUB"), ("s2", "RUB"), ("s3", "KZT"), ("s4", "KZT"), ("s5", "RUB")]
    assert [(page.last, page.until) for page in pages] == [(False, None), (False, None), (True, WINDOW.end)]


async def test_the_next_attempt_goes_on_in_the_same_snapshot() -> None:
    before = await pages_of(ListApi([answer(1, 2), answer(3)]), WINDOW)
    api = ListApi([answer(3)])
    await pages_of(api, replace(WINDOW, cursor=before[0].cursor, now=NOW + timedelta(days=1)))
    assert asked(api) == [
        {
            "selectedPeriod": {"start": "2026-11-01T12:00:00.000+03:00", "end": "2026-11-21T12:00:00.000+03:00"},
            "pagination": {"offset": 2, "limit": 2, "snapshotTime": SNAPSHOT},
        }
    ]


@pytest.mark.parametrize(
    "bodies, until",
    [
        ([answer(1)], datetime.fromisoformat(SNAPSHOT)),
        ([answer(1, 2), answer(3, snapshot=LATER)], datetime.fromisoformat(SNAPSHOT)),
        ([answer()], None),
        ([answer(1, 2), answer()], None),
    ],
)
async def test_what_is_new_is_complete_up_to_the_snapshot_unless_an_answer_is_empty(bodies: list[Any], until: datetime | None) -> None:
    api = ListApi(bodies)
    pages = await pages_of(api, SINCE)
    assert pages[-1].until == until
    assert "end" not in api.asked[0].json["selectedPeriod"]


async def test_an_empty_window_is_believed_when_it_comes_twice() -> None:
    api = ListApi([answer(), answer(1)])
    assert len(await rows_of(await pages_of(api, WINDOW))) == 1


async def test_the_vendor_keeps_31_days() -> None:
    old = replace(WINDOW, start=NOW - timedelta(days=90))
    api = ListApi([answer(1)])
    await pages_of(api, old)
    assert api.asked[0].json["selectedPeriod"]["start"] == "2026-10-21T13:00:00.000+03:00"
    nothing = ListApi([])
    [page] = await pages_of(nothing, replace(old, end=NOW - timedelta(days=31)))
    assert (nothing.asked, page.rows.count, page.last) == ([], 0, True)


@pytest.mark.parametrize("refusal", [BadRequest("snapshot expired", status=400), NotFound("no such snapshot", status=404)])
async def test_a_dropped_snapshot_is_begun_anew(refusal: SourceError) -> None:
    api = RefusingApi([answer(1, 2), refusal, answer(1, 2, snapshot=LATER), answer(3, snapshot=LATER)])
    pages = await pages_of(api, WINDOW)
    assert [request["pagination"].get("snapshotTime") for request in asked(api)] == [None, SNAPSHOT, None, LATER]
    assert [row["srid"] for row in await rows_of(pages)] == ["s1", "s2", "s1", "s2", "s3"]


async def test_it_is_begun_anew_once_an_attempt_and_never_for_the_first_page() -> None:
    refusal = BadRequest("no", status=400)
    for bodies in ([refusal], [answer(1, 2), refusal, refusal], [answer(1, 2), refusal, answer(1, 2), refusal]):
        api = RefusingApi(bodies)
        with pytest.raises(BadRequest):
            await pages_of(api, WINDOW)
        assert len(api.asked) == len(bodies)


async def test_a_window_that_was_forgotten_on_the_way_ends() -> None:
    [first, *_] = await pages_of(ListApi([answer(1, 2), answer(3)]), WINDOW)
    api = RefusingApi([BadRequest("period too old", status=400)])
    [page] = await pages_of(api, replace(WINDOW, cursor=first.cursor, now=NOW + timedelta(days=40)))
    assert (page.rows.count, page.last) == (0, True)


async def test_a_page_that_comes_again_is_an_error() -> None:
    with pytest.raises(BadData, match="came again"):
        await pages_of(ListApi([answer(1, 2), answer(1, 2)]), WINDOW)


async def test_a_full_page_without_a_snapshot_can_not_be_followed() -> None:
    body = answer(1, 2)
    del body["data"]["snapshotTime"]
    with pytest.raises(BadData, match="no snapshotTime"):
        await pages_of(ListApi([body]), WINDOW)


def test_a_status_that_nobody_knows_is_kept() -> None:
    row = ORDER_FEED.main.row
    assert row is not None
    told = {"srid": "s1", "status": "teleported", "cancelType": None, "updatedAt": "2026-11-21T12:00:00+03:00", "sellerPrice": "4 328,5"}
    assert row(told) == {**told, "sellerPrice": "4328.5"}
