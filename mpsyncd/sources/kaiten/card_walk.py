"""All cards, page by page: what is on boards, then what is archived, which the vendor tells apart, then what changed meanwhile.

Rows have numbers, not positions: when a card goes, those behind it move up, and one would slip through between two pages and be held to be
gone. So a page begins with the last row of the one before, or with an older one; where it does not, the walk steps back. Must not look at
more than the beginning of a page: rows are left to the engine.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import Page
from mpsyncd.sources.ahead import in_order
from mpsyncd.sources.chained import ChainedRows
from mpsyncd.sources.kaiten.asking import SIZE, get, missing
from mpsyncd.sources.kaiten.card_changes import CONDITIONS, changed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from mpsyncd.model.page import Cursor, Slice
    from mpsyncd.model.request import Answer, Api, Request, Rows

OVERLAP = timedelta(minutes=5)
"""So far the clocks of the vendor and of this machine may be apart."""
_STEP = SIZE - 1
_BACK, _BACK_MOST = 10, 30
_AHEAD_MOST = 16
_PAGES_TO_ONE_AHEAD = 4
_TOGETHER = 5
_CHANGES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The condition in hand, the row to ask for next, id and birth of the last row that came; `blank`: behind an empty answer."""

    began: datetime
    condition: int = CONDITIONS[0]
    offset: int = 0
    last: Any = None
    blank: bool = False
    changes: Cursor | None = None

    @classmethod
    def of(cls, part: Slice) -> _Place:
        if part.cursor is None:
            return cls(began=part.now)
        return cls(**{**part.cursor, "began": datetime.fromisoformat(part.cursor["began"])})

    def cursor(self) -> Cursor:
        told = {"began": self.began.isoformat(), "condition": self.condition}
        if self.condition == _CHANGES:
            return {**told, "changes": self.changes}
        return {**told, "offset": self.offset, "last": self.last, **({"blank": True} if self.blank else {})}


async def walk(api: Api, part: Slice) -> AsyncIterator[Page]:
    """Read every card there is. What changed since the walk began is read once more, so that no card is missed that changed its condition.

    Raises (while iterating):
        BadData: the vendor gives no order to go by.
    """
    place = _Place.of(part)
    while place.condition != _CHANGES:
        async with aclosing(_pass(api, place)) as pages:
            async for page, reached in pages:
                place = reached
                yield page
    since = replace(part, start=place.began - OVERLAP, end=place.began, cursor=place.changes)
    async with aclosing(changed(api, since)) as rest:
        async for page in rest:
            yield page if page.last else replace(page, cursor=replace(place, changes=page.cursor).cursor(), until=None)


async def _pass(api: Api, place: _Place) -> AsyncGenerator[tuple[Page, _Place], None]:
    """The cards of one condition, each page with the place behind it. The longer the list, the more answers make a page."""
    back, tries = _BACK, 0
    while True:
        held: list[Answer] = []
        done = 0
        try:
            async with aclosing(_ahead(api, place)) as answers:
                async for answer in answers:
                    held.append(answer)
                    if place.offset and not await _follows(answer.rows, place.last):
                        await held.pop().rows.close()
                        break
                    back, done, place = _BACK, done + 1, _behind(answer, place)
                    if place.offset == 0 or len(held) >= min(_TOGETHER, 1 + done // _PAGES_TO_ONE_AHEAD):
                        page, held = _page(held, place), []
                        yield page, place
                    if place.offset == 0:
                        return
            if held:
                page, held = _page(held, place), []
                yield page, place
        finally:
            for answer in held:
                await answer.rows.close()
        place, back, tries = replace(place, offset=max(0, place.offset - back)), back * 2, tries + 1
        if tries > _BACK_MOST:
            raise BadData(f"/cards gives the cards of condition {place.condition} in another order every time: there is no walking them")


def _page(answers: Sequence[Answer], place: _Place) -> Page:
    """As old as the oldest answer, so that what came to us in another way meanwhile stays."""
    rows = ChainedRows([answer.rows for answer in answers])
    return Page(rows=rows, cursor=place.cursor(), last=False, asked_at=answers[0].asked_at)


def _behind(answer: Answer, place: _Place) -> _Place:
    count, last = answer.rows.count, answer.rows.last
    doubtful = place.offset == 0 and not count and (missing(answer) or place.condition == CONDITIONS[0])
    if doubtful and not place.blank:
        return replace(place, blank=True)
    if count < SIZE:
        return _Place(began=place.began, condition=place.condition + 1)
    here = [(last or {}).get("id"), (last or {}).get("created")]
    if None in here or here == place.last:
        raise BadData(f"/cards from number {place.offset} on ends where the page before it ended: there is no telling where it goes on")
    return replace(place, offset=place.offset + _STEP, last=here, blank=False)


async def _ahead(api: Api, place: _Place) -> AsyncGenerator[Answer, None]:
    """The answers from a place on, in order. The longer a list has proved to be, the more of it is asked for at once."""
    done = 0

    async def asked() -> AsyncGenerator[AsyncGenerator[Answer, None], None]:
        offset = place.offset
        while True:
            yield _one(api, _request(place.condition, offset))
            offset += _STEP

    def most() -> int:
        return min(_AHEAD_MOST, 1 + done // _PAGES_TO_ONE_AHEAD)

    async with aclosing(in_order(asked(), ahead=most, drop=_drop)) as answers:
        async for answer, _ in answers:
            done += 1
            yield answer


async def _one(api: Api, request: Request) -> AsyncGenerator[Answer, None]:
    yield await api.send(request)


async def _drop(answer: Answer) -> None:
    await answer.rows.close()


def _request(condition: int, offset: int) -> Request:
    return get("/cards", condition=str(condition), order_by="created", order_direction="asc", limit=str(SIZE), offset=str(offset))


async def _follows(rows: Rows, last: Any) -> bool:
    """Whether the page holds the row that ended the one before, or one that is older: usually it is the first, and nobody looks further."""
    number, born = last
    async for piece in rows.pieces():
        for row in piece:
            if isinstance(row, dict) and (row.get("id") == number or str(row.get("created")) < born):
                return True
    return False
