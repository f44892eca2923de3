"""Rows of a large seller, written once into an unnamed file, so that a benchmark's answers cost the sandbox next to nothing."""

import mmap
import tempfile
import zlib
from array import array
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from mpsyncd.sandbox.http import Response

_GZIP = 31
_LEVEL = 1
_PIECE = 1 << 22


class Book(Protocol):
    """Rows that stand ascending by time of change and never move."""

    def __len__(self) -> int:
        """How many there are."""

    def changed_at(self, place: int, /) -> datetime:
        """When the row at a place changed."""

    def first(self, moment: datetime, *, inclusive: bool) -> int:
        """Place of the first row changed at `moment` or later, or only later; the count when there is none."""


class LargePages:
    """Rows side by side in a mapped file with the offset of each; the pages of a walk from the start are compressed beforehand."""

    def __init__(self, book: Book, *, render: Callable[[int], bytes], cap: int, inclusive: bool) -> None:
        self._book = book
        self._ends = array("Q", [0])
        self._text = self._write(render)
        self._packed: dict[tuple[int, int], bytes] = {}
        start = 0
        while start < len(book):
            stop = self._stop(start, cap=cap, inclusive=inclusive)
            self._packed[start, stop] = _pack(self._page(start, stop))
            again = book.first(book.changed_at(stop - 1), inclusive=inclusive)
            start = again if again > start and stop < len(book) else stop

    def answer(self, since: datetime, *, cap: int, inclusive: bool) -> Response:
        """The page that begins at `since`."""
        start = self._book.first(since, inclusive=inclusive)
        if start >= len(self._book):
            return Response(body=b"[]")
        stop = self._stop(start, cap=cap, inclusive=inclusive)
        return Response(body=self._page(start, stop), gzipped=self._packed.get((start, stop)))

    def _stop(self, start: int, *, cap: int, inclusive: bool) -> int:
        stop = min(start + cap, len(self._book))
        last = self._book.changed_at(stop - 1)
        if inclusive and last != self._book.changed_at(start):
            return stop
        return self._book.first(last, inclusive=False)

    def _write(self, render: Callable[[int], bytes]) -> mmap.mmap:
        with tempfile.TemporaryFile() as file:
            place = 0
            for number in range(len(self._book)):
                text = render(number)
                file.write(text)
                file.write(b",")
                place += len(text) + 1
                self._ends.append(place)
            file.flush()
            return mmap.mmap(file.fileno(), place, access=mmap.ACCESS_READ)

    def _page(self, start: int, stop: int) -> bytes:
        with memoryview(self._text) as text:
            return b"".join((b"[", text[self._ends[start] : self._ends[stop] - 1], b"]"))


def _pack(page: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    view = memoryview(page)
    pieces = [packer.compress(view[place : place + _PIECE]) for place in range(0, len(view), _PIECE)]
    return b"".join((*pieces, packer.flush()))
