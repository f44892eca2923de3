"""Cards that changed since a moment, in order of their change, on boards and archived (`updated_after` includes the moment itself).

A page of 100 goes on at the moment of its last row, not by number: a card that changes meanwhile moves to the end of the list, and those
behind it move up. Only where one moment fills a whole page (an import) rows are counted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import Page
from mpsyncd.sources.kaiten.asking import SIZE, get
from mpsyncd.sources.rows import instant

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from mpsyncd.model.page import Slice
    from mpsyncd.model.request import Answer, Api, Request

CONDITIONS = (1, 2)
"""On a board, archived."""
_ZONE = UTC


async def changed(api: Api, part: Slice) -> AsyncGenerator[Page, None]:
    """Read what changed since `part.start`; the position is the condition in hand, the moment and the number behind it.

    Raises (while iterating):
        BadData: the list is not in order of change.
    """
    if part.start is None:
        raise ValueError("what changed is read since a moment")
    begin = part.start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    told = part.cursor or {}
    condition, after, offset = told.get("condition", CONDITIONS[0]), told.get("after", begin), told.get("offset", 0)
    while True:
        answer = await api.send(_request(condition, after, offset))
        full = answer.rows.count >= SIZE
        if full:
            after, offset = _onward(answer, after, offset)
        else:
            condition, after, offset = condition + 1, begin, 0
        last = condition > CONDITIONS[-1]
        cursor = None if last else {"condition": condition, "after": after, "offset": offset}
        yield Page(rows=answer.rows, cursor=cursor, last=last, asked_at=answer.asked_at, until=part.end if last else None)
        if last:
            return


def _onward(answer: Answer, after: str, offset: int) -> tuple[str, int]:
    """Where the next page begins behind a full one."""
    newest = (answer.rows.last or {}).get("updated")
    reached, asked = _at(newest), _at(after)
    if reached < asked:
        raise BadData(f"asked for cards changed since {after}, the last of {answer.rows.count} is of {newest}: they are not in order")
    return (after, offset + answer.rows.count) if reached == asked else (str(newest), 0)


def _at(stamp: Any) -> datetime:
    moment = instant(stamp, zone=_ZONE)
    if moment is None:
        raise BadData(f"updated: {stamp!r} is no moment to go on from")
    return moment


def _request(condition: int, after: str, offset: int) -> Request:
    return get(
        "/cards",
        condition=str(condition),
        updated_after=after,
        order_by="updated",
        order_direction="asc",
        limit=str(SIZE),
        offset=str(offset),
    )
