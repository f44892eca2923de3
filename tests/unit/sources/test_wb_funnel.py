"""The funnel by day: nobody is named where all fit into one answer, batches are named where they do not, days that are gone are let go."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.sources.wildberries.funnel import FUNNEL
from support.sources import NOW, ListApi, pages_of

DAY = timedelta(days=1)


def product(nm_id: int) -> dict[str, Any]:
    period = {"start": "2026-11-20", "end": "2026-11-20"}
    return {"product": {"nmId": nm_id}, "statistic": {"selected": {"period": period, "openCount": 1}}}


def body(count: int) -> dict[str, Any]:
    return {"data": {"products": [product(number) for number in range(count)], "currency": "RUB"}}


def part(parents: int) -> Slice:
    async def read(*, after: Sequence[Any] | None = None) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        begin = 0 if after is None else int(after[0]) + 1
        for first in range(begin, parents, 1000):
            yield [{"nm_id": number} for number in range(first, min(first + 1000, parents))]

    start = NOW.replace(hour=21, minute=0) - 2 * DAY
    return Slice(slice_id=1, kind=SliceKind.WINDOW, now=NOW, start=start, end=start + DAY, parents=read)


async def named(api: ListApi, told: Slice) -> list[int]:
    await pages_of(FUNNEL, api, told)
    return [len(request.json["nmIds"]) for request in api.asked]


async def test_few_products_are_not_named_so_that_the_bin_is_told_too() -> None:
    assert await named(ListApi([body(700)]), part(600)) == [0]


async def test_many_are_named_in_batches() -> None:
    assert await named(ListApi([body(1000), body(400)]), part(1400)) == [1000, 400]


async def test_a_full_answer_without_names_may_have_been_cut() -> None:
    assert await named(ListApi([body(1000), body(800)]), part(800)) == [0, 800]


async def test_without_products_nothing_is_asked() -> None:
    assert await named(ListApi([]), part(0)) == []


async def test_a_day_that_the_vendor_has_forgotten_is_let_go() -> None:
    old = replace(part(5), start=NOW - 400 * DAY, end=NOW - 399 * DAY)
    assert await named(ListApi([]), old) == []
