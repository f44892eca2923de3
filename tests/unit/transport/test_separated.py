"""Rows out of CSV: spellings of header and cells, steps of any size, bad rows, texts that are cut off."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsyncd.model.errors import BadData, Transient
from mpsyncd.model.request import BadRow, Row
from mpsyncd.transport.decoding import opened
from mpsyncd.transport.separated import Parser
from mpsyncd.transport.spool import MemoryBody
from support.transport import get

REQUEST = get(rows_format="csv")


async def read(text: bytes | str) -> list[Row]:
    """The rows; the envelope, the count, the last row and a second walk are checked on the way."""
    body = MemoryBody(text.encode() if isinstance(text, str) else text)
    envelope, rows = await opened(body, REQUEST, status=200, limit=1 << 30)
    walked = [row async for piece in rows.pieces() for row in piece]
    assert envelope is None
    assert [row async for piece in rows.pieces() for row in piece] == walked
    assert rows.count == len(walked)
    assert rows.last == next((row for row in reversed(walked) if isinstance(row, dict)), None)
    await rows.close()
    return walked


@pytest.mark.parametrize(
    "text",
    [
        "nmID, dt, name\n7, 2026-11-01, Mug\n8, 2026-11-02, Cup\n",
        "\ufeffnmID;dt;name\r\n7;2026-11-01;Mug\r\n8;2026-11-02;Cup\r\n",
        'nmID,dt,name\n\n"7", "2026-11-01" ,"Mug"\n \n8,2026-11-02,Cup',
        "\n\n  nmID ,dt  , name\n7\t,\u00a02026-11-01,Mug\n8,2026-11-02,Cup \n\n",
    ],
)
async def test_spaces_quotes_a_mark_and_the_delimiter_do_not_matter(text: str) -> None:
    assert await read(text) == [{"nmID": "7", "dt": "2026-11-01", "name": "Mug"}, {"nmID": "8", "dt": "2026-11-02", "name": "Cup"}]


async def test_a_cell_may_hold_quotes_delimiters_and_newlines() -> None:
    text = 'id,text;raw\n1,"a ""b"", c\nd\r\n"";e"\n2,5" screen\n3,"\u2028 x\x0b y"\n'
    assert await read(text) == [
        {"id": "1", "text;raw": 'a "b", c\nd\r\n";e'},
        {"id": "2", "text;raw": '5" screen'},
        {"id": "3", "text;raw": "\u2028 x\x0b y".strip()},
    ]


async def test_missing_cells_are_absent_and_empty_ones_are_empty() -> None:
    assert await read("a,b,c\n1\n1,\n1,,\n") == [{"a": "1"}, {"a": "1", "b": ""}, {"a": "1", "b": "", "c": ""}]


async def test_a_header_alone_is_no_rows() -> None:
    for text in ("a,b", "a,b\n", "\ufeffa;b\r\n\r\n"):
        assert await read(text) == []


async def test_too_many_cells_make_one_bad_row() -> None:
    bad = BadRow(raw=["1", "2", "3"], reason="the row has 3 cells where the header names 2")
    assert await read("a,b\n0,0\n1,2,3\n4,5\n") == [{"a": "0", "b": "0"}, bad, {"a": "4", "b": "5"}]
    assert await read("a,b\n0,0\n1,2,3\n") == [{"a": "0", "b": "0"}, bad]


async def test_a_row_that_is_no_csv_is_bad_alone() -> None:
    [first, bad, last] = await read("a,b\n1,2\n3,x\ry\n5,6\n")
    assert (first, last) == ({"a": "1", "b": "2"}, {"a": "5", "b": "6"})
    assert isinstance(bad, BadRow)
    assert bad.raw == "3,x\ry\n"
    assert bad.reason.startswith("the row is no CSV: new-line character")


@pytest.mark.parametrize("text", ["", "\n \n", "<html><body>Sorry</body></html>", 'a,b\n1,"open', 'a,b\n1,"x\n2,3\n', b"a,b\n1,\xd0"])
async def test_what_is_cut_off_or_no_csv_is_tried_again(text: bytes | str) -> None:
    with pytest.raises(Transient):
        await read(text)


@pytest.mark.parametrize(
    "text, words",
    [
        ('{"detail":"no"}', "JSON"),
        ("[]", "JSON"),
        (b"a,b\n1,\xcf\xf0\xe8\n", "UTF-8"),
        ("a,a\n1,2\n", "every column once"),
        ("a,,c\n1,2,3\n", "every column once"),
        ('a,b\n1,"' + "x\n" * 200_000 + '"\n', "more than 131072 characters"),
        ("a,b\n1," + '"y","z",' * 300_000, "more than 1 MB"),
    ],
)
async def test_another_shape_is_bad_data(text: bytes | str, words: str) -> None:
    with pytest.raises(BadData, match=words):
        await read(text)


async def test_pieces_are_small() -> None:
    line = "1234567,2026-11-01," + ",".join(["12.5"] * 10) + "\n"
    body = MemoryBody((",".join(f"c{number}" for number in range(12)) + "\n" + line * 20_000).encode())
    _, rows = await opened(body, REQUEST, status=200, limit=1 << 30)
    sizes = [len(piece) * len(line) async for piece in rows.pieces()]
    assert rows.count == 20_000 == sum(sizes) // len(line)
    assert max(sizes) <= 256 << 10
    assert min(sizes[:-1]) >= 64 << 10


CELL = st.text(st.sampled_from('ab ",;\n\r\té\ufeff'), max_size=5)


@settings(max_examples=300, deadline=None)
@given(table=st.lists(st.lists(CELL, min_size=2, max_size=3), max_size=8), delimiter=st.sampled_from(",;"), step=st.integers(1, 30))
def test_steps_of_any_size_give_what_a_writer_wrote(table: list[list[str]], delimiter: str, step: int) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["x", "y", "z"], *table])
    text = out.getvalue().encode()
    parser, found = Parser(), list[Any]()
    for start in range(0, len(text), step):
        found += map(parser.row, parser.feed(text[start : start + step]))
    found += map(parser.row, parser.end())
    assert found == [dict(zip("xyz", [cell.strip() for cell in cells], strict=False)) for cells in table]


async def test_a_walk_that_is_left_leaves_nothing_open() -> None:
    body = MemoryBody(b"a\n" + b"1\n" * 200_000)
    _, rows = await opened(body, REQUEST, status=200, limit=1 << 30)
    pieces: AsyncIterator[Any] = rows.pieces()
    assert len(await anext(pieces)) > 1000
    await rows.close()
    assert body.size == 0
