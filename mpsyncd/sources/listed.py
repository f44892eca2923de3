"""Rows that a source has in hand: an object that is the whole answer, none at all. Must not hold more than a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from mpsyncd.model.request import Document


class ListedRows:
    """Rows from a list, which nobody changes."""

    def __init__(self, rows: Sequence[Document] = ()) -> None:
        self._rows = rows

    @property
    def count(self) -> int:
        return len(self._rows)

    @property
    def last(self) -> Document | None:
        return self._rows[-1] if self._rows else None

    async def pieces(self) -> AsyncIterator[Sequence[Document]]:
        if self._rows:
            yield self._rows

    async def close(self) -> None:
        self._rows = ()
