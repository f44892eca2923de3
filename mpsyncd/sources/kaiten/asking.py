"""How Kaiten is asked: one host, one limit, bare lists, and a body that may be missing where a list is empty."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mpsyncd.model.page import Page, Slice, SliceKind
from mpsyncd.model.request import Request
from mpsyncd.sources.chained import ChainedRows, ask_all
from mpsyncd.sources.kaiten.key import HOST
from mpsyncd.sources.kaiten.limits import API
from mpsyncd.sources.pagers import Offset, ended
from mpsyncd.sources.reading import paged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from mpsyncd.model.page import Cursor
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


def whole_lists(*requests: Request) -> Read:
    """Read lists that come in one answer each and may well be empty: [] is believed at once, an answer without a body when it comes twice.

    They are asked for together, and are one page.
    """

    async def read(api: Api, part: Slice) -> AsyncIterator[Page]:
        answers = await ask_all(api, requests)
        doubtful = [request for request, answer in zip(requests, answers, strict=True) if missing(answer)]
        if doubtful and part.cursor != _BLANK:
            yield _page(answers, cursor=_BLANK, last=False, part=part)
            answers = await ask_all(api, doubtful)
        yield _page(answers, cursor=None, last=True, part=part)

    return read


def _page(answers: Sequence[Answer], *, cursor: Cursor | None, last: bool, part: Slice) -> Page:
    rows, asked_at = ChainedRows([answer.rows for answer in answers]), min(answer.asked_at for answer in answers)
    return Page(rows=rows, cursor=cursor, last=last, asked_at=asked_at, until=ended(part) if last else None)


def missing(answer: Answer) -> bool:
    """Whether the answer had no body."""
    return answer.envelope is None


def pages_of(rows: int | None) -> Mapping[str, int]:
    """HTTP requests that a list of so many rows takes; nobody knows how many there are before the first walk."""
    return {API: 1 + (rows or 0) // SIZE}
