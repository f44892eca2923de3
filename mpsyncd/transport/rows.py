"""The rows of an answer: decoded at once when they are few, piece by piece from the spooled body when they are many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from mpsyncd.model.errors import BadData

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mpsyncd.model.request import Document
    from mpsyncd.transport.cutting import Piece
    from mpsyncd.transport.spool import Body

_SPACE = b" \t\r\n"


class FewRows:
    """Rows of a body of one piece, or none at all. They are handed out as they are: nobody may change them."""

    def __init__(self, rows: list[Document]) -> None:
        self._rows = rows

    @property
    def count(self) -> int:
        return len(self._rows)

    @property
    def last(self) -> Document | None:
        return self._rows[-1] if self._rows else None

    async def pieces(self) -> AsyncIterator[list[Document]]:
        if self._rows:
            yield self._rows

    async def close(self) -> None:
        self._rows = []


class ManyRows:
    """Rows that are decoded when they are walked; every walk decodes them anew."""

    def __init__(self, body: Body, pieces: list[Piece], *, last: Document | None) -> None:
        self._body = body
        self._pieces = pieces
        self._count = sum(piece.rows for piece in pieces)
        self._last = last

    @property
    def count(self) -> int:
        return self._count

    @property
    def last(self) -> Document | None:
        return self._last

    async def pieces(self) -> AsyncIterator[list[Document]]:
        for index in range(len(self._pieces)):
            yield await decode(self._body, self._pieces, index)

    async def close(self) -> None:
        self._body.close()


async def decode(body: Body, pieces: list[Piece], index: int) -> list[Document]:
    """The rows of one piece.

    Raises:
        BadData: it is broken, or holds something else than the objects that were counted.
    """
    piece = pieces[index]
    text = (await body.read(piece.offset, piece.size)).lstrip(_SPACE)
    if index > 0:
        if text[:1] != b"," or len(text) == 1:
            raise BadData(f"the answer's list is broken near byte {piece.offset}")
        text = text[1:]
    try:
        rows = orjson.loads(b"[%b]" % text)
    except orjson.JSONDecodeError as error:
        raise BadData(f"the answer's list is broken near byte {piece.offset + error.pos}: {error.msg}") from None
    if len(rows) != piece.rows or not all(type(row) is dict for row in rows):
        raise BadData(f"the answer's list holds something else than objects near byte {piece.offset}")
    return list(rows)
