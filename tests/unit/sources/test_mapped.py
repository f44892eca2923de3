"""Raw rows that become documents: none early, none lost, a bad one alone."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from mpsyncd.model.errors import BadData
from mpsyncd.model.request import Answer, BadRow, Document, Request
from mpsyncd.sources.listed import ListedRows
from mpsyncd.sources.mapped import mapped
from mpsyncd.sources.pagers import LastKey
from mpsyncd.sources.reading import paged
from support.reads import marks, pages_of, rows_of, some_pages, stretch
from support.sources import ListApi

GET = Request(method="GET", host="api", path="/products")


def days(product: Document) -> Iterator[Document]:
    for day in product["days"]:
        if day < 0:
            raise BadData(f"day {day} is before the first")
        yield {"id": product["id"], "day": day}


def product(number: int, *told: Any) -> dict[str, Any]:
    return {"id": number, "days": list(told)}


async def test_a_row_becomes_none_one_or_many() -> None:
    raw = [product(1, 1, 2), product(2), product(3, 5)]
    [page] = await pages_of(mapped(paged(GET), days), ListApi([raw]), stretch())
    assert await rows_of(page) == [{"id": 1, "day": 1}, {"id": 1, "day": 2}, {"id": 3, "day": 5}]
    assert await rows_of(page) == await rows_of(page)


async def test_pages_are_those_of_the_read_and_count_its_rows() -> None:
    api = ListApi([[product(1, 1, 2, 3), product(2)], [product(3)], [], []])
    pages = await pages_of(mapped(paged(GET, pager=LastKey(param="after", field="id")), days), api, stretch())
    assert [(page.rows.count, page.rows.last and page.rows.last["id"]) for page in pages] == [(2, 2), (1, 3), (0, None), (0, None)]
    assert [page.cursor for page in pages] == [{"key": 2}, {"key": 3}, {"empty_at": {"key": 3}}, {"key": 3}]
    assert marks(pages) == [False, False, False, True]


async def test_nothing_is_made_before_it_is_asked_for_and_all_is_let_go() -> None:
    api = ListApi([[product(1, 1)]])
    [page] = await some_pages(mapped(paged(GET), days), api, stretch(), most=1)
    assert (api.given[0].walked, api.given[0].closed) == (0, False)
    await page.rows.close()
    assert api.given[0].closed


@pytest.mark.parametrize(
    "bad, reason",
    [
        (product(2, 1, -1), "day -1 is before the first"),
        ({"days": [1]}, "it can not be read: KeyError: 'id'"),
        ({"id": 2, "days": None}, "it can not be read: TypeError: 'NoneType' object is not iterable"),
        ({"id": 2, "days": ["x"]}, "it can not be read: TypeError: '<' not supported between instances of 'str' and 'int'"),
    ],
)
async def test_a_row_that_can_not_be_remade_is_bad_whole_and_alone(bad: dict[str, Any], reason: str) -> None:
    [page] = await pages_of(mapped(paged(GET), days), ListApi([[product(1, 1), bad, product(3, 3)]]), stretch())
    assert await rows_of(page) == [{"id": 1, "day": 1}, BadRow(raw=bad, reason=reason), {"id": 3, "day": 3}]


async def test_a_row_that_was_bad_before_stays_so() -> None:
    twice = mapped(mapped(paged(GET), days), lambda day: [{**day, "month": 11}])
    [page] = await pages_of(twice, ListApi([[product(1, 1), product(2, -1)]]), stretch())
    assert await rows_of(page) == [
        {"id": 1, "day": 1, "month": 11},
        BadRow(raw=product(2, -1), reason="day -1 is before the first"),
    ]


async def test_pieces_are_about_as_large_as_they_come() -> None:
    raw = [product(number, *range(20)) for number in range(300)]
    [page] = await pages_of(mapped(paged(GET), days), _InOnePiece(raw), stretch())
    sizes = [len(piece) async for piece in page.rows.pieces()]
    assert (sum(sizes), sum(sizes[:-1]) // len(sizes[:-1])) == (6000, 1200)
    [page] = await pages_of(mapped(paged(GET), lambda _: [{"n": 1}]), _InOnePiece(raw), stretch())
    assert [len(piece) async for piece in page.rows.pieces()] == [300]


class _InOnePiece(ListApi):
    def __init__(self, raw: list[Any]) -> None:
        super().__init__([raw])

    async def send(self, request: Request) -> Answer:
        answer = await super().send(request)
        return replace(answer, rows=ListedRows(self.bodies[0]))
