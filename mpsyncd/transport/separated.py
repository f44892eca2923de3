"""Rows of CSV, read piece by piece: the body is never held, decoded or parsed as a whole. Must not know what the cells mean."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, TypeAlias

from mpsyncd.model.errors import BODY_LIMIT, BadData, Transient
from mpsyncd.model.request import BadRow, Row
from mpsyncd.transport.archive import STEP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mpsyncd.model.request import Document
    from mpsyncd.transport.spool import Body

Chunks: TypeAlias = Callable[[], AsyncIterator[bytes]]
"""Begins the text anew: its bytes in steps of at most `STEP`, with a turn of the loop between them."""
_Record: TypeAlias = "list[str] | BadRow"
_STEPS = 8
"""Steps that make a piece: as large as those of JSON, as a statement of the merge is worth a number of rows."""
_ROW_MOST = 1 << 20
_JSON = ("{", "[")
_DELIMITERS = ",;"


class CsvRows:
    """Rows of a text that was looked through once; every walk parses it anew."""

    def __init__(self, body: Body, chunks: Chunks, *, count: int, last: Document | None) -> None:
        self._body = body
        self._chunks = chunks
        self._count = count
        self._last = last

    @property
    def count(self) -> int:
        return self._count

    @property
    def last(self) -> Document | None:
        return self._last

    async def pieces(self) -> AsyncIterator[Sequence[Row]]:
        parser, piece, steps = Parser(), list[Row](), 0
        async for records in _parsed(parser, self._chunks):
            piece += map(parser.row, records)
            steps += 1
            if steps % _STEPS == 0:
                yield piece
                piece = []
        if piece:
            yield piece

    async def close(self) -> None:
        self._body.close()


async def separated(body: Body, chunks: Chunks) -> CsvRows:
    """Count the rows of a CSV text and find the last one, in one pass.

    Raises:
        Transient: no CSV, or one that ends inside a cell.
        BadData: JSON, a text that is not UTF-8, a header that does not name every column once, a cell that never ends.
    """
    parser, count, last = Parser(), 0, None
    async for records in _parsed(parser, chunks):
        count += len(records)
        last = next((row for row in map(parser.row, reversed(records)) if not isinstance(row, BadRow)), last)
    return CsvRows(body, chunks, count=count, last=last)


async def whole(body: Body) -> AsyncIterator[bytes]:
    """The chunks of a body that is the text itself."""
    for offset in range(0, body.size, STEP):
        yield await body.read(offset, STEP)


async def _parsed(parser: Parser, chunks: Chunks) -> AsyncIterator[Sequence[_Record]]:
    async for chunk in chunks():
        if records := parser.feed(chunk):
            yield records
    if records := parser.end():
        yield records


class Parser:
    """Takes the text in steps and gives out the records that are complete; the first one is the header, which is kept."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._left = ""
        self._header: tuple[str, ...] = ()
        self._delimiter = ","
        self._exhausted = False

    def feed(self, chunk: bytes) -> Sequence[_Record]:
        """The records that end in this chunk."""
        try:
            text = self._left + self._decoder.decode(chunk)
        except UnicodeDecodeError:
            raise BadData("the answer's CSV is not UTF-8") from None
        border = text.rfind("\n") + 1
        self._left = text[border:]
        records = self._records(text[:border])
        if len(self._left) > _ROW_MOST:
            raise BadData(f"the answer's CSV has a row of more than {_ROW_MOST >> 20} MB")
        return records

    def end(self) -> Sequence[_Record]:
        """What has no end of line behind it."""
        try:
            text = self._left + self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise Transient("the answer's CSV is cut off inside a letter") from None
        self._left = ""
        records = self._records(text)
        if self._left:
            raise Transient("the answer's CSV is cut off inside a cell")
        if not self._header:
            raise Transient("the answer is empty where CSV was promised")
        return records

    def row(self, record: _Record) -> Row:
        """The document of a record; cells that are missing at its end are absent keys."""
        if isinstance(record, BadRow):
            return record
        if len(record) > len(self._header):
            return BadRow(raw=record, reason=f"the row has {len(record)} cells where the header names {len(self._header)}")
        return dict(zip(self._header, map(str.strip, record), strict=False))

    def _records(self, text: str) -> Sequence[_Record]:
        """Parse whole lines; those of a record that goes on with the next chunk are put back."""
        lines = list(io.StringIO(text, newline="\n"))
        if not self._header:
            lines = self._begin(lines)
        reader, records, done = csv.reader(self._fed(lines), delimiter=self._delimiter, skipinitialspace=True), list[_Record](), 0
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                records.append(_no_csv("".join(lines[done : reader.line_num]), error))
            else:
                if cells is None or self._exhausted:
                    break
                if len(cells) > 1 or "".join(cells).strip():
                    records.append(cells)
            done = reader.line_num
        self._left = "".join(lines[done:]) + self._left
        return records

    def _fed(self, lines: list[str]) -> Iterator[str]:
        """The lines. Whoever asks for one more while a record is begun is inside of quotes."""
        self._exhausted = False
        yield from lines
        self._exhausted = True

    def _begin(self, lines: list[str]) -> list[str]:
        """Take the header off; the delimiter is the one that cuts it into more names."""
        while lines and not lines[0].strip():
            lines = lines[1:]
        if not lines:
            return lines
        first = lines[0]
        if first.lstrip().startswith("<"):
            raise Transient("the answer is not CSV", body=first[:BODY_LIMIT])
        if first.lstrip().startswith(_JSON):
            raise BadData("the answer is JSON where CSV was promised")
        names = [next(csv.reader([first], delimiter=sign, skipinitialspace=True)) for sign in _DELIMITERS]
        self._delimiter = _DELIMITERS[names.index(max(names, key=len))]
        self._header = tuple(name.strip() for name in max(names, key=len))
        if not all(self._header) or len(set(self._header)) < len(self._header):
            raise BadData(f"the header of the answer's CSV does not name every column once: {first.strip()[:BODY_LIMIT]}")
        return lines[1:]


def _no_csv(text: str, error: csv.Error) -> BadRow:
    if len(text) > csv.field_size_limit():
        raise BadData(f"the answer's CSV has a cell of more than {csv.field_size_limit()} characters: a quote may not be closed")
    return BadRow(raw=text, reason=f"the row is no CSV: {error}")
