"""What a JSON value becomes in a column of a kind, and what no column of the kind may hold."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpsyncd.model.errors import BadData
from mpsyncd.storage.documents.kinds import RENDER, Kind, comparable, key_value, kind_of, render_column


def each(kind: Kind, *values: Any) -> list[tuple[Kind, Any]]:
    return [(kind, value) for value in values]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@pytest.mark.parametrize(
    "kind, value, told",
    [
        (Kind.TEXT, "x", "x"),
        (Kind.TEXT, "", ""),
        (Kind.TEXT, True, "true"),
        (Kind.TEXT, 7, "7"),
        (Kind.TEXT, 0.1, "0.1"),
        (Kind.TEXT, {"b": 1, "a": [None]}, '{"a":[null],"b":1}'),
        (Kind.INTEGER, 7, "7"),
        (Kind.INTEGER, 7.0, "7"),
        (Kind.INTEGER, "7", "7"),
        (Kind.INTEGER, " 7.00 ", "7"),
        (Kind.INTEGER, 2**70, str(2**70)),
        (Kind.INTEGER, Decimal(7), "7"),
        (Kind.INTEGER, "", None),
        (Kind.NUMBER, 1.5, "1.5"),
        (Kind.NUMBER, "1.50", "1.50"),
        (Kind.NUMBER, "-1e3", "-1e3"),
        (Kind.NUMBER, Decimal("0.10"), "0.10"),
        (Kind.NUMBER, " ", None),
        (Kind.BOOLEAN, True, "t"),
        (Kind.BOOLEAN, 0, "0"),
        (Kind.BOOLEAN, "yes", "yes"),
        (Kind.BOOLEAN, "", None),
        (Kind.MOMENT, "2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z"),
        (Kind.MOMENT, datetime(2026, 11, 1, tzinfo=UTC), "2026-11-01T00:00:00+00:00"),
        (Kind.DATE, "2026-11-01", "2026-11-01"),
        (Kind.DATE, date(2026, 11, 1), "2026-11-01"),
        (Kind.DATE, "", None),
        (Kind.JSON, "x", '"x"'),
        (Kind.JSON, {"b": 1, "a": "ё"}, '{"a":"ё","b":1}'),
        (Kind.ARRAY, ["a", None, 'q"\\', 7, ["in", "ner"]], '{"a",NULL,"q\\"\\\\","7",{"in","ner"}}'),
        (Kind.ARRAY, [], "{}"),
        (Kind.OTHER, 5, "5"),
        (Kind.UUID, "", None),
    ],
)
def test_what_is_well_or_oddly_spelt(kind: Kind, value: Any, told: str | None) -> None:
    assert RENDER[kind](value) == told
    assert render_column(kind, [None, value]) == [None, told]


@pytest.mark.parametrize(
    "kind, value",
    [
        *each(Kind.INTEGER, 7.5, "7.5", True, "seven", "1e3", [], {}, float("nan"), float("inf"), "٧", "1_000"),
        *each(Kind.NUMBER, "NaN", "nan", "Infinity", "-inf", "1,5", "0x1F", "1_000", True, [], float("nan"), float("inf")),
        *each(Kind.NUMBER, Decimal("NaN"), "٧", "1e99999", "."),
        *each(Kind.BOOLEAN, 2, 0.0, [], {}),
        *each(
            Kind.MOMENT, "now", "infinity", "epoch", "01.02.2026", "20261101", "2026-1-1", " 026-11-20T00:00:00", 1_763_000_000, True, []
        ),
        *each(Kind.DATE, "today", "yesterday", "02/01/2026", 20261101, " 026-11-20", "2026- 1- 5", "-123-11-20", "٢٠٢٦-11-20"),
        *each(Kind.ARRAY, "{a}", 7, {}),
        *each(Kind.OTHER, [], {}),
        *each(Kind.JSON, {"a": "\ud800"}),
    ],
)
def test_what_no_column_of_the_kind_may_hold(kind: Kind, value: Any) -> None:
    with pytest.raises(BadData):
        RENDER[kind](value)
    with pytest.raises(BadData):
        render_column(kind, [value])


@given(kind=st.sampled_from(Kind), value=JSON)
def test_a_column_at_once_is_its_values_one_by_one(kind: Kind, value: Any) -> None:
    try:
        told = None if value is None else RENDER[kind](value)
    except BadData:
        with pytest.raises(BadData):
            render_column(kind, [value])
    else:
        assert render_column(kind, [value, value]) == [told, told]


VALUES = st.none() | st.text("019.+-e \n٧") | st.integers() | st.dates().map(str)


@given(kind=st.sampled_from((Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.DATE)), values=st.lists(VALUES))
def test_a_column_of_many_values_is_its_values_one_by_one(kind: Kind, values: list[Any]) -> None:
    try:
        told = [None if value is None else RENDER[kind](value) for value in values]
    except BadData:
        with pytest.raises(BadData):
            render_column(kind, values)
    else:
        assert render_column(kind, values) == told


@pytest.mark.parametrize(
    "kind, values, key",
    [
        (Kind.INTEGER, [7, 7.0, "7", "7.0", " 7 "], 7),
        (Kind.TEXT, ["7", 7], "7"),
        (Kind.DATE, ["2026-11-01", "2026-11-01T23:59:59+03:00", date(2026, 11, 1)], date(2026, 11, 1)),
        (Kind.MOMENT, ["2026-11-01T03:00:00+03:00", "2026-11-01T00:00:00", "2026-11-01"], datetime(2026, 11, 1, tzinfo=UTC)),
        (Kind.UUID, ["6E2FA4A2-6b1c-4c1b-8e6e-3f1f3e0d5a11"], UUID("6e2fa4a2-6b1c-4c1b-8e6e-3f1f3e0d5a11")),
        (Kind.BOOLEAN, [True, 1, "true", "T"], True),
    ],
)
def test_equal_keys_are_equal_however_they_are_spelt(kind: Kind, values: list[Any], key: Any) -> None:
    assert {key_value(kind, value) for value in values} == {key}


@pytest.mark.parametrize(
    "kind, value, words",
    [
        (Kind.INTEGER, None, "is missing"),
        (Kind.INTEGER, "", "is missing"),
        (Kind.INTEGER, 2**63, "is no integer"),
        (Kind.TEXT, "a\x00", "NUL"),
        (Kind.DATE, "2026-02-30", "is no date"),
        (Kind.UUID, "x", "is no uuid"),
        (Kind.BOOLEAN, "maybe", "is no boolean"),
    ],
)
def test_a_key_that_is_none(kind: Kind, value: Any, words: str) -> None:
    with pytest.raises(BadData, match=re.escape(words)):
        key_value(kind, value)


def test_guards_have_an_order() -> None:
    assert comparable(Kind.NUMBER, "10") > comparable(Kind.NUMBER, "9.5")
    assert comparable(Kind.INTEGER, "10") > comparable(Kind.INTEGER, 9)
    assert comparable(Kind.MOMENT, "2026-11-01T00:00:00Z") == comparable(Kind.MOMENT, "2026-11-01T03:00:00+03:00")
    assert comparable(Kind.MOMENT, "2026-13-01") is None
    assert comparable(Kind.JSON, "{}") is None
    assert comparable(Kind.MOMENT, None) is None


def test_kinds_of_types() -> None:
    told = {"int4": Kind.INTEGER, "numeric": Kind.NUMBER, "varchar": Kind.TEXT, "jsonb": Kind.JSON, "interval": Kind.OTHER}
    assert {name: kind_of(name, "X") for name in told} == told
    assert kind_of("_text", "A") is Kind.ARRAY
