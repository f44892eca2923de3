"""Pagers by number and by key, and methods that are not paged: what is asked, where it ends, what can not be trusted."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.model.request import Request
from mpsyncd.sources.pagers import LastKey, Offset
from mpsyncd.sources.reading import paged, single
from support.reads import Answering, killed_behind_every_page, marks, pages_of, rows_of, stretch
from support.sources import NOW, ListApi

GET = Request(method="GET", host="api", path="/goods", params={"filter": "all"})
POST = Request(method="POST", host="api", path="/goods", json={"pagination": {"sort": "id"}, "period": 1})
SINCE = Slice(slice_id=1, kind=SliceKind.SINCE, now=NOW, start=NOW, end=NOW)
WALK = Slice(slice_id=1, kind=SliceKind.WALK, now=NOW)


def goods(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": number} for number in numbers]


async def test_offsets_stand_in_the_query() -> None:
    api = ListApi([goods(1, 2), goods(3)])
    pages = await pages_of(paged(GET, pager=Offset(size=2)), api, SINCE)
    assert [dict(request.params) for request in api.asked] == [
        {"filter": "all", "limit": "2", "offset": "0"},
        {"filter": "all", "limit": "2", "offset": "2"},
    ]
    assert [page.cursor and page.cursor["offset"] for page in pages] == [2, 3]
    assert [page.until for page in pages] == [None, SINCE.end]
    assert marks(pages) == [False, True]


async def test_offsets_stand_in_the_body_beside_what_is_there() -> None:
    api = ListApi([goods(1)])
    pager = Offset(size=2, body=True, limit="pagination.limit", offset="pagination.offset")
    await pages_of(paged(POST, pager=pager), api, SINCE)
    assert api.asked[0].json == {"pagination": {"sort": "id", "limit": 2, "offset": 0}, "period": 1}
    assert POST.json == {"pagination": {"sort": "id"}, "period": 1}


async def test_a_total_tells_the_share_and_nothing_else() -> None:
    bodies = [{"data": {"total": 4, "items": goods(1, 2)}}, {"data": {"total": 3, "items": goods(3, 4)}}, {"data": {"items": []}}]
    request = Request(method="GET", host="api", path="/goods", rows_at="data.items")
    pages = await pages_of(paged(request, pager=Offset(size=2, total="data.total")), ListApi(bodies), SINCE)
    assert [page.share for page in pages] == [0.5, 1.0, None]
    assert marks(pages) == [False, False, True]


async def test_a_key_is_that_of_the_last_row_and_not_the_greatest() -> None:
    api = ListApi([goods(3, 9, 5), goods(7), []])
    pages = await pages_of(paged(POST, pager=LastKey(param="cursor.after", field="id", body=True)), api, SINCE)
    assert [request.json["cursor"] for request in api.asked] == [{"after": 0}, {"after": 5}, {"after": 7}]
    assert [page.cursor for page in pages] == [{"key": 5}, {"key": 7}, {"key": 7}]
    assert [page.until for page in pages] == [None, None, SINCE.end]


async def test_the_first_key_may_be_a_text() -> None:
    api = ListApi([[{"id": "b"}], []])
    await pages_of(paged(GET, pager=LastKey(param="last_id", field="id", first="")), api, SINCE)
    assert [request.params["last_id"] for request in api.asked] == ["", "b"]


@pytest.mark.parametrize("row", [{}, {"id": None}, {"id": ""}, {"id": True}, {"id": 1.5}, {"id": [1]}])
async def test_a_last_row_without_a_key_is_bad(row: dict[str, Any]) -> None:
    api = ListApi([[*goods(1), row]])
    with pytest.raises(BadData, match="the last of 2 rows has no usable id"):
        await pages_of(paged(GET, pager=LastKey(param="after", field="id")), api, SINCE)
    assert api.given[0].closed


async def test_a_key_that_does_not_move_is_bad() -> None:
    with pytest.raises(BadData, match="behind id 5, the last of 2 is that one again"):
        await pages_of(paged(GET, pager=LastKey(param="after", field="id")), ListApi([goods(5), goods(4, 5)]), SINCE)
    with pytest.raises(BadData, match="twice"):
        await pages_of(paged(GET, pager=LastKey(param="after", field="id")), ListApi([goods(5), goods(6), goods(5)]), SINCE)


@given(count=st.integers(0, 30), size=st.integers(1, 9))
async def test_every_row_comes_once_also_when_killed_behind_every_page(count: int, size: int) -> None:
    def by_number(request: Request) -> list[dict[str, Any]]:
        begin = int(request.params["offset"])
        return goods(*range(begin, min(count, begin + size)))

    def by_key(request: Request) -> list[dict[str, Any]]:
        begin = int(request.params["after"])
        return goods(*range(begin + 1, min(count, begin + size) + 1))

    for body, pager, first in ((by_number, Offset(size=size), 0), (by_key, LastKey(param="after", field="id"), 1)):
        for read in (pages_of, killed_behind_every_page):
            pages = await read(paged(GET, pager=pager), Answering(body), SINCE)
            assert await rows_of(*pages) == goods(*range(first, count + first))


async def test_an_answer_that_is_all_there_is() -> None:
    pages = await pages_of(paged(GET), ListApi([goods(1, 2)]), SINCE)
    assert [(page.last, page.cursor, page.until) for page in pages] == [(True, None, SINCE.end)]
    [page] = await pages_of(paged(GET), ListApi([goods(1)]), WALK)
    assert page.until is None


async def test_a_request_may_be_made_of_the_slice() -> None:
    api = ListApi([goods(1)])
    await pages_of(paged(lambda part: GET.with_params(day=f"{part.start:%Y-%m-%d}")), api, SINCE)
    assert api.asked[0].params == {"filter": "all", "day": "2026-11-21"}


async def test_where_nothing_is_usual_an_empty_answer_is_believed_at_once() -> None:
    for part, often, times in ((WALK, False, 2), (stretch(), False, 2), (WALK, True, 1), (SINCE, False, 1)):
        api = ListApi([[], []])
        pages = await pages_of(paged(GET, often_empty=often), api, part)
        assert [page.last for page in pages] == [False, True][-times:]
        assert len(api.asked) == times


async def test_an_attempt_may_end_between_two_empty_answers() -> None:
    """Behind a limit of a minute every attempt gets one answer; the second empty one must not be the first of the next attempt."""
    for part in (WALK, replace(WALK, cursor={"offset": 2, "page": [2, "x"]})):
        read = paged(GET, pager=Offset(size=2))
        first = await anext(aiter(read(ListApi([[]]), part)))
        assert (first.rows.count, first.last) == (0, False)
        api = ListApi([[]])
        [page] = await pages_of(read, api, replace(part, cursor=first.cursor))
        assert (page.last, api.asked[0].params["offset"]) == (True, str((part.cursor or {"offset": 0})["offset"]))


@pytest.mark.parametrize("body, rows", [({"current": 7}, [{"current": 7}]), (None, [])])
async def test_an_object_is_the_only_row(body: Any, rows: list[Any]) -> None:
    [page] = await pages_of(single(GET), ListApi([body]), SINCE)
    assert (page.last, page.until, page.rows.count, page.rows.last) == (True, SINCE.end, len(rows), rows[0] if rows else None)
    assert await rows_of(page) == rows
    await page.rows.close()
    assert page.rows.count == 0


async def test_something_else_than_an_object_is_bad() -> None:
    with pytest.raises(BadData, match="api /goods answered with list where one object was promised"):
        await pages_of(single(GET), ListApi([goods(1)]), SINCE)
