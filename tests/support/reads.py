"""Reads as tests of their factories drive them: a vendor that answers by a function, and an engine that may be killed behind any page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from mpsyncd.model.page import Page, ParentReader, Slice, SliceKind
from mpsyncd.model.request import Answer, Request, Row
from mpsyncd.model.stream import Read
from support.sources import NOW, ListRows, split


class Answering:
    """An Api that answers with what a function makes of the request: a body, or an exception to raise.

    Each request takes a turn of the loop, or as many as `turns` says; `most` is how many were under way at once.
    """

    def __init__(self, body: Callable[[Request], Any], *, turns: Callable[[Request], int] = lambda _: 1) -> None:
        self.body = body
        self.turns = turns
        self.asked: list[Request] = []
        self.given: list[ListRows] = []
        self.under_way = 0
        self.most = 0

    async def send(self, request: Request) -> Answer:
        self.asked.append(request)
        asked_at = NOW + timedelta(seconds=len(self.asked))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            for _ in range(self.turns(request)):
                await asyncio.sleep(0)
            body = self.body(request)
        finally:
            self.under_way -= 1
        if isinstance(body, Exception):
            raise body
        rows, envelope = split(body, request.rows_at)
        self.given.append(ListRows(rows))
        return Answer(status=200, headers={}, envelope=envelope, rows=self.given[-1], asked_at=asked_at)


def stretch(
    start: datetime | None = None, end: datetime | None = None, *, kind: SliceKind = SliceKind.WINDOW, parents: ParentReader | None = None
) -> Slice:
    """A slice; yesterday in UTC when nothing is said."""
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    return Slice(slice_id=7, kind=kind, now=NOW, start=start or midnight - timedelta(days=1), end=end or midnight, parents=parents)


def parents_of(rows: Sequence[Mapping[str, Any]], *, page: int = 3) -> ParentReader:
    """A reader over rows whose first column is the key, ascending."""

    async def read(*, after: Sequence[Any] | None = None) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        left = [row for row in rows if after is None or next(iter(row.values())) > after[0]]
        for begin in range(0, len(left), page):
            await asyncio.sleep(0)
            yield left[begin : begin + page]

    return read


async def rows_of(*pages: Page) -> list[Row]:
    """All rows of pages, in order."""
    return [row for page in pages async for piece in page.rows.pieces() for row in piece]


async def pages_of(read: Read, api: Any, part: Slice) -> list[Page]:
    """Read to the end."""
    return [page async for page in read(api, part)]


async def some_pages(read: Read, api: Any, part: Slice, *, most: int) -> list[Page]:
    """Read a number of pages and let go."""
    found: list[Page] = []
    async with aclosing(cast("Any", read(api, part))) as pages:
        while len(found) < most and (page := await anext(pages, None)) is not None:
            found.append(page)
    return found


async def killed_behind_every_page(read: Read, api: Any, part: Slice) -> list[Page]:
    """Read one page an attempt, each from the position that the database gave back; what all of them got."""
    found: list[Page] = []
    while not found or not found[-1].last:
        [page] = await some_pages(read, api, part, most=1)
        found.append(page)
        part = replace(part, cursor=json.loads(json.dumps(page.cursor)), now=part.now + timedelta(minutes=1))
    return found


def marks(pages: Sequence[Page]) -> list[bool]:
    """Which pages are the last."""
    return [page.last for page in pages]
