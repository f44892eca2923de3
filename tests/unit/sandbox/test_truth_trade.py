"""The truth of sales, feed, prices, stocks, warehouses and the funnel against what the vendor's spelling says, column by column."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from support.sandbox_caller import PAGED, SMALL, Caller
from support.sandbox_shop import (
    OFFICES,
    SELLER_STOCKS,
    WAREHOUSES,
    WB_STOCKS,
    feed_pages,
    funnel_of,
    price_pages,
    sale_pages,
)

MOSCOW = timezone(timedelta(hours=3))
WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z](?!$))")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT.*")

Row = dict[str, Any]


@pytest.fixture(scope="module")
def caller() -> Caller:
    caller = Caller(PAGED, event_rate=0.3, orders_cap=60)
    caller.wait(7_200)
    caller.bare("POST", "/_freeze")
    return caller


def columns(row: Row) -> Row:
    return {WORD.sub("_", key).lower(): value for key, value in row.items()}


def as_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=MOSCOW)).astimezone(UTC)


def same(true: Any, shown: Any) -> bool:
    """Whether a true value is what was shown: decimals are texts in the truth, moments have another zone."""
    if isinstance(true, str) and isinstance(shown, int | float) and not isinstance(shown, bool):
        return Decimal(true) == Decimal(str(shown))
    if isinstance(true, str) and isinstance(shown, str) and MOMENT.fullmatch(true):
        return as_moment(true) == as_moment(shown)
    return bool(true == shown)


def assert_equal(truth: Iterable[Row], shown: Iterable[Row], *key: str, lacking: frozenset[str] = frozenset()) -> None:
    """Every row that is told is true and the other way round; `lacking` are columns that the vendor may leave out."""
    wanted = {tuple(row[name] for name in key): row for row in truth if not row.get("_left")}
    left = {tuple(row[name] for name in key) for row in truth if row.get("_left")}
    found = {tuple(row[name] for name in key): row for row in shown}
    assert wanted
    assert found.keys() - left == wanted.keys()
    for name, row in wanted.items():
        expected = {column: value for column, value in row.items() if not column.startswith("_")}
        assert expected.keys() - found[name].keys() <= lacking
        assert found[name].keys() <= expected.keys()
        for column, value in expected.items():
            assert same(value, found[name].get(column)), (name, column, value, found[name].get(column))


def test_sales(caller: Caller) -> None:
    rows = (columns(row) for page in sale_pages(caller) for row in page)

    assert_equal(caller.truth("wb.sales"), rows, "sale_id")


def test_order_feed(caller: Caller) -> None:
    rows = (columns(row) | {"currency": "RUB"} for page in feed_pages(caller, limit=500) for row in page)

    assert_equal(caller.truth("wb.order_feed"), rows, "srid", lacking=frozenset({"cancel_type"}))


def test_prices(caller: Caller) -> None:
    products = [row for page in price_pages(caller, limit=1_000) for row in page]

    rows = [{name: value for name, value in columns(row).items() if name != "sizes"} for row in products]
    lacking = frozenset({"wholesale_discount_threshold", "is_bad_turnover"})
    assert_equal(caller.truth("wb.prices"), rows, "nm_id", lacking=lacking)
    sizes = [{"nm_id": row["nmID"], **columns(size)} for row in products for size in row["sizes"]]
    assert_equal(caller.truth("wb.price_sizes"), sizes, "nm_id", "size_id")


@pytest.mark.parametrize("table, url", [("wb.stocks", WB_STOCKS), ("wb.seller_stocks", SELLER_STOCKS)])
def test_stocks(caller: Caller, table: str, url: str) -> None:
    body: Any = caller.post(url, {}).json()

    assert_equal(caller.truth(table), map(columns, body["data"]["items"]), "chrt_id", "warehouse_id")


@pytest.mark.parametrize("table, url", [("wb.warehouses", WAREHOUSES), ("wb.offices", OFFICES)])
def test_places(caller: Caller, table: str, url: str) -> None:
    rows: Any = caller.get(url).json()

    assert_equal(caller.truth(table), map(columns, rows), "id")


def numbers(selected: Row) -> Row:
    told = {name: value for name, value in selected.items() if name not in {"period", "conversions"}}
    return columns(told | selected["conversions"])


def test_funnel_of_days() -> None:
    caller = Caller(SMALL, event_rate=0.3)
    caller.wait(7_200)
    caller.bare("POST", "/_freeze")
    days = ("2026-11-21", *(f"2026-11-{number:02}" for number in range(1, 15)), "2026-06-01")
    shown = [
        {"nm_id": row["product"]["nmId"], "day": day, "currency": "RUB", **numbers(row["statistic"]["selected"])}
        for day in days
        for row in funnel_of(caller, day, day)
    ]
    truth = [row for row in caller.truth("wb.funnel") if row["day"] in days]

    assert_equal(truth, shown, "nm_id", "day")
    assert all("wb_club" in row["_may_lack"] for row in truth)
    assert {"currency" in row["_may_lack"] for row in truth} == {True, False}


def test_totals_of_thirty_days(caller: Caller) -> None:
    shown = [
        columns(row["product"])
        | {"currency": "RUB", "first_day": "2026-10-23", "last_day": "2026-11-21"}
        | numbers(row["statistic"]["selected"])
        for row in funnel_of(caller, "2026-10-23", "2026-11-21")
    ]

    assert_equal(caller.truth("wb.product_totals"), shown, "nm_id")
