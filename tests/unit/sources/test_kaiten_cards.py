"""Cards of Kaiten: a walk that misses nobody while cards go and come, changes in order of time, one document whatever the form."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import Cursor, Page, Slice, SliceKind
from mpsyncd.model.request import Answer, Document, Request
from mpsyncd.sources.kaiten.card_changes import changed
from mpsyncd.sources.kaiten.card_rows import document
from mpsyncd.sources.kaiten.card_walk import walk
from support.sources import ListRows

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
WALK = Slice(slice_id=1, kind=SliceKind.WALK, now=NOW)


def stamp(second: float) -> str:
    return (NOW - timedelta(days=1) + timedelta(seconds=second)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moved(told: str, back: timedelta) -> str:
    return (datetime.fromisoformat(told) - back).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def card(number: int, **more: Any) -> Document:
    return {"id": number, "created": stamp(number), "updated": stamp(number), "condition": 1, **more}


@dataclass
class Vendor:
    """Lists of cards as the vendor gives them. `before`: what happens to the cards before a request of this number is answered."""

    cards: dict[int, Document]
    before: dict[int, Callable[[Vendor], None]] = field(default_factory=dict)
    blank: frozenset[int] = frozenset()
    deaf: bool = False
    late: timedelta = timedelta(0)
    asked: list[Request] = field(default_factory=list)

    async def send(self, request: Request) -> Answer:
        number = len(self.asked)
        self.asked.append(request)
        if number in self.before:
            self.before[number](self)
        await asyncio.sleep(0)
        if number in self.blank:
            return Answer(status=200, headers={}, envelope=None, rows=ListRows([]), asked_at=NOW)
        told = request.params
        key = str(told["order_by"])
        since = told.get("updated_after", "")
        found = [each for each in self.cards.values() if each["condition"] == int(told["condition"]) and each["updated"] >= since]
        found = [each | {"updated": moved(each["updated"], self.late)} for each in found] if self.late else found
        found.sort(key=lambda each: (each[key], each["id"]))
        offset = 0 if self.deaf else int(told["offset"])
        return Answer(status=200, headers={}, envelope=[], rows=ListRows(found[offset : offset + int(told["limit"])]), asked_at=NOW)

    def delete(self, *numbers: int) -> None:
        for number in numbers:
            del self.cards[number]

    def move(self, condition: int, *numbers: int) -> None:
        for number in numbers:
            self.cards[number] = self.cards[number] | {"condition": condition, "updated": stamp(86_400 + number)}


def vendor(live: int, archived: int = 0, **more: Any) -> Vendor:
    cards = {number: card(number, condition=1 + (number > live)) for number in range(1, live + archived + 1)}
    return Vendor(cards, **more)


async def ids(page: Page) -> list[int]:
    return [row["id"] async for piece in page.rows.pieces() for row in piece if isinstance(row, dict)]


async def walked(at: Vendor, part: Slice = WALK) -> tuple[set[int], list[Page]]:
    pages = [page async for page in walk(at, part)]
    return {number for page in pages for number in await ids(page)}, pages


async def test_every_card_is_seen_and_pages_share_a_row() -> None:
    at = vendor(350, 120)
    seen, pages = await walked(at)
    assert seen == set(at.cards)
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert pages[-1].until == NOW
    assert [int(request.params["offset"]) for request in at.asked[:4]] == [0, 99, 198, 297]


@pytest.mark.parametrize("gone", [(1,), tuple(range(1, 40)), (99, 100, 101), (50, 100, 150), (100,), tuple(range(1, 300))])
@pytest.mark.parametrize("moment", [1, 2, 3])
async def test_a_card_that_goes_hides_no_other(moment: int, gone: tuple[int, ...]) -> None:
    at = vendor(420)
    at.before = {moment: lambda one: one.delete(*gone)}
    seen, _ = await walked(at)
    assert set(at.cards) <= seen


async def test_cards_that_change_their_condition_are_seen() -> None:
    at = vendor(220, 150)
    at.before = {1: lambda one: one.move(2, 5, 180), 2: lambda one: one.move(1, 300), 4: lambda one: one.move(1, 310)}
    seen, _ = await walked(at)
    assert seen == set(at.cards)


async def test_a_walk_goes_on_from_any_page_though_cards_went_meanwhile() -> None:
    whole, pages = await walked(vendor(320, 210))
    assert len(whole) == 530
    for done in range(len(pages) - 1):
        at = vendor(320, 210)
        at.delete(3, 60, 200, 400)
        seen, _ = await walked(at, replace(WALK, cursor=pages[done].cursor))
        before = {number for page in pages[: done + 1] for number in await ids(page)}
        assert set(at.cards) <= seen | before


async def test_an_answer_without_a_body_is_no_end() -> None:
    for number in range(4):
        at = vendor(250, 30, blank=frozenset({number}))
        seen, _ = await walked(at)
        assert seen == set(at.cards), f"the answer {number} was empty"


async def test_a_company_without_cards_is_asked_twice() -> None:
    at = vendor(0)
    seen, pages = await walked(at)
    assert seen == set()
    assert [request.params["condition"] for request in at.asked] == ["1", "1", "2", "1", "2"]
    assert pages[-1].last


async def test_a_vendor_that_does_not_heed_numbers_is_noticed() -> None:
    with pytest.raises(BadData, match="no telling where it goes on"):
        await walked(vendor(250, deaf=True))


async def test_the_longer_the_list_the_more_is_asked_for_at_once() -> None:
    at = vendor(3_000)
    seen, pages = await walked(at)
    assert seen == set(at.cards)
    assert len([request for request in at.asked if request.params["condition"] == "1"]) <= 31 + 9 + 1
    assert len(pages) < 31 / 2
    assert pages[0].rows.count == 100


async def test_a_long_walk_goes_on_from_any_page_and_steps_back_where_cards_went() -> None:
    _, pages = await walked(vendor(2_400))
    for done in range(len(pages) - 1):
        at = vendor(2_400)
        at.before = {9: lambda one: one.delete(*range(1, 140))}
        seen, _ = await walked(at, replace(WALK, cursor=pages[done].cursor))
        before = {number for page in pages[: done + 1] for number in await ids(page)}
        assert set(at.cards) <= seen | before


async def changes(at: Vendor, cursor: Cursor | None = None) -> tuple[list[int], list[Page]]:
    part = Slice(slice_id=1, kind=SliceKind.SINCE, now=NOW, start=NOW - timedelta(hours=24), end=NOW, cursor=cursor)
    pages = [page async for page in changed(at, part)]
    return [number for page in pages for number in await ids(page)], pages


async def test_changes_go_on_at_the_moment_of_the_last_row() -> None:
    at = vendor(250, 20)
    seen, pages = await changes(at)
    assert set(seen) == set(at.cards)
    assert [int(request.params["offset"]) for request in at.asked] == [0] * len(at.asked)
    assert pages[-1].until == NOW
    for done in range(len(pages) - 1):
        rest, _ = await changes(vendor(250, 20), pages[done].cursor)
        assert set(at.cards) == set(rest) | {number for page in pages[: done + 1] for number in await ids(page)}


async def test_many_cards_of_one_moment_are_counted() -> None:
    at = Vendor({number: card(number, updated=stamp(7 if number <= 350 else number)) for number in range(1, 400)})
    seen, _ = await changes(at)
    assert set(seen) == set(at.cards)


async def test_a_card_that_changes_meanwhile_hides_no_other() -> None:
    at = vendor(250)
    at.before = {1: lambda one: one.move(1, 3, 50, 120)}
    seen, _ = await changes(at)
    assert set(seen) == set(at.cards)


async def test_changes_out_of_order_are_noticed() -> None:
    at = vendor(250)
    at.late = timedelta(days=9)
    with pytest.raises(BadData, match="not in order"):
        await changes(at)


def test_members_tags_and_files_are_kept_by_what_they_say_of_the_card() -> None:
    told = card(
        1,
        members=[{"id": 5, "full_name": "Имя", "last_request_date": stamp(1), "type": 2}, {"id": 6, "user_id": 6}],
        tags=[{"id": 3, "name": "срочно", "card_id": 1, "tag_id": 3}],
        files=[{"id": 8, "name": "a.txt", "card_id": 1, "author": {"id": 5}}],
        path_data={"space": {"id": 9, "title": "Пространство"}},
        owner={"id": 5},
        children=[{"id": 12, "title": "Дочерняя"}],
    )
    [kept] = document(told)
    assert kept["members"] == [{"user_id": 5, "type": 2}, {"user_id": 6, "type": None}]
    assert kept["tags"] == [{"tag_id": 3}]
    assert kept["files"] == [{"id": 8, "name": "a.txt"}]
    assert (kept["space_id"], kept["children"], "owner" in kept) == (9, [12], False)


def test_a_deleted_card_is_no_document() -> None:
    assert list(document(card(1, condition=3))) == []
