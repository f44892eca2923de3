"""Documents as rows of text: columns, extra, keys, hashes, COPY's escapes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpsyncd.model.errors import BadData
from mpsyncd.model.stream import Table, Track
from mpsyncd.storage.documents.catalog import Column
from mpsyncd.storage.documents.hashing import digest, dump, dump_anything
from mpsyncd.storage.documents.kinds import Kind
from mpsyncd.storage.documents.rows import copy_text
from mpsyncd.storage.documents.shape import Item, Shape, salt_of

COLUMNS = (Column("nm_id", "bigint", Kind.INTEGER), Column("title", "text", Kind.TEXT), Column("chrt_ids", "jsonb", Kind.JSON))
AT = datetime(2026, 11, 1, tzinfo=UTC)


def shape(columns: tuple[Column, ...] = COLUMNS, **more: Any) -> Shape:
    return Shape(Table(**({"name": "wb.things", "key": ("nm_id",)} | more)), columns, owned=frozenset({"sizes"}))


def row(told: dict[str, Any]) -> tuple[str | None, ...]:
    used = shape()
    picked = used.pick(told, ())
    cells = used.cells([picked])
    assert cells is not None
    assert used.cells_of(picked) == cells[0]
    return cells[0]


def test_keys_find_their_columns_and_the_rest_goes_to_extra() -> None:
    told = {"title": "a", "chrtIDs": [2, 1], "sizes": [{}], "isNew": True, "shopId": 4, "nmID": 7}
    assert row(told) == ("7", "a", "[2,1]", '{"isNew":true,"shopId":4}')
    assert row({"nmID": 7}) == ("7", None, None, None)


def test_two_keys_for_one_column_lose_nothing() -> None:
    assert row({"nmID": 7, "nmId": 8, "nm_id": 9}) == ("7", None, None, '{"nmId":8,"nm_id":9}')


def test_layouts_are_bounded_and_right_after_they_were_forgotten() -> None:
    used = shape()
    for number in range(1000):
        assert used.pick({f"key{number}": 1, "nmID": number}, ())[0] == number
    assert len(used._layouts) <= 256


@pytest.mark.parametrize(
    "told, key", [({"nmID": 7}, (7,)), ({"nmID": "7"}, None), ({"nmID": True}, None), ({"nmID": 2**63}, None), ({}, None)]
)
def test_only_plain_keys_are_taken_as_told(told: dict[str, Any], key: tuple[int] | None) -> None:
    used = shape()
    assert used.key_as_told(told, used.layout(told), ()) == key


def test_a_long_key_is_cut_and_still_tells_objects_apart() -> None:
    used = Shape(Table(name="wb.things", key=("title",)), COLUMNS)
    one, other = used.key_text(("a" * 9000 + "1",)), used.key_text(("a" * 9000 + "2",))
    assert one != other
    assert max(len(one), len(other)) < 1000
    assert used.key_text(("a",)) == '{"title":"a"}'


def test_a_row_function_that_fails_is_bad_data() -> None:
    with pytest.raises(BadData, match=r"can not read it: KeyError: 'x'"):
        shape(row=lambda told: told["x"]).cure({})


def test_the_salt_changes_with_all_that_reading_depends_on() -> None:
    track = Track(field="title", event="E", value=str)
    newer = Track(field="title", event="E", value=str, version=2)
    other = (*COLUMNS[:2], Column("chrt_ids", "json", Kind.JSON))
    shapes = [shape(), shape(version=2), shape(tracks=(track,)), shape(tracks=(newer,)), shape(other), shape(COLUMNS[:2])]
    salts = [salt_of(one, ()) for one in shapes] + [salt_of(shape(), (shape(),))]
    assert len(set(salts)) == len(salts)
    assert salt_of(shape(), ()) == salt_of(shape(tuple(reversed(COLUMNS))), ()), "the order of columns is no difference"


def test_hashes_do_not_know_the_order_of_keys() -> None:
    assert digest(dump({"a": 1, "b": {"c": 1, "d": 2}})) == digest(dump({"b": {"d": 2, "c": 1}, "a": 1}))
    assert digest(dump({"a": [1, 2]})) != digest(dump({"a": [2, 1]}))
    assert digest(b"x", b"1" * 16) != digest(b"x", b"2" * 16)


def test_what_orjson_can_not_spell() -> None:
    assert dump({"b": 10**30, "a": 1}) == b'{"a":1,"b":1000000000000000000000000000000}'
    with pytest.raises(BadData):
        dump({"a": "\ud800"})
    assert dump_anything({"a": "\ud800"}) == '{"a":"\\ud800"}'


@given(
    rows=st.lists(st.tuples(*[st.none() | st.text(st.characters(exclude_characters="\x00", codec="utf-8"))] * 3), min_size=1, max_size=4)
)
def test_copy_text_is_read_back_as_it_was(rows: list[tuple[str | None, ...]]) -> None:
    items = [Item({}, (place,), b"h" * 16, cells=cells) for place, cells in enumerate(rows)]
    lines = copy_text(items, shop_id=3, asked_at=AT).decode().removesuffix("\n").split("\n")
    told = [line.split("\t") for line in lines]
    assert [tuple(_unescaped(cell) for cell in line[:3]) for line in told] == rows
    assert all(line[3:5] == ["\\\\x" + "68" * 16, "3"] for line in told)


def _unescaped(cell: str) -> str | None:
    """COPY's rules, told once more: null is compared before the escapes are undone."""
    if cell == "\x02":
        return None
    out, chars = [], iter(cell)
    for char in chars:
        if char != "\\":
            out.append(char)
            continue
        kind = next(chars)
        out.append(chr(int(next(chars) + next(chars), 16)) if kind == "x" else {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}[kind])
    return "".join(out)
