"""Factories for `Stream.read`: what every paged read promises to the engine, whatever the vendor's way of paging.

Must not touch rows: they may not be decoded yet, and the engine asks for the next page while the last one is being written.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import Page, SliceKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mpsyncd.model.page import Cursor, Slice
    from mpsyncd.model.request import Answer, Api, Request
    from mpsyncd.model.stream import Read
    from mpsyncd.sources.pagers import Pager


def paged(request: Request, *, pager: Pager) -> Read:
    """Read page by page from `slice.cursor`, one page an answer; the last one, and only that, is marked, rows or not.

    What follows from the end of a walk (sweep) or of a window (complete for ever) is hard to undo, and vendors are known to answer with
    nothing by mistake: there an empty answer is believed only when it comes twice.

    Raises (while iterating):
        BadData: a position came a second time, or the page does not say where the next one begins.
        SourceError, Snooze: as `Api.send`.
    """

    async def read(api: Api, part: Slice) -> AsyncIterator[Page]:
        cursor, seen = part.cursor, {_mark(part.cursor)}
        while True:
            asked = pager.ask(request, part=part, cursor=cursor)
            answer = await _send(api, asked, twice_if_empty=part.kind is not SliceKind.SINCE)
            try:
                turn = await pager.turn(answer, part=part, cursor=cursor)
                if not turn.last and _mark(turn.cursor) in seen:
                    raise BadData(f"{request.host} {request.path} gave the position {_mark(turn.cursor)} twice: the walk would never end")
            except BaseException:
                await answer.rows.close()
                raise
            yield Page(rows=answer.rows, cursor=turn.cursor, last=turn.last, asked_at=answer.asked_at, until=turn.until)
            if turn.last:
                return
            cursor = turn.cursor
            seen.add(_mark(cursor))

    return read


async def _send(api: Api, request: Request, *, twice_if_empty: bool) -> Answer:
    answer = await api.send(request)
    if twice_if_empty and not answer.rows.count:
        await answer.rows.close()
        answer = await api.send(request)
    return answer


def _mark(cursor: Cursor | None) -> str:
    return json.dumps(None if cursor is None else dict(cursor), sort_keys=True, ensure_ascii=False)
