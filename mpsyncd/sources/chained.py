"""Several requests asked together, whose rows make one page: less to commit where each answer is small. Must not know what is asked."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from mpsyncd.model.request import Answer, Api, Document, Request, Row, Rows

_ENOUGH = 100
"""So many rows are handed on at once, whatever answers they are from: a statement of the merge is worth a number of rows."""


async def ask_all(api: Api, requests: Sequence[Request]) -> list[Answer]:
    """The answers in the order of the requests; when one fails, the others are cancelled and let go of."""
    sent = [asyncio.ensure_future(api.send(request)) for request in requests]
    async with AsyncExitStack() as unless_taken:
        unless_taken.push_async_callback(_let_go, sent)
        answers = await asyncio.gather(*sent)
        unless_taken.pop_all()
    return answers


async def _let_go(sent: Sequence[asyncio.Future[Answer]]) -> None:
    for each in sent:
        each.cancel()
    for came in await asyncio.gather(*sent, return_exceptions=True):
        if not isinstance(came, BaseException):
            await came.rows.close()


class ChainedRows:
    """Rows of one answer after those of another."""

    def __init__(self, parts: Sequence[Rows]) -> None:
        self._parts = parts

    @property
    def count(self) -> int:
        return sum(part.count for part in self._parts)

    @property
    def last(self) -> Document | None:
        return next((part.last for part in reversed(self._parts) if part.last is not None), None)

    async def pieces(self) -> AsyncIterator[Sequence[Row]]:
        joined: list[Row] = []
        for part in self._parts:
            async for piece in part.pieces():
                joined += piece
                if len(joined) >= _ENOUGH:
                    yield joined
                    joined = []
        if joined:
            yield joined

    async def close(self) -> None:
        for part in self._parts:
            await part.close()
