"""Answers to another question: caches were seen to repeat an earlier one, which methods without a position in their rows do not notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from mpsyncd.model.errors import BadData
from mpsyncd.model.request import Document
from mpsyncd.sources.reading import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from mpsyncd.model.page import Page, Slice
    from mpsyncd.model.request import Api, Row, Rows
    from mpsyncd.model.stream import Read

Belongs: TypeAlias = Callable[[Document], bool]
"""Whether a row can be an answer to what was asked; a row that does not tell is."""


def checked(read: Read, belongs: Belongs) -> Read:
    """The same pages; one that holds a row of another question is BadData while it is walked, so that it is asked for anew."""

    async def pages(api: Api, part: Slice) -> AsyncIterator[Page]:
        async with opened(read, api, part) as inner:
            async for page in inner:
                yield replace(page, rows=_CheckedRows(page.rows, belongs))

    return pages


class _CheckedRows:
    """Rows that are looked at when they are walked."""

    def __init__(self, raw: Rows, belongs: Belongs) -> None:
        self._raw = raw
        self._belongs = belongs

    @property
    def count(self) -> int:
        return self._raw.count

    @property
    def last(self) -> Document | None:
        return self._raw.last

    async def pieces(self) -> AsyncIterator[Sequence[Row]]:
        async for piece in self._raw.pieces():
            for row in piece:
                if isinstance(row, dict) and not self._belongs(row):
                    raise BadData("the answer holds rows that were not asked for: an earlier answer came again")
            yield piece

    async def close(self) -> None:
        await self._raw.close()
