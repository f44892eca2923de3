"""Factories for `Stream.read`: what every paged read promises to the engine, whatever the vendor's way of paging.

Must not touch rows: they may not be decoded yet, and the engine asks for the next page while the last one is being written. Factories that
go over windows, parents and reports stand in `windows`, `parents` and `reports`; `mapped` remakes rows. All of them take and give reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import Page, Slice, SliceKind
from mpsyncd.model.request import Request
from mpsyncd.sources.listed import ListedRows
from mpsyncd.sources.pagers import Whole, ended

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mpsyncd.model.page import Cursor
    from mpsyncd.model.request import Api
    from mpsyncd.model.stream import Read
    from mpsyncd.sources.pagers import Pager

Ask: TypeAlias = Request | Callable[[Slice], Request]
"""A request, or what makes it of the slice (its days, its key)."""

_WHOLE = Whole()
_EMPTY_AT = "empty_at"


def _never(cursor: Cursor | None) -> bool:
    _ = cursor
    return False


def paged(request: Ask, *, pager: Pager = _WHOLE, often_empty: bool = False, ends_behind: Callable[[Cursor | None], bool] = _never) -> Read:
    """Read page by page from `slice.cursor`, one page an answer; the last one, and only that, is marked, rows or not.

    What follows from the end of a walk (sweep) or of a window (complete for ever) is hard to undo, and vendors are known to answer with
    nothing by mistake: there an empty answer is believed only when it comes twice. The first one is a page too, or a method with a slow
    limit would be snoozed between the two, and begin with the first one again for ever. `often_empty`: it is nothing special for this
    method (one of many parents, one of many days) and believed at once. `ends_behind`: so it is behind a position that foretells the end.

    Raises (while iterating):
        BadData: a position came a second time, or the page does not say where the next one begins.
        SourceError, Snooze: as `Api.send`.
    """

    async def read(api: Api, part: Slice) -> AsyncIterator[Page]:
        begin = _asked(request, part)
        doubtful = not often_empty and part.kind is not SliceKind.SINCE
        again = part.cursor is not None and part.cursor.keys() == {_EMPTY_AT}
        cursor: Cursor | None = part.cursor[_EMPTY_AT] if again and part.cursor is not None else part.cursor
        seen = {_mark(cursor)}
        while True:
            asked = pager.ask(begin, part=part, cursor=cursor)
            answer = await api.send(asked)
            if doubtful and not again and not answer.rows.count and not ends_behind(cursor):
                again = True
                yield Page(rows=answer.rows, cursor={_EMPTY_AT: cursor}, last=False, asked_at=answer.asked_at)
                continue
            async with AsyncExitStack() as unless_given:
                unless_given.push_async_callback(answer.rows.close)
                turn = await pager.turn(answer, part=part, cursor=cursor)
                if not turn.last and _mark(turn.cursor) in seen:
                    raise BadData(f"{asked.host} {asked.path} gave the position {_mark(turn.cursor)} twice: the walk would never end")
                unless_given.pop_all()
            yield Page(
                rows=answer.rows,
                cursor=turn.cursor,
                last=turn.last,
                asked_at=answer.asked_at,
                until=turn.until,
                share=turn.share,
            )
            if turn.last:
                return
            cursor, again = turn.cursor, False
            seen.add(_mark(cursor))

    return read


def single(request: Ask) -> Read:
    """Read a method that answers with one object: it is the only row. No object (204, null) is no row.

    Raises (while iterating):
        BadData: the answer is something else.
    """

    async def read(api: Api, part: Slice) -> AsyncIterator[Page]:
        asked = replace(_asked(request, part), rows_at=None)
        answer = await api.send(asked)
        await answer.rows.close()
        told = answer.envelope
        if told is not None and not isinstance(told, dict):
            raise BadData(f"{asked.host} {asked.path} answered with {type(told).__name__} where one object was promised")
        rows = ListedRows([] if told is None else [told])
        yield Page(rows=rows, cursor=None, last=True, asked_at=answer.asked_at, until=ended(part))

    return read


@asynccontextmanager
async def opened(read: Read, api: Api, part: Slice) -> AsyncIterator[AsyncIterator[Page]]:
    """The pages of an inner read, which is ended with the block: what it has under way is cancelled now and not some time later."""
    pages = read(api, part)
    try:
        yield pages
    finally:
        close = getattr(pages, "aclose", None)
        if close is not None:
            await close()


def _asked(request: Ask, part: Slice) -> Request:
    return request if isinstance(request, Request) else request(part)


def _mark(cursor: Cursor | None) -> str:
    return json.dumps(None if cursor is None else dict(cursor), sort_keys=True, ensure_ascii=False)
