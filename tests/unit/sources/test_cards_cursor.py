"""Walking the cards: the position is copied, the end is told by the page's size, a walk in circles is noticed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.sources.wildberries.cards import CARDS, CARDS_TRASH
from support.sources import NOW, ListApi, pages_of

WALK = Slice(slice_id=1, kind=SliceKind.WALK, now=NOW)
FULL = 100


def at(minute: int) -> str:
    return f"2026-11-20T09:{minute:02}:00.5Z"


def body(*numbers: int, total: object = None, moment: str = "updatedAt") -> dict[str, Any]:
    cards = [{"nmID": number, moment: at(number)} for number in numbers]
    end = {moment: at(numbers[-1]), "nmID": numbers[-1]} if numbers else {}
    return {"cards": cards, "cursor": {**end, "total": len(cards) if total is None else total}}


def cursors(api: ListApi) -> list[dict[str, Any]]:
    return [request.json["settings"]["cursor"] for request in api.asked]


async def test_the_position_is_copied_from_the_answer() -> None:
    api = ListApi([body(1, 2, total=FULL), body(3)])
    pages = await pages_of(CARDS, api, WALK)
    assert cursors(api) == [{"limit": FULL}, {"limit": FULL, "updatedAt": at(2), "nmID": 2}]
    assert [page.last for page in pages] == [False, True]
    assert pages[-1].cursor == {"updatedAt": at(3), "nmID": 3}
    assert pages[-1].until == datetime(2026, 11, 20, 9, 3, 0, 500_000, tzinfo=UTC)


async def test_cards_without_photos_are_asked_for_too_and_oldest_first() -> None:
    api = ListApi([body(1)])
    await pages_of(CARDS, api, WALK)
    assert api.asked[0].json["settings"]["filter"] == {"withPhoto": -1}
    assert api.asked[0].json["settings"]["sort"] == {"ascending": True}


async def test_the_trash_walks_by_its_own_moment() -> None:
    api = ListApi([body(1, total=FULL, moment="trashedAt"), body(2, moment="trashedAt")])
    await pages_of(CARDS_TRASH, api, WALK)
    assert cursors(api)[1] == {"limit": FULL, "trashedAt": at(1), "nmID": 1}


async def test_a_full_last_page_is_followed_by_an_empty_one_that_is_believed_the_second_time() -> None:
    api = ListApi([body(1, total=FULL), body(), body()])
    pages = await pages_of(CARDS, api, WALK)
    assert [(page.rows.count, page.last) for page in pages] == [(1, False), (0, False), (0, True)]
    assert pages[-1].cursor == {"updatedAt": at(1), "nmID": 1}


async def test_an_empty_page_by_mistake_does_not_end_a_walk() -> None:
    api = ListApi([body(1, total=FULL), body(), body(2)])
    pages = await pages_of(CARDS, api, WALK)
    assert [(page.rows.count, page.last) for page in pages] == [(1, False), (0, False), (1, True)]


async def test_nothing_new_leaves_the_position_where_it_is_and_costs_one_request() -> None:
    api = ListApi([body()])
    position = {"updatedAt": at(5), "nmID": 5}
    [page] = await pages_of(CARDS, api, Slice(slice_id=1, kind=SliceKind.SINCE, now=NOW, start=NOW, cursor=position))
    assert (page.cursor, page.last) == (position, True)
    assert page.until == datetime(2026, 11, 20, 9, 5, 0, 500_000, tzinfo=UTC)
    assert cursors(api) == [{"limit": FULL, **position}]


async def test_a_shop_that_had_no_cards_is_read_from_the_beginning() -> None:
    api = ListApi([body(1)])
    await pages_of(CARDS, api, Slice(slice_id=1, kind=SliceKind.SINCE, now=NOW, start=NOW - timedelta(minutes=1)))
    assert cursors(api) == [{"limit": FULL}]


async def test_a_range_begins_and_ends_where_it_was_asked_to() -> None:
    start, end = (datetime(2026, 11, 20, 9, minute, 0, 500_000, tzinfo=UTC) for minute in (2, 4))
    api = ListApi([body(2, 3, total=FULL), body(4, total=FULL)])
    pages = await pages_of(CARDS, api, Slice(slice_id=1, kind=SliceKind.WINDOW, now=NOW, start=start, end=end))
    assert cursors(api)[0] == {"limit": FULL, "updatedAt": "2026-11-20T09:02:00.500000Z", "nmID": 0}
    assert [(page.last, page.until) for page in pages] == [(False, datetime(2026, 11, 20, 9, 3, 0, 500_000, tzinfo=UTC)), (True, end)]


async def test_a_page_that_comes_again_is_noticed() -> None:
    api = ListApi([body(1, total=FULL), body(2, total=FULL), body(1, total=FULL)])
    pages = []
    with pytest.raises(BadData, match=r"content-api /content/v2/get/cards/list gave the position .*twice: the walk would never end"):
        async for page in CARDS.read(api, WALK):
            pages.append(page)  # noqa: PERF401 - what came before the error counts
    assert len(pages) == 2
    assert [rows.closed for rows in api.given] == [False, False, True]


async def test_the_page_that_was_stored_before_a_restart_counts_as_seen() -> None:
    part = Slice(slice_id=1, kind=SliceKind.WALK, now=NOW, cursor={"updatedAt": at(1), "nmID": 1})
    with pytest.raises(BadData, match="twice"):
        await pages_of(CARDS, ListApi([body(1, total=FULL)]), part)


@pytest.mark.parametrize(
    "answer, words",
    [
        ({"cards": [], "cursor": {"total": 7}}, "holds 0 cards and says there are 7"),
        ({"cards": [{"nmID": 1}], "cursor": {"total": "many"}}, "says there are many"),
        ({"cards": [{"nmID": 1}], "cursor": {"total": FULL}}, "no updatedAt and nmID"),
        ({"cards": [{"nmID": 1}]}, "no updatedAt and nmID"),
        ({"cards": [{"nmID": 1}], "cursor": None}, "no updatedAt and nmID"),
        ({"cards": [{"nmID": 1}], "cursor": {"total": FULL, "updatedAt": 5, "nmID": 1}}, "in place of a text and a number"),
        ({"cards": [{"nmID": 1}], "cursor": {"total": FULL, "updatedAt": "soon", "nmID": 1}}, "'soon' is not a moment"),
    ],
)
async def test_an_answer_that_does_not_say_how_to_go_on_is_bad(answer: dict[str, Any], words: str) -> None:
    api = ListApi([answer, answer])
    with pytest.raises(BadData, match=words):
        await pages_of(CARDS, api, WALK)
    assert api.given[-1].closed
