"""How Kaiten is asked: one host, one limit, bare lists, and a body that may be missing where a list is empty."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mpsyncd.model.page import Page, Slice, SliceKind
from mpsyncd.model.request import Request
from mpsyncd.sources.kaiten.key import HOST
from mpsyncd.sources.kaiten.limits import API
from mpsyncd.sources.pagers import Offset, ended
from mpsyncd.sources.reading import paged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from mpsyncd.model.request import Answer, Api, Response
    from mpsyncd.model.stream import Read

SIZE = 100
"""Rows of a full page. The vendor lowers greater wishes in silence, and a page that is short for that would be taken for the last."""
OUT_OF_TURN = Slice(slice_id=0, kind=SliceKind.SINCE, now=datetime.min.replace(tzinfo=UTC))
"""What a read of single rows, which belongs to no slice, is given in place of one."""
_BLANK = {"blank": True}


def _blank(response: Response) -> bool:
    return not response.body.strip()


def get(path: str, **params: str) -> Request:
    """A request for a list. An answer of nothing at all is an empty list (seen on live companies); its envelope is None."""
    return Request(method="GET", host=HOST, path=path, params=params, limits=(API,), empty_when=_blank)


def numbered(path: str, **params: str) -> Read:
    """Read a list by number of rows."""
    return paged(get(path, **params), pager=Offset(size=SIZE))


def whole_list(request: Request) -> Read:
    """Read a list that comes in one answer and may well be empty: [] is believed at once, an answer without a body when it comes twice."""

    async def read(api: Api, part: Slice) -> AsyncIterator[Page]:
        answer = await api.send(request)
        if missing(answer) and part.cursor != _BLANK:
            yield Page(rows=answer.rows, cursor=_BLANK, last=False, asked_at=answer.asked_at)
            answer = await api.send(request)
        yield Page(rows=answer.rows, cursor=None, last=True, asked_at=answer.asked_at, until=ended(part))

    return read


def missing(answer: Answer) -> bool:
    """Whether the answer had no body."""
    return answer.envelope is None


def pages_of(rows: int | None) -> Mapping[str, int]:
    """HTTP requests that a list of so many rows takes; nobody knows how many there are before the first walk."""
    return {API: 1 + (rows or 0) // SIZE}
