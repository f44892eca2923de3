"""The comparison with the truth finds what differs, and nothing else."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from mpsyncd.cli.demo_truth import Comparison, compare, of_living, same

TYPES = {
    "srid": "text",
    "date": "timestamp with time zone",
    "total_price": "numeric",
    "nm_id": "bigint",
    "sizes": "jsonb",
    "skus": "text[]",
}
AT = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


def _true(srid: str, **changes: Any) -> dict[str, Any]:
    return {
        "srid": srid,
        "date": "2026-11-01T12:00:00+03:00",
        "total_price": "10.50",
        "nm_id": 7,
        "sizes": [{"a": 1.0}],
        "skus": ["x"],
    } | changes


def _stored(srid: str, **changes: Any) -> dict[str, Any]:
    row = {
        "srid": srid,
        "date": AT,
        "total_price": Decimal("10.5"),
        "nm_id": 7,
        "sizes": [{"a": 1}],
        "skus": ["x"],
        "row_hash": b"",
        "extra": None,
    }
    return row | changes


def _compared(truth: list[dict[str, Any]], stored: list[dict[str, Any]]) -> Comparison:
    return compare(shop="s", table="wb.orders", key=("srid",), truth=truth, stored=stored, types=TYPES, day="date")


def test_equal_in_different_spellings() -> None:
    result = _compared([_true("a"), _true("b", deleted=False)], [_stored("b"), _stored("a")])
    assert result.equal
    assert (result.rows, result.true_rows, result.first_day, result.last_day) == (2, 2, date(2026, 11, 1), date(2026, 11, 1))


def test_missing_extra_and_differing_rows_are_told_apart() -> None:
    result = _compared([_true("a"), _true("b"), _true("c")], [_stored("b", nm_id=8), _stored("c"), _stored("d")])
    assert not result.equal
    assert (result.missing, result.extra, result.differing, result.columns) == (1, 1, 1, ("nm_id",))
    assert {(each.key, each.what) for each in result.examples} == {
        ("a", "missing"), ("d", "should not be there"), ("b", "nm_id is 8, true is 7"),
    }  # fmt: skip


@pytest.mark.parametrize("stored", [[], [_stored("a", nm_id=99)]])
def test_rows_that_the_vendor_shows_no_more_may_be_there_or_not(stored: list[dict[str, Any]]) -> None:
    assert _compared([_true("a", _left=True)], stored).equal


def test_a_column_that_the_table_lacks_is_a_difference() -> None:
    assert _compared([_true("a", brand="x")], [_stored("a")]).columns == ("brand",)


def test_a_parked_table_must_be_empty() -> None:
    assert Comparison(shop="s", table="t", rows=0, true_rows=5, missing=5, parked="no right").equal
    assert not Comparison(shop="s", table="t", rows=1, true_rows=5, parked="no right").equal


@pytest.mark.parametrize(
    "truth, stored, kind, equal",
    [
        ("1.10", Decimal("1.1"), "numeric", True),
        ("1.10", Decimal("1.11"), "numeric", False),
        ("", Decimal(0), "numeric", False),
        (None, None, "numeric", True),
        (None, 0, "bigint", False),
        (False, None, "boolean", False),
        ("2026-11-01T12:00:00+03:00", AT, "timestamp with time zone", True),
        ("2026-11-01T12:00:00+00:00", AT, "timestamp with time zone", False),
        ("2026-11-01", date(2026, 11, 1), "date", True),
        ({"a": [1, "1"]}, {"a": [1.0, "1"]}, "jsonb", True),
        ({"a": 1}, {"a": "1"}, "jsonb", False),
        ({"a": 1}, {"a": True}, "jsonb", False),
        ({"a": None}, {}, "jsonb", False),
        (["b", "a"], ["a", "b"], "text[]", False),
    ],
)
def test_sameness(truth: Any, stored: Any, kind: str, equal: bool) -> None:
    assert same(truth, stored, kind=kind) is equal


def test_parts_of_deleted_documents_are_left_out() -> None:
    parts = [{"nm_id": 7, "chrt_id": 1}, {"nm_id": 8, "chrt_id": 2}, {"nm_id": 7, "chrt_id": 3}]
    assert of_living(parts, [{"nm_id": 7, "title": "alive"}], key=("nm_id",), part_key=("nm_id", "size")) == [parts[0], parts[2]]
    assert of_living(parts, [{"id": 7}], key=("id",), part_key=("nm_id", "size")) == [parts[0], parts[2]]


def test_rows_without_a_key_are_told_apart_by_their_content_and_counted() -> None:
    types = {"content": "text", "number": "integer", "upd_time": "timestamp with time zone", "upd_sum": "numeric"}
    bill = {"upd_time": "2026-11-01T12:00:00+03:00", "upd_sum": "10.50"}
    stored = {"upd_time": AT, "upd_sum": Decimal("10.5")}

    def compared(true: int, rows: int) -> Comparison:
        truth = [{**bill, "_unnamed": ["content", "number"]} for _ in range(true)]
        there = [{**stored, "content": "h", "number": place} for place in range(rows)]
        return compare(shop="s", table="wb.bills", key=("content", "number"), truth=truth, stored=there, types=types, day=None)

    assert compared(3, 3).equal
    assert (compared(3, 2).missing, compared(2, 3).extra) == (1, 1)
