"""The judge of the end-to-end tests is judged first."""

from typing import Any

import pytest

from support.truth import differences

KINDS = {"srid": "text", "date": "timestamp with time zone", "total_price": "numeric", "is_cancel": "boolean", "tags": "jsonb"}


def true(srid: str = "a", **changes: Any) -> dict[str, Any]:
    row = {"srid": srid, "date": "2026-11-20T10:00:00+00:00", "total_price": "10.50", "is_cancel": False, "tags": [{"id": 1}]}
    return row | changes


def stored(srid: str = "a", **changes: Any) -> dict[str, Any]:
    row = true(srid, total_price=10.5, date="2026-11-20T13:00:00+03:00")
    return row | {"shop_id": 1, "extra": None, "row_hash": "x", "first_seen_at": "", "synced_at": "", "deleted_at": None} | changes


def judged(truth: list[dict[str, Any]], rows: list[dict[str, Any]], **changes: Any) -> list[str]:
    return differences(("srid",), truth=truth, stored=rows, kinds=KINDS, **changes)


def test_equal_tables_have_no_difference() -> None:
    assert judged([true("a"), true("b")], [stored("b"), stored("a")]) == []


def test_a_missing_row_is_found() -> None:
    assert judged([true("a"), true("b")], [stored("a")]) == ["b: is missing"]


def test_a_deleted_row_counts_as_missing() -> None:
    assert judged([true("a")], [stored("a", deleted_at="2026-11-20T10:00:00+00:00")]) == ["a: is deleted"]


def test_a_row_too_many_is_found() -> None:
    assert judged([true("a")], [stored("a"), stored("b")]) == ["b: should not be there"]
    assert judged([true("a")], [stored("a"), stored("b", deleted_at="2026-11-20T10:00:00+00:00")]) == []


def test_a_row_twice_is_found() -> None:
    assert judged([true("a")], [stored("a"), stored("a")]) == ["1 rows twice"]


@pytest.mark.parametrize(
    "column,value",
    [
        ("date", "2026-11-20T10:00:00.001+00:00"),
        ("date", None),
        ("total_price", 10.51),
        ("is_cancel", True),
        ("is_cancel", 0),
        ("tags", [{"id": 2}]),
        ("tags", [{"id": "1"}]),
        ("tags", [{"id": True}]),
        ("tags", []),
    ],
)
def test_a_changed_column_is_found(column: str, value: Any) -> None:
    [difference] = judged([true()], [stored(**{column: value})])
    assert difference.startswith(f"a: {column} is ")


def test_a_column_of_one_side_only_is_found() -> None:
    assert judged([true(fresh=1)], [stored()]) == ["a: column fresh is on one side only"]
    assert judged([true()], [stored(own=1)]) == ["a: column own is on one side only"]


def test_what_has_no_column_is_expected_or_not() -> None:
    assert judged([true()], [stored(extra={"new": 1})]) == ["a: extra is {'new': 1}"]
    assert judged([true()], [stored(extra={"new": 1})], extra_expected=True) == []


def test_a_row_that_the_vendor_shows_no_more_may_be_gone_but_a_binned_one_must_not_live() -> None:
    left = true("a", _left=True)
    assert judged([left], []) == judged([left], [stored("a", is_cancel=True)]) == []
    binned = true("a", _left=True, deleted=True)
    assert judged([binned], [stored("a", deleted_at="2026-11-20T10:00:00+00:00")]) == []
    assert judged([binned], [stored("a")]) == ["a: is alive and should be deleted"]


def test_rows_without_a_key_are_counted() -> None:
    key = ("content", "number")
    kinds = {"content": "text", "number": "integer", "upd_sum": "numeric", "upd_time": "timestamp with time zone"}
    truth = [{"upd_sum": "5.00", "upd_time": "2026-11-20T10:00:00+00:00", "_unnamed": list(key)} for _ in range(2)]
    rows = [{"content": "x", "number": place, "upd_sum": 5, "upd_time": "2026-11-20T13:00:00+03:00"} for place in range(3)]

    assert differences(key, truth=truth, stored=rows[:2], kinds=kinds) == []
    assert "1 missing" in differences(key, truth=truth, stored=rows[:1], kinds=kinds)[0]
    assert "1 should not be there" in differences(key, truth=truth, stored=rows, kinds=kinds)[0]


def test_deleted_is_a_remark_where_it_is_no_column() -> None:
    kinds = {**KINDS, "deleted": "timestamp with time zone"}
    moment = "2026-11-20T10:00:00+00:00"

    assert judged([true(deleted=False)], [stored()]) == []
    assert differences(("srid",), truth=[true(deleted=moment)], stored=[stored(deleted=moment)], kinds=kinds) == []
    assert len(differences(("srid",), truth=[true(deleted=moment)], stored=[stored(deleted=None)], kinds=kinds)) == 1
