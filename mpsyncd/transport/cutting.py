"""Cuts a list of rows into pieces of at most 128 KB at row borders, in one pass that decodes nothing.

Measured on flat rows: about 200 MB/s with reading, a third of what decoding costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mpsyncd.model.errors import BadData, Transient
from mpsyncd.transport.structure import State, closing, last_border, scan

if TYPE_CHECKING:
    from mpsyncd.transport.spool import Body

PIECE = 128 << 10
_BLOCK = 16 << 10
_ROW_MOST = 16 << 20
_SPACE = b" \t\r\n"


class Piece(NamedTuple):
    """Whole rows, with the comma in front of them and whatever space."""

    offset: int
    size: int
    rows: int


class Cut(NamedTuple):
    """All pieces in order, and where the bracket stands that ends the list."""

    pieces: list[Piece]
    end: int


class _Block(NamedTuple):
    offset: int
    data: bytes
    before: State
    ended: int


async def cut(body: Body, start: int) -> Cut:
    """Cut the list whose opening bracket stands just before `start`.

    Raises:
        Transient: the body ends before the list does.
        BadData: the list holds something else than objects, or one enormous row.
    """
    cutter = _Cutter(start)
    offset = start
    while True:
        window = await body.read(offset, PIECE)
        if not window:
            raise Transient("the answer is cut off inside its list of rows")
        for at in range(0, len(window), _BLOCK):
            end = cutter.feed(offset + at, window[at : at + _BLOCK])
            if end is not None:
                return Cut(cutter.pieces, end)
        offset += len(window)


class _Cutter:
    """Holds the blocks of the piece in hand."""

    def __init__(self, start: int) -> None:
        self.pieces: list[Piece] = []
        self._start = start
        self._state = State()
        self._blocks: list[_Block] = []
        self._begun = False

    def feed(self, offset: int, data: bytes) -> int | None:
        """Take the next block; the offset of the closing bracket when it is in there."""
        self._check_begin(data)
        found = scan(data, self._state)
        self._blocks.append(_Block(offset, data, self._state, found.ended))
        if found.closed:
            end = offset + closing(data, self._state)
            rows = sum(block.ended for block in self._blocks)
            if rows or self._rest(end).strip(_SPACE):
                self.pieces.append(Piece(self._start, end - self._start, rows))
            return end
        self._state = found.after
        size = offset + len(data) - self._start
        if size > PIECE:
            self._cut(size)
        return None

    def _cut(self, size: int) -> None:
        """End a piece behind the last row that fits, or behind the first ones if a single row does not."""
        ends = [index for index, block in enumerate(self._blocks) if block.ended]
        if not ends:
            if size > _ROW_MOST:
                raise BadData(f"the answer's list has no row border within {_ROW_MOST >> 20} MB")
            return
        fits = [index for index in ends if index < len(self._blocks) - 1]
        index = fits[-1] if fits else ends[-1]
        block = self._blocks[index]
        border = block.offset + last_border(block.data, block.before)
        rows = sum(one.ended for one in self._blocks[: index + 1])
        self.pieces.append(Piece(self._start, border - self._start, rows))
        self._start = border
        self._blocks = [block._replace(ended=0), *self._blocks[index + 1 :]]

    def _rest(self, end: int) -> bytes:
        """What stands between the last border and the end of the list; only space, if it is well formed."""
        first = self._blocks[0].offset
        return b"".join(block.data for block in self._blocks)[self._start - first : end - first]

    def _check_begin(self, data: bytes) -> None:
        if self._begun:
            return
        first = data.lstrip(_SPACE)[:1]
        if first:
            self._begun = True
        if first not in {b"", b"{", b"]"}:
            raise BadData("the answer's list holds something else than objects")
