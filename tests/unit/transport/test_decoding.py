"""Rows out of bodies: shapes, nulls, cut-off JSON, and the cutter that never decodes against a decoder that does."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsyncd.model.errors import BadData, Transient
from mpsyncd.transport.cutting import PIECE, cut
from mpsyncd.transport.decoding import opened
from mpsyncd.transport.spool import FileBody, MemoryBody, Spool
from mpsyncd.transport.structure import State, closing, last_border, scan
from support.transport import get

BIG = 3000
FAR = "x" * 300_000


async def read(text: bytes | str, rows_at: str | None = "", *, status: int = 200) -> tuple[Any, list[dict[str, Any]]]:
    """Envelope and rows; the count, the last row and a second walk are checked on the way."""
    body = MemoryBody(text.encode() if isinstance(text, str) else text)
    envelope, rows = await opened(body, get(rows_at=rows_at), status=status, limit=1 << 30)
    walked = [row async for piece in rows.pieces() for row in piece if isinstance(row, dict)]
    assert [row async for piece in rows.pieces() for row in piece] == walked
    assert rows.count == len(walked)
    assert rows.last == (walked[-1] if walked else None)
    await rows.close()
    return envelope, walked


def nasty(number: int) -> dict[str, Any]:
    """A row with everything that a careless cutter trips over."""
    return {
        "id": number,
        "text": '},{"id":-1},{ ]}[{ \\" \\\\' * (number % 7),
        "ends": "\\" * (number % 4),
        "sizes": [{"skus": ["1", "}"], "price": {"now": 1}}] * (number % 5),
        "none": None,
        "empty": [{}, []],
        "Имя": "Кириллица «»" * (number % 3),
    }


ROWS = [nasty(number) for number in range(BIG)]


def spellings(rows: list[dict[str, Any]]) -> Iterator[bytes]:
    yield orjson.dumps(rows)
    yield orjson.dumps(rows, option=orjson.OPT_INDENT_2)
    yield b" \n[ " + b" ,\r\n\t".join(orjson.dumps(row) for row in rows) + b" ] \n"
    yield json.dumps(rows, ensure_ascii=True).encode()


@pytest.mark.parametrize("spelling", range(4))
async def test_a_big_list_comes_out_as_it_went_in(spelling: int) -> None:
    text = list(spellings(ROWS))[spelling]
    assert len(text) > 2 * PIECE
    assert await read(text) == ([], ROWS)


@pytest.mark.parametrize("spelling", range(4))
async def test_pieces_are_small_and_none_is_lost(spelling: int) -> None:
    text = list(spellings(ROWS))[spelling]
    start = text.index(b"[") + 1
    pieces, end = await cut(MemoryBody(text), start)
    assert max(piece.size for piece in pieces) <= PIECE
    assert min(piece.size for piece in pieces[:-1]) >= PIECE // 2
    assert pieces[0].offset == start
    assert all(before.offset + before.size == after.offset for before, after in pairwise(pieces))
    assert pieces[-1].offset + pieces[-1].size == end == text.rindex(b"]")
    assert sum(piece.rows for piece in pieces) == BIG


@pytest.mark.parametrize("pad", ["", FAR], ids=["few", "many"])
@pytest.mark.parametrize(
    "rows_at, document, envelope, rows",
    [
        ("cards", {"cards": [{"a": 1}], "cursor": {"total": 1}}, {"cards": [], "cursor": {"total": 1}}, [{"a": 1}]),
        ("data.items", {"x": {"items": [{"b": 2}]}, "data": {"items": [{"a": 1}], "n": 1}}, None, [{"a": 1}]),
        ("data.items", {"data": None}, {"data": None}, []),
        ("data.items", {"data": {"items": None}}, {"data": {"items": None}}, []),
        ("cards", {"cards": []}, {"cards": []}, []),
        ("cards", {"other": ["cards", {"cards": [{"z": 1}]}], "cards": [{"a": 1}]}, None, [{"a": 1}]),
    ],
)
async def test_the_list_is_found_by_its_path(rows_at: str, document: Any, envelope: Any, rows: Any, pad: str) -> None:
    told, found = await read(orjson.dumps({"pad": pad, **document}), rows_at)
    assert found == rows
    if envelope is not None:
        assert told == {"pad": pad, **envelope}
    behind, found = await read(orjson.dumps({**document, "pad": pad}), rows_at)
    assert found == rows
    assert behind["pad"] == pad


async def test_null_and_204_are_no_rows() -> None:
    assert await read("null") == (None, [])
    assert await read("", status=204) == (None, [])
    assert await read("", rows_at=None) == (None, [])
    assert await read('{"id": 7}', rows_at=None) == ({"id": 7}, [])
    assert await read(" [ ] ") == ([], [])


@pytest.mark.parametrize("pad", ["", FAR], ids=["few", "many"])
@pytest.mark.parametrize(
    "rows_at, text",
    [
        ("", '{"error": true, "pad": "%s"}'),
        ("cards", '[{"a": "%s"}]'),
        ("cards", '{"pad": "%s"}'),
        ("cards", '{"cards": {"a": 1}, "pad": "%s"}'),
        ("cards", '{"cards": "%s"}'),
        ("data.items", '{"data": [{"a": 1}], "pad": "%s"}'),
        ("", '[1, 2, "%s"]'),
        ("", '[[{"a": "%s"}]]'),
        ("", '[{"a": "%s"}, 1]'),
    ],
)
async def test_another_shape_is_bad_data(rows_at: str, text: str, pad: str) -> None:
    with pytest.raises(BadData):
        await read(text % pad, rows_at)


@pytest.mark.parametrize("text", ["<html><body>Sorry</body></html>", "Too many requests", "  ", "PK-binary"])
async def test_what_is_no_json_is_tried_again(text: str) -> None:
    with pytest.raises(Transient) as caught:
        await read(text)
    assert caught.value.body == text.strip()[:256]


async def test_the_body_in_an_error_is_short() -> None:
    with pytest.raises(Transient) as caught:
        await read("<html>" + "a" * 2_000_000)
    assert len(caught.value.body) == 256


@pytest.mark.parametrize("left", [0.1, 0.5, 0.999])
@pytest.mark.parametrize("count", [3, BIG])
@pytest.mark.parametrize("rows_at", ["", "data.items"])
async def test_json_that_is_cut_off_is_tried_again(rows_at: str, count: int, left: float) -> None:
    text = orjson.dumps(ROWS[:count] if not rows_at else {"data": {"items": ROWS[:count], "z": 1}})
    with pytest.raises(Transient):
        await read(text[: int(len(text) * left)], rows_at)


@pytest.mark.parametrize("wrong", [b"},{", b'"a":1', b",,", b"}{"])
async def test_a_list_that_is_broken_in_the_middle_is_noticed(wrong: bytes) -> None:
    text = b"[" + b",".join([b'{"a":1,"b":"%s"}' % (b"x" * 100)] * 6000) + b"]"
    border = text.index(b"},{", 400_000)
    broken = text[:border] + b"}" + wrong + text[border + 2 :]
    with pytest.raises((BadData, Transient)):
        await read(broken)


async def test_one_row_larger_than_a_piece() -> None:
    rows = [{"a": 1}, {"long": "}{" * 400_000}, {"b": ["y" * 300_000] * 3}, {"c": 3}]
    assert await read(orjson.dumps(rows)) == ([], rows)


async def test_a_trailing_comma_is_no_json() -> None:
    with pytest.raises((BadData, Transient)):
        await read(b"[" + b'{"a":"%s"},' % FAR.encode() * 2 + b"]")


async def test_a_big_body_is_spooled_and_a_small_one_is_not() -> None:
    for size, kind in ((900, MemoryBody), (5000, FileBody)):
        spool = Spool(threshold=1000, directory=None)
        for _ in range(size // 100):
            await spool.write(bytes(range(100)))
        body = await spool.finish()
        assert type(body) is kind
        assert body.size == size
        assert await body.read(size - 150, 1000) == bytes(range(50, 100)) + bytes(range(100))
        body.close()


async def test_what_a_system_does_not_have_in_memory_is_read_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = bytes(range(250)) * 20
    spool = Spool(threshold=1000, directory=None)
    await spool.write(kept)
    body = await spool.finish()
    monkeypatch.setattr("mpsyncd.transport.spool._NOWAIT", None)
    assert await body.read(0, len(kept)) == kept
    assert await body.read(4_900, 1000) == kept[4_900:]
    body.close()


def plain(text: bytes, depth: int) -> list[int]:
    """Offsets behind the rows that end in the text, the slow and obvious way."""
    ends, inside, escaped = [], False, False
    for offset, byte in enumerate(text):
        character = chr(byte)
        if inside:
            escaped, inside = (not escaped and character == "\\"), not (character == '"' and not escaped)
        elif character == '"':
            inside = True
        elif character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
            if depth == 0:
                ends.append(offset + 1)
    return ends


JSON = st.recursive(
    st.none() | st.integers(-9, 9) | st.text(st.sampled_from('ab\\"{}[],:é\n'), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.sampled_from('k"\\{]'), max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(rows=st.lists(st.dictionaries(st.text(max_size=3), JSON, max_size=4), max_size=6), block=st.integers(1, 40))
def test_blocks_of_any_size_tell_where_rows_end(rows: list[dict[str, Any]], block: int) -> None:
    text = orjson.dumps(rows)[1:]
    ends = plain(text[:-1], 0)
    state, found = State(), 0
    for start in range(0, len(text), block):
        part = text[start : start + block]
        seen = scan(part, state)
        here = [end for end in ends if start < end <= start + len(part)]
        assert seen.ended == len(here)
        if here:
            assert start + last_border(part, state) == here[-1]
        found += len(here)
        if seen.closed:
            assert start + closing(part, state) == len(text) - 1
        state = seen.after
    assert found == len(rows)
    assert state.depth == -1


@pytest.mark.parametrize("content", [b"%PDF-1.4\n{", b"{}", b"\x00\xff", b""])
async def test_a_file_is_bytes_that_nobody_reads(content: bytes) -> None:
    envelope, rows = await opened(MemoryBody(content), get(rows_at=None, rows_format="file"), status=200, limit=1 << 30)
    assert (envelope or b"", rows.count) == (content, 0)
