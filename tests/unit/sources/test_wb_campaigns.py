"""Campaigns: the list and what is told of each become one document; statistics are asked for those that can have any."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from mpsyncd.model.errors import BadData, BadRequest, SourceError, Transient
from mpsyncd.model.page import Page, Slice, SliceKind
from mpsyncd.model.request import Answer, BadRow, Document, Request, Response
from mpsyncd.sources.wildberries.campaign_days import CAMPAIGN_DAYS
from mpsyncd.sources.wildberries.campaigns import CAMPAIGNS, spoilt
from mpsyncd.sources.wildberries.errors import TooMuch, classify
from support.sources import NOW, ListApi, parts_of

WALK = Slice(slice_id=1, kind=SliceKind.WALK, now=NOW)
CHANGED = "2026-11-01T10:00:00+03:00"


def listing(*ids: Any, status: int = 9) -> Document:
    return {"adverts": [{"type": 9, "status": status, "advert_list": [{"advertId": each, "changeTime": CHANGED} for each in ids]}]}


async def walked(*bodies: Any) -> tuple[list[Document], list[Request]]:
    api = ListApi(list(bodies))
    pages = [page async for page in CAMPAIGNS.read(api, WALK)]
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    return [row async for row in rows_of(pages)], api.asked


async def rows_of(pages: list[Page]) -> AsyncIterator[Document]:
    for page in pages:
        async for piece in page.rows.pieces():
            for row in piece:
                assert not isinstance(row, BadRow)
                yield row


async def test_details_go_before_the_list_and_nested_fields_become_columns() -> None:
    told = {
        "id": 7,
        "status": 11,
        "settings": {"name": "А", "status": "new", "placements": {"search": True, "catalog": False}},
        "restrictions": None,
        "timestamps": {"deleted": "2100-01-01T00:00:00+03:00"},
    }
    [document], _ = await walked(listing(7), {"adverts": [told]})
    assert document == {
        "id": 7,
        "type": 9,
        "status": 11,
        "changeTime": CHANGED,
        "name": "А",
        "settings_status": "new",
        "search": True,
        "catalog": False,
        "deleted": "2100-01-01T00:00:00+03:00",
    }
    assert CAMPAIGNS.main.row is not None
    assert CAMPAIGNS.main.row(document)["deleted"] is None


async def test_a_campaign_that_is_in_the_list_only_is_kept_as_it_is_there() -> None:
    documents, asked = await walked(listing(3, 1, 2), {"adverts": [{"id": 2, "name": "x"}]})
    assert asked[1].params["ids"] == "1,2,3"
    assert sorted(document["id"] for document in documents) == [1, 2, 3]
    assert documents[1] == {"id": 1, "type": 9, "status": 9, "changeTime": CHANGED}


async def test_details_that_are_null_must_be_null_twice() -> None:
    documents, asked = await walked(listing(1), {"adverts": None}, {"adverts": [{"id": 1, "name": "x"}]})
    assert [document["name"] for document in documents] == ["x"]
    documents, asked = await walked(listing(1), {"adverts": None}, {"adverts": None})
    assert [document["id"] for document in documents] == [1]
    assert len(asked) == 3


async def test_a_shop_without_campaigns_costs_one_request() -> None:
    """A second look could not be committed apart, and would begin anew for ever behind a limit of minutes."""
    documents, asked = await walked({"adverts": None, "all": 0})
    assert documents == []
    assert [request.path for request in asked] == ["/adv/v1/promotion/count"]


async def test_a_group_may_lack_its_list() -> None:
    told = {"adverts": [{"type": 8, "status": 7, "count": 0, "advert_list": None}, *listing(5)["adverts"]]}
    documents, _ = await walked(told, {"adverts": []}, {"adverts": []})
    assert [document["id"] for document in documents] == [5]


@pytest.mark.parametrize("bad", [None, "", "x", 0])
async def test_a_campaign_without_an_id_stops_the_walk_before_anything_is_swept(bad: Any) -> None:
    with pytest.raises(BadData, match="without a readable advertId"):
        await walked(listing(1, bad))


def test_products_with_bids_and_without_settings() -> None:
    part = CAMPAIGNS.tables[1]
    bids = {"search": 11200, "recommendations": 0, "catalog": 5}
    campaign = {"id": 7, "nm_settings": [{"nm_id": 1, "subject": {"id": 5, "name": "Лампы"}, "bids_kopecks": bids}, {"nm_id": 2}]}
    assert parts_of(part, campaign) == [
        {
            "advertId": 7,
            "nm_id": 1,
            "subject_id": 5,
            "subject_name": "Лампы",
            "search_bid": 11200,
            "recommendations_bid": 0,
            "catalog_bid": 5,
        },
        {"advertId": 7, "nm_id": 2},
    ]
    assert parts_of(part, {"id": 7, "nm_settings": None}) == parts_of(part, {"id": 7}) == []


class Statistics:
    """The method as the vendor runs it: refuses batches with an id of the wrong status, gives up on heavy ones, is silent in three ways."""

    def __init__(self, *, wrong: set[int] = frozenset(), at_once: int = 50, nothing: Response | None = None) -> None:  # type: ignore[assignment]
        self.wrong, self.at_once, self.nothing = wrong, at_once, nothing
        self.asked: list[list[int]] = []
        self.days: list[tuple[str, str]] = []

    async def send(self, request: Request) -> Answer:
        ids = [int(each) for each in request.params["ids"].split(",")]
        self.asked.append(ids)
        self.days.append((request.params["beginDate"], request.params["endDate"]))
        if len(ids) > self.at_once:
            raise self._meant(Response(status=500, headers={}, body=b"rpc error: code = DeadlineExceeded"), request)
        if self.wrong & set(ids):
            body = b'{"detail": "invalid ids", "status": 400, "title": "invalid payload"}'
            raise self._meant(Response(status=400, headers={}, body=body), request)
        day = {"date": "2026-11-05T00:00:00Z", "views": 1, "apps": [{"appType": 1, "nms": [{"nmId": 5}]}]}
        return await ListApi([[{"advertId": each, "currency": "RUB", "days": [day]} for each in ids]]).send(request)

    def _meant(self, response: Response, request: Request) -> SourceError:
        error = classify(response, request)
        assert error is not None
        return error


def days(*parents: Document, cursor: Any = None) -> Slice:
    async def read(*, after: Sequence[Any] | None = None) -> AsyncIterator[Sequence[Document]]:
        yield [parent for parent in parents if after is None or parent["id"] > after[0]]

    return Slice(
        slice_id=1,
        kind=SliceKind.WINDOW,
        now=NOW,
        start=datetime(2026, 10, 31, 21, tzinfo=UTC),
        end=datetime(2026, 11, 7, 21, tzinfo=UTC),
        cursor=cursor,
        parents=read,
    )


def campaigns(count: int) -> list[Document]:
    return [{"id": number, "status": 9, "change_time": None} for number in range(1, count + 1)]


async def read_days(api: Any, part: Slice) -> tuple[list[int], list[Page]]:
    pages = [page async for page in CAMPAIGN_DAYS.read(api, part)]
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    return [row["advertId"] async for row in rows_of(pages)], pages


async def test_a_campaign_in_a_wrong_status_costs_no_other_one() -> None:
    api = Statistics(wrong={17, 60})
    read, pages = await read_days(api, days(*campaigns(70)))
    assert sorted(read) == [number for number in range(1, 71) if number not in {17, 60}]
    assert sum(page.skipped for page in pages) == 2
    assert pages[-1].until == datetime(2026, 11, 7, 21, tzinfo=UTC)


async def test_batches_that_are_too_heavy_are_halved() -> None:
    api = Statistics(at_once=13)
    read, pages = await read_days(api, days(*campaigns(50)))
    assert read == list(range(1, 51))
    assert {len(ids) for ids in api.asked} >= {50, 25, 12}
    assert sum(page.skipped for page in pages) == 0


async def test_one_campaign_that_is_too_heavy_is_no_campaign_without_numbers() -> None:
    with pytest.raises(TooMuch):
        await read_days(Statistics(at_once=0), days(*campaigns(1)))


async def test_other_refusals_are_not_the_campaigns_fault() -> None:
    class Broken(Statistics):
        async def send(self, request: Request) -> Answer:
            self.asked.append([len(request.params)])
            raise BadRequest("max date range 31 days", status=400)

    api = Broken()
    with pytest.raises(BadRequest):
        await read_days(api, days(*campaigns(50)))
    assert len(api.asked) == 1


async def test_finished_campaigns_are_asked_for_the_days_before_their_last_change_only() -> None:
    parents: list[Document] = [
        {"id": 1, "status": 7, "change_time": "2026-10-31T20:59:59+00:00"},
        {"id": 2, "status": 7, "change_time": "2026-10-31T21:00:00+00:00"},
        {"id": 3, "status": 7, "change_time": None},
        {"id": 4, "status": 11, "change_time": "2025-01-01T00:00:00+00:00"},
    ]
    api = Statistics()
    read, _ = await read_days(api, days(*parents))
    assert api.asked == [[2, 3, 4]]
    assert api.days == [("2026-11-01", "2026-11-07")]
    assert read == [2, 3, 4]


async def test_without_campaigns_nothing_is_asked_and_the_slice_is_complete() -> None:
    api = Statistics()
    read, pages = await read_days(api, days({"id": 1, "status": 7, "change_time": "2025-01-01T00:00:00+00:00"}))
    assert (read, api.asked, len(pages), pages[0].last) == ([], [], 1, True)


def test_a_campaign_becomes_days_with_parts() -> None:
    apps, products = CAMPAIGN_DAYS.tables[1:]
    day = {"advertId": 7, "date": "2026-11-05T00:00:00Z", "apps": [{"appType": 32, "views": 2, "nms": [{"nmId": 5, "views": 2}]}, {}]}
    assert parts_of(apps, day) == [
        {"advertId": 7, "date": "2026-11-05T00:00:00Z", "appType": 32, "views": 2},
        {"advertId": 7, "date": "2026-11-05T00:00:00Z"},
    ]
    assert parts_of(products, {**day, "apps": day["apps"][:1]}) == [  # type: ignore[index]
        {"advertId": 7, "date": "2026-11-05T00:00:00Z", "appType": 32, "nmId": 5, "views": 2}
    ]
    assert parts_of(apps, {"advertId": 7, "date": "2026-11-05"}) == parts_of(products, {"advertId": 7, "apps": None}) == []


def test_what_spoils_a_batch() -> None:
    assert spoilt(TooMuch("x"))
    assert spoilt(BadRequest("x", body='{"detail": "Invalid ids"}'))
    assert spoilt(BadRequest("кампания не принадлежит продавцу"))
    assert not spoilt(BadRequest("Ошибка обработки тела запроса"))
    assert not spoilt(Transient("x"))


async def test_an_earlier_answer_that_came_again_is_an_error() -> None:
    with pytest.raises(BadData, match="not asked for"):
        await walked(listing(1), {"adverts": [{"id": 2}]})


async def test_a_list_that_is_suddenly_empty_ends_no_walk() -> None:
    ids = range(1, 62)
    api = ListApi([listing(*ids), {"adverts": [{"id": each} for each in ids[:50]]}, {"adverts": [{"id": each} for each in ids[50:]]}])
    first, *_ = [page async for page in CAMPAIGNS.read(api, WALK)]
    with pytest.raises(BadData, match="was not when this walk began"):
        [_ async for _ in CAMPAIGNS.read(ListApi([{"adverts": None}]), replace(WALK, cursor=first.cursor))]
