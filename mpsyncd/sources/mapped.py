"""One raw row becomes any number of documents: flattened, turned round, told whose it is. Must not know any vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from mpsyncd.model.errors import UNREADABLE, BadData
from mpsyncd.model.request import BadRow, Document
from mpsyncd.model.turns import turn
from mpsyncd.sources.reading import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from mpsyncd.model.page import Page, Slice
    from mpsyncd.model.request import Api, Row, Rows
    from mpsyncd.model.stream import Read

Documents: TypeAlias = Callable[[Document], Iterable[Document]]
"""What a raw row becomes. Pure, does not change its argument; BadData rejects the raw row with the reason, whole, and no other."""

_STEP = 20
"""So many raw rows are a turn of the loop."""
_PIECE = 1000
"""So many documents are handed on at once, though their raw rows came together."""
_FEW = 100
"""Fewer wait for what comes next: a statement of the merge is worth a number of rows, and big raw rows come in pieces of a few."""


def mapped(read: Read, documents: Documents) -> Read:
    """The same pages, each raw row replaced by its documents while the engine takes them: nothing is decoded earlier than before.

    A page counts the raw rows of its answer. A function that fails over a row of a shape that it was not written for rejects that row.
    """

    async def pages(api: Api, part: Slice) -> AsyncIterator[Page]:
        async with opened(read, api, part) as inner:
            async for page in inner:
                yield replace(page, rows=MappedRows(page.rows, documents))

    return pages


class MappedRows:
    """Rows that are made when they are walked."""

    def __init__(self, raw: Rows, documents: Documents) -> None:
        self._raw = raw
        self._documents = documents

    @property
    def count(self) -> int:
        return self._raw.count

    @property
    def last(self) -> Document | None:
        return self._raw.last

    async def pieces(self) -> AsyncIterator[Sequence[Row]]:
        made: list[Row] = []
        async for piece in self._raw.pieces():
            for first in range(0, len(piece), _STEP):
                made += [document for row in piece[first : first + _STEP] for document in self._made(row)]
                if len(made) >= _PIECE:
                    yield made
                    made = []
                await turn()
            if len(made) >= _FEW:
                yield made
                made = []
        if made:
            yield made

    async def close(self) -> None:
        await self._raw.close()

    def _made(self, row: Row) -> Sequence[Row]:
        if isinstance(row, BadRow):
            return [row]
        try:
            return list(self._documents(row))
        except BadData as error:
            return [BadRow(raw=row, reason=str(error))]
        except UNREADABLE as error:
            return [BadRow(raw=row, reason=f"it can not be read: {type(error).__name__}: {error}")]
