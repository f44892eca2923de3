"""Paging by number."""

from typing import Any

import pytest

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.model.request import Request
from mpsyncd.sources.pagers import Offset
from mpsyncd.sources.reading import paged
from support.sources import NOW, ListApi

THINGS = Request(method="GET", host="things", path="/things")
WALK = Slice(slice_id=1, kind=SliceKind.WALK, now=NOW)


async def walked(*bodies: Any, until_empty: bool = False) -> tuple[list[int], list[int]]:
    """Rows of the pages, offsets of the requests."""
    api = ListApi(list(bodies))
    read = paged(THINGS, pager=Offset(size=2, until_empty=until_empty))
    pages = [page async for page in read(api, WALK)]
    return [page.rows.count for page in pages], [int(request.params["offset"]) for request in api.asked]


async def test_a_short_page_is_the_last_one() -> None:
    assert await walked([{"id": 1}, {"id": 2}], [{"id": 3}]) == ([2, 1], [0, 2])


async def test_where_short_pages_prove_nothing_an_empty_one_ends_it_when_it_comes_twice() -> None:
    assert await walked([{"id": 1}], [{"id": 2}, {"id": 3}], [], [], until_empty=True) == ([1, 2, 0, 0], [0, 1, 3, 3])
    assert await walked([{"id": 1}], [], [{"id": 2}], [], [], until_empty=True) == ([1, 0, 1, 0, 0], [0, 1, 1, 2, 2])


async def test_a_page_that_comes_again_is_an_error_and_no_endless_walk() -> None:
    with pytest.raises(BadData, match="from 2 on, got 2 that end with the row of the page before: it came again"):
        await walked([{"id": 1}, {"id": 2}], [{"id": 1}, {"id": 2}])


async def test_a_list_that_grew_in_front_gives_its_end_again() -> None:
    assert await walked([{"id": 1}, {"id": 2}], [{"id": 2}]) == ([2, 1], [0, 2])
    assert await walked([{"id": 1}, {"id": 2}], [{"id": 2}], [], [], until_empty=True) == ([2, 1, 0, 0], [0, 2, 3, 3])
    assert await walked([{"id": 1}], [{"id": 1}], until_empty=True) == ([1, 1], [0, 1])
