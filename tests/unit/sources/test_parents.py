"""Going over parents: every one is asked for, in order, several at once where allowed; one bad parent costs nobody else."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsyncd.model.errors import BadRequest, NotFound, Snooze, SourceError, Transient
from mpsyncd.model.page import SliceKind
from mpsyncd.model.request import Request
from mpsyncd.model.stream import Read
from mpsyncd.sources.mapped import mapped
from mpsyncd.sources.pagers import Offset
from mpsyncd.sources.parents import Parents, each_parent
from mpsyncd.sources.reading import paged
from mpsyncd.sources.rows import MOSCOW
from mpsyncd.sources.windows import days_of, each_window
from support.reads import Answering, killed_behind_every_page, marks, pages_of, parents_of, rows_of, some_pages, stretch
from support.sources import NOW

GET = Request(method="GET", host="api", path="/events")


def of(chats: Parents) -> Read:
    """One request for a batch of chats."""
    return paged(GET.with_params(ids=",".join(str(chat["id"]) for chat in chats)), often_empty=True)


def chats(count: int) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"chat {number}"} for number in range(1, count + 1)]


def ids(request: Request) -> list[int]:
    return [int(one) for one in request.params["ids"].split(",")]


def events(request: Request) -> list[dict[str, Any]]:
    return [{"chat": number} for number in ids(request)]


def refusing(*bad: int, error: SourceError) -> Any:
    def body(request: Request) -> Any:
        return error if set(bad) & set(ids(request)) else events(request)

    return body


def spoilt(error: SourceError) -> bool:
    return "invalid ids" in error.body


SPOILT = BadRequest("refused", status=400, body="invalid ids")


async def test_parents_are_read_in_batches_in_the_order_of_their_keys() -> None:
    api = Answering(events)
    part = stretch(parents=parents_of(chats(7)))
    pages = await pages_of(each_parent(of, key=("id",), batch=3), api, part)
    assert [ids(request) for request in api.asked] == [[1, 2, 3], [4, 5, 6], [7]]
    assert [page.cursor for page in pages] == [{"after": [3], "done": 3}, {"after": [6], "done": 6}, {"after": [7], "done": 7}]
    assert [page.share for page in pages] == [3 / 7, 6 / 7, 1.0]
    assert marks(pages) == [False, False, True]
    assert [page.until for page in pages] == [None, None, part.end]
    assert api.most == 1


async def test_without_parents_there_is_one_empty_last_page() -> None:
    part = stretch(parents=parents_of([]))
    [page] = await pages_of(each_parent(of, key=("id",)), Answering(events), part)
    assert (page.rows.count, page.last, page.share, page.until, page.asked_at) == (0, True, 1.0, part.end, NOW)


async def test_a_stream_that_declares_no_parents_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="needs a stream that declares them"):
        await pages_of(each_parent(of, key=("id",)), Answering(events), stretch())


async def test_what_a_parent_has_is_told_whose_it_is() -> None:
    def read(some: Parents) -> Read:
        return mapped(of(some), lambda row: [{**row, "name": some[0]["name"]}])

    pages = await pages_of(each_parent(read, key=("id",)), Answering(events), stretch(parents=parents_of(chats(2))))
    assert await rows_of(*pages) == [{"chat": 1, "name": "chat 1"}, {"chat": 2, "name": "chat 2"}]


@pytest.mark.parametrize("ahead", [1, 2, 4])
async def test_so_many_are_under_way_and_they_come_in_order(ahead: int) -> None:
    """The first ones take longest."""
    api = Answering(events, turns=lambda request: 20 - ids(request)[0])
    pages = await pages_of(each_parent(of, key=("id",), ahead=ahead), api, stretch(parents=parents_of(chats(9))))
    assert await rows_of(*pages) == [{"chat": number} for number in range(1, 10)]
    assert api.most == ahead


async def test_no_more_is_asked_for_than_is_taken_and_a_little_ahead() -> None:
    api = Answering(events)
    await some_pages(each_parent(of, key=("id",), ahead=3), api, stretch(parents=parents_of(chats(50))), most=5)
    assert len(api.asked) <= 5 + 3


async def test_letting_go_ends_what_is_under_way_and_releases_what_came() -> None:
    api = Answering(events, turns=lambda request: 1 if ids(request)[0] < 4 else 10_000)
    [page] = await some_pages(each_parent(of, key=("id",), ahead=5), api, stretch(parents=parents_of(chats(9))), most=1)
    assert api.under_way == 0
    assert [rows.closed for rows in api.given] == [rows is not page.rows for rows in api.given]
    assert len(asyncio.all_tasks()) == 1


async def test_a_cancelled_read_leaves_nothing_behind() -> None:
    api = Answering(events, turns=lambda request: 1 if ids(request)[0] == 2 else 10_000)
    reading = asyncio.ensure_future(pages_of(each_parent(of, key=("id",), ahead=3), api, stretch(parents=parents_of(chats(9)))))
    while not api.given:
        await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert (api.under_way, [rows.closed for rows in api.given], len(asyncio.all_tasks())) == (0, [True], 1)


@pytest.mark.parametrize("error", [Transient("lost", status=502), Snooze(NOW + timedelta(hours=1), "slow")])
async def test_an_error_comes_in_its_turn_and_ends_the_others(error: Exception) -> None:
    api = Answering(lambda request: error if ids(request) == [3] else events(request), turns=lambda request: 9 - ids(request)[0])
    found = []
    with pytest.raises(type(error)):
        async for page in each_parent(of, key=("id",), ahead=4)(api, stretch(parents=parents_of(chats(9)))):
            found += await rows_of(page)
            await page.rows.close()
    assert found == [{"chat": 1}, {"chat": 2}]
    assert (api.under_way, all(rows.closed for rows in api.given), len(asyncio.all_tasks())) == (0, True, 1)


async def test_a_parent_that_is_gone_is_skipped_and_counted() -> None:
    api = Answering(refusing(2, 9, error=NotFound("gone", status=404)))
    pages = await pages_of(each_parent(of, key=("id",), ahead=2), api, stretch(parents=parents_of(chats(9))))
    assert await rows_of(*pages) == [{"chat": number} for number in (1, 3, 4, 5, 6, 7, 8)]
    assert [page.skipped for page in pages] == [0, 1, 0, 0, 0, 0, 0, 0, 1]
    assert pages[1].asked_at == pages[0].asked_at
    assert pages[-1].last


@pytest.mark.parametrize("bad", [(1,), (8,), (5,), (2, 3, 7)])
@pytest.mark.parametrize("error", [SPOILT, NotFound("gone", status=404)])
async def test_a_refused_batch_is_halved_down_to_the_one_that_is_to_blame(bad: tuple[int, ...], error: SourceError) -> None:
    part = stretch(parents=parents_of(chats(8)))
    read = each_parent(of, key=("id",), batch=8, split_on=spoilt)
    for way in (pages_of, killed_behind_every_page):
        api = Answering(refusing(*bad, error=error))
        pages = await way(read, api, part)
        assert await rows_of(*pages) == [{"chat": number} for number in range(1, 9) if number not in bad]
        assert sum(page.skipped for page in pages) == len(bad)
        assert marks(pages) == [False] * (len(pages) - 1) + [True]
        assert len(api.asked) <= 8 * len(bad)


async def test_a_refusal_that_nobody_declared_is_raised() -> None:
    for size in (1, 4):
        api = Answering(refusing(3, error=BadRequest("refused", status=400, body="wrong dates")))
        with pytest.raises(BadRequest):
            await pages_of(each_parent(of, key=("id",), batch=size, split_on=spoilt), api, stretch(parents=parents_of(chats(4))))


async def test_what_is_too_heavy_is_halved_but_a_single_one_is_never_skipped_for_it() -> None:
    heavy = Transient("too heavy", status=500)
    read = each_parent(of, key=("id",), batch=8, split_on=lambda error: isinstance(error, Transient))
    api = Answering(lambda request: heavy if len(ids(request)) > 2 else events(request))
    pages = await pages_of(read, api, stretch(parents=parents_of(chats(8))))
    assert await rows_of(*pages) == [{"chat": number} for number in range(1, 9)]
    with pytest.raises(Transient):
        await pages_of(read, Answering(refusing(3, error=heavy)), stretch(parents=parents_of(chats(8))))


async def test_a_halving_is_remembered_where_every_request_is_an_attempt_of_its_own() -> None:
    """Behind a slow limit the second request of an attempt is a snooze: a batch that is refused must not be asked for as it was."""
    part = stretch(parents=parents_of(chats(8)))
    read = each_parent(of, key=("id",), batch=8, split_on=spoilt)
    api = Answering(refusing(6, error=SPOILT))
    found: list[Any] = []
    attempts, last = 0, False
    while not last and attempts < 15:
        attempts, begun = attempts + 1, len(api.asked)
        async for page in read(_OneRequest(api, begun), part):
            found += await rows_of(page)
            part, last = replace(part, cursor=page.cursor), page.last
            if len(api.asked) > begun:
                break
    assert last
    assert found == [{"chat": number} for number in range(1, 9) if number != 6]


class _OneRequest:
    def __init__(self, api: Answering, begun: int) -> None:
        self.api, self.begun = api, begun

    async def send(self, request: Request) -> Any:
        if len(self.api.asked) > self.begun:
            raise Snooze(NOW + timedelta(hours=1), "slow")
        return await self.api.send(request)


def paged_of(size: int) -> Any:
    def read(some: Parents) -> Read:
        return paged(GET.with_params(ids=",".join(str(chat["id"]) for chat in some)), pager=Offset(size=size), often_empty=True)

    return read


def page_of(per_chat: int) -> Any:
    def body(request: Request) -> Any:
        rows = [{"chat": number, "event": event} for number in ids(request) for event in range(per_chat)]
        begin = int(request.params["offset"])
        return rows[begin : begin + int(request.params["limit"])]

    return body


@settings(deadline=None)
@given(
    count=st.integers(0, 9),
    batch_ahead=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    per_chat=st.integers(0, 5),
    size=st.integers(1, 6),
    reader=st.integers(1, 5),
)
async def test_pages_of_parents_lose_nothing_when_killed_behind_every_page(
    count: int, batch_ahead: tuple[int, int], per_chat: int, size: int, reader: int
) -> None:
    batch, ahead = batch_ahead
    part = stretch(parents=parents_of(chats(count), page=reader))
    read = each_parent(paged_of(size), key=("id",), batch=batch, ahead=ahead)
    whole = await pages_of(read, Answering(page_of(per_chat)), part)
    killed = await killed_behind_every_page(read, Answering(page_of(per_chat)), part)
    assert await rows_of(*whole) == [{"chat": chat["id"], "event": event} for chat in chats(count) for event in range(per_chat)]
    assert await rows_of(*killed) == await rows_of(*whole)
    assert [page.cursor for page in killed] == [page.cursor for page in whole]
    assert [page.share for page in killed] == [page.share for page in whole]
    assert marks(whole) == [False] * (len(whole) - 1) + [True]


async def test_a_position_within_a_batch_that_is_another_one_now_is_not_believed() -> None:
    read = each_parent(paged_of(2), key=("id",), batch=3)
    [page] = await some_pages(read, Answering(page_of(2)), stretch(parents=parents_of(chats(3))), most=1)
    assert page.cursor is not None
    assert (page.cursor["upto"], page.cursor["size"], page.cursor["inner"]["offset"]) == ([3], 3, 2)
    api = Answering(page_of(2))
    later = stretch(parents=parents_of([chat for chat in chats(5) if chat["id"] != 2]))
    pages = await pages_of(read, api, replace(later, cursor=page.cursor))
    assert api.asked[0].params["offset"] == "0"
    assert {(row["chat"], row["event"]) for row in await rows_of(*pages)} == {(chat, event) for chat in (1, 3, 4, 5) for event in (0, 1)}  # type: ignore[index]


@pytest.mark.parametrize("cursor", [{"offset": 4}, {"from": "2026-01-01", "inner": None}, {}])
async def test_a_position_that_another_kind_of_read_left_is_none(cursor: dict[str, Any]) -> None:
    """A new version may read an open slice in another way."""
    part = replace(stretch(parents=parents_of(chats(2))), cursor=cursor)
    for read in (each_parent(of, key=("id",)), each_window(each_parent(of, key=("id",)), days=1, zone=MOSCOW)):
        pages = await pages_of(read, Answering(events), part)
        assert {row["chat"] for row in await rows_of(*pages)} == {1, 2}  # type: ignore[index]


async def test_windows_parents_and_pages_compose_either_way() -> None:
    """Campaigns in batches, days in windows, pages of both: the three factories inside of each other."""

    def asked(some: Sequence[Any], first: str, last: str) -> Read:
        request = GET.with_params(ids=",".join(str(one["id"]) for one in some), first=first, last=last)
        return paged(request, pager=Offset(size=2), often_empty=True)

    def dated(some: Parents) -> Read:
        return lambda api, part: asked(some, *(day.isoformat() for day in days_of(part, zone=MOSCOW)))(api, part)

    def body(request: Request) -> Any:
        rows = [{"id": number, "first": request.params["first"]} for number in ids(request)]
        begin = int(request.params["offset"])
        return rows[begin : begin + 2]

    start = NOW.replace(hour=21, minute=0)
    part = stretch(start, start + timedelta(days=5), kind=SliceKind.WINDOW, parents=parents_of(chats(5)))
    inner = each_window(each_parent(dated, key=("id",), batch=3, ahead=2), days=2, zone=MOSCOW)
    outer = each_parent(lambda some: each_window(dated(some), days=2, zone=MOSCOW), key=("id",), batch=3, ahead=2)
    told = {(number, f"2026-11-{day}") for number in range(1, 6) for day in (22, 24, 26)}
    for read in (inner, outer):
        whole, killed = await pages_of(read, Answering(body), part), await killed_behind_every_page(read, Answering(body), part)
        assert {(row["id"], row["first"]) for row in await rows_of(*whole)} == told  # type: ignore[index]
        assert await rows_of(*killed) == await rows_of(*whole)
        assert len(await rows_of(*whole)) == 15
        assert (whole[-1].until, whole[-1].share) == (part.end, 1.0)
