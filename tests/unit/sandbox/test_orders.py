"""Orders of the statistics host: parameters, paging over ties, one day, retention."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from mpsyncd.sandbox import SellerSpec
from support.sandbox_caller import BORN, EARLIEST, ORDERS, PAGED, SMALL, Caller


def moments(page: list[dict[str, Any]]) -> list[str]:
    return [row["lastChangeDate"] for row in page]


@pytest.mark.parametrize("cap", [20, 50, 100])
def test_walk_gives_every_row_at_least_once_and_repeats_the_border(cap: int) -> None:
    caller = Caller(PAGED, orders_cap=cap)

    pages = list(caller.order_pages())

    seen = Counter(row["srid"] for page in pages for row in page)
    assert seen.keys() == {row["srid"] for row in caller.truth("wb.orders")}
    assert len(pages) > PAGED.orders // cap
    assert max(seen.values()) > 1
    for page, following in pairwise(pages):
        assert moments(page) == sorted(moments(page))
        assert following[0]["lastChangeDate"] == page[-1]["lastChangeDate"]


@pytest.mark.parametrize("cap", [20, 50, 100])
def test_every_full_page_ends_inside_a_tie(cap: int) -> None:
    caller = Caller(PAGED, orders_cap=cap)
    stamps = Counter(row["last_change_date"] for row in caller.truth("wb.orders"))

    pages = [page for page in caller.order_pages() if len(page) == cap]

    assert len(pages) >= 2
    by_vendor = Counter(row["lastChangeDate"] for page in caller.order_pages() for row in {row["srid"]: row for row in page}.values())
    assert all(by_vendor[page[-1]["lastChangeDate"]] > 1 for page in pages)
    assert max(stamps.values()) > 1


def test_a_client_that_skips_the_border_stamp_loses_rows() -> None:
    """The tie is a real trap: reading on from one second later misses orders."""
    caller = Caller(PAGED, orders_cap=50)
    kept: set[str] = set()
    since = EARLIEST
    while page := caller.get(f"{ORDERS}?dateFrom={since}").json():
        assert isinstance(page, list)
        kept |= {row["srid"] for row in page}
        since = f"{page[-1]['lastChangeDate'][:19]}.999999"
        caller.wait(60)

    assert len(kept) < PAGED.orders


def test_walk_ends_with_an_empty_page_where_the_border_is_not_repeated() -> None:
    caller = Caller(PAGED, orders_cap=50, orders_boundary="after")

    rows = [row["srid"] for page in caller.order_pages() for row in page]

    assert sorted(rows) == sorted(row["srid"] for row in caller.truth("wb.orders"))


def test_tie_longer_than_a_page_is_given_whole() -> None:
    caller = Caller(SMALL, orders_cap=1)

    seen = {row["srid"] for page in caller.order_pages() for row in page}

    assert len(seen) == SMALL.orders


def test_flag_1_gives_the_moscow_day_whole() -> None:
    caller = Caller(PAGED, orders_cap=1)
    by_day: dict[str, set[str]] = {}
    for page in caller.order_pages():
        for row in page:
            by_day.setdefault(row["date"][:10], set()).add(row["srid"])
    day, expected = max(by_day.items(), key=lambda item: len(item[1]))

    for text in (day, f"{day}T23:59:59", f"{day}T00:00:00.12345"):
        caller.wait(60)
        rows: Any = caller.get(f"{ORDERS}?dateFrom={text}&flag=1").json()
        assert {row["srid"] for row in rows} == expected


def test_orders_leave_after_90_days() -> None:
    caller = Caller(SMALL)
    before: Any = caller.get(f"{ORDERS}?dateFrom={EARLIEST}").json()
    caller.wait(timedelta(days=45).total_seconds())

    left: Any = caller.get(f"{ORDERS}?dateFrom={EARLIEST}").json()

    gone = {row["srid"] for row in before} - {row["srid"] for row in left}
    assert gone
    assert left
    assert gone == {row["srid"] for row in caller.truth("wb.orders") if row.get("_left")}


def test_retention_stands_still_in_a_frozen_world() -> None:
    caller = Caller(SMALL)
    caller.bare("POST", "/_freeze")
    caller.wait(timedelta(days=45).total_seconds())

    rows: Any = caller.get(f"{ORDERS}?dateFrom={EARLIEST}").json()

    assert len(rows) == SMALL.orders


@pytest.mark.parametrize(
    "query, errors",
    [
        ("", ["dateFrom: field required"]),
        ("?flag=0", ["dateFrom: field required"]),
        ("?dateFrom=", "dateFrom: Value not validated"),
        ("?dateFrom=yesterday", "dateFrom: Value not validated"),
        ("?dateFrom=01.02.2026", "dateFrom: Value not validated"),
        ("?dateFrom=2026-02-30", "dateFrom: Value not validated"),
        ("?dateFrom=20260201", "dateFrom: Value not validated"),
        ("?dateFrom=2026-02-01T10:00", "dateFrom: Value not validated"),
        ("?dateFrom=2026-02-01&flag=2", "flag: Value not validated"),
        ("?dateFrom=2026-02-01&flag=true", "flag: Value not validated"),
        ("?dateFrom=2026-02-01&dateTo=2026-03-01", ["dateTo: unknown parameter"]),
        ("?dateFrom=2026-02-01&dateFrom=2026-03-01", ["parameters: given more than once"]),
    ],
)
def test_bad_parameters_are_400_in_the_two_shapes_of_statistics(query: str, errors: object) -> None:
    response = Caller().get(f"{ORDERS}{query}")

    assert (response.status, response.content_type) == (400, "application/json")
    assert response.json() == {"errors": errors}


@pytest.mark.parametrize(
    "text", ["2026-11-20", "2026-11-20T12:00:00", "2026-11-20T12:00:00.12345", "2026-11-20T09:00:00Z", "2026-11-20T12:00:00%2B03:00"]
)
def test_every_documented_spelling_of_a_date_is_taken(text: str) -> None:
    assert Caller().get(f"{ORDERS}?dateFrom={text}").status == 200


def test_future_is_an_empty_list() -> None:
    assert Caller().get(f"{ORDERS}?dateFrom=2027-01-01").json() == []


def test_rows_are_spelled_in_moscow_time_without_a_zone() -> None:
    caller = Caller(PAGED, orders_cap=1_000)
    rows: Any = caller.get(f"{ORDERS}?dateFrom={EARLIEST}").json()

    assert any("." in row["lastChangeDate"] for row in rows)
    assert not any(row[key].endswith(("Z", "+03:00")) for row in rows for key in ("date", "lastChangeDate", "cancelDate"))
    assert {row["isCancel"] for row in rows} == {True, False}
    assert all((row["cancelDate"] == "0001-01-01T00:00:00") == (not row["isCancel"]) for row in rows)
    assert max(row["lastChangeDate"] for row in rows) <= "2026-11-21T12:00:00", "the world was born at noon in Moscow"


def test_large_seller_is_read_whole_and_equals_its_truth() -> None:
    spec = SellerSpec(name="large", title="ООО Большой", cards=5, trashed=0, orders=1_030, large=True)
    caller = Caller(spec, orders_cap=250)

    pages = list(caller.order_pages())

    seen = {row["srid"]: row for page in pages for row in page}
    truth = {row["srid"]: row for row in caller.truth("wb.orders")}
    assert seen.keys() == truth.keys()
    assert all(seen[srid]["nmId"] == truth[srid]["nm_id"] for srid in truth)
    assert [len(page) for page in pages[:4]] == [250] * 4
    assert caller.get(f"{ORDERS}?dateFrom={EARLIEST}").gzipped


@pytest.mark.parametrize("boundary", ["at", "after"])
def test_large_seller_is_found_from_any_moment(boundary: str) -> None:
    spec = SellerSpec(name="large", title="ООО Большой", cards=5, trashed=0, orders=90, large=True, history=timedelta(hours=3))
    caller = Caller(spec, orders_cap=7, orders_boundary=boundary)
    book = caller.core.world.sellers["large"].orders

    for minutes in range(-5, 200, 3):
        moment = BORN - timedelta(hours=3) + timedelta(minutes=minutes)
        expected = [order.srid for order in book.every() if (order.changed_at >= moment if boundary == "at" else order.changed_at > moment)]
        assert [order.srid for order in book.since(moment, inclusive=boundary == "at")] == expected
