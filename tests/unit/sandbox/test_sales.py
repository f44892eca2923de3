"""Sales of the statistics host: what they follow from, sums that come late, ties, retention."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from mpsyncd.sandbox import SandboxOptions, SellerSpec
from mpsyncd.sandbox.world.large_sales import LargeSales
from mpsyncd.sandbox.world.sales import SaleBook
from mpsyncd.sandbox.world.world import World
from support.sandbox_caller import BORN, EARLIEST, PAGED, SMALL, Caller
from support.sandbox_shop import SALES, sale_pages

LARGE = SellerSpec(name="large", title="ООО Большой", cards=5, trashed=0, orders=1_030, large=True)


def rows_of(caller: Caller) -> dict[str, dict[str, Any]]:
    return {row["saleID"]: row for page in sale_pages(caller) for row in page}


@pytest.mark.parametrize("cap", [20, 50, 100])
def test_walk_gives_every_row_and_full_pages_end_inside_a_tie(cap: int) -> None:
    caller = Caller(PAGED, orders_cap=cap)
    truth = {row["sale_id"] for row in caller.truth("wb.sales")}

    pages = list(sale_pages(caller))

    assert {row["saleID"] for page in pages for row in page} == truth
    stamps = Counter(row["lastChangeDate"] for row in {row["saleID"]: row for page in pages for row in page}.values())
    full = [page for page in pages if len(page) == cap]
    assert full
    assert all(stamps[page[-1]["lastChangeDate"]] > 1 for page in full)


def test_a_sale_follows_from_an_order_that_stands() -> None:
    caller = Caller(PAGED)
    orders = {row["srid"]: row for row in caller.truth("wb.orders")}
    sales = caller.truth("wb.sales")

    assert {row["sale_id"][0] for row in sales} == {"S", "R"}
    assert all(len(row["sale_id"]) <= 15 for row in sales)
    for sale in sales:
        order = orders[sale["srid"]]
        assert not order["is_cancel"]
        assert sale["date"] > order["date"]
    returned = {row["srid"]: row for row in sales if row["sale_id"][0] == "R"}
    taken = {row["srid"]: row for row in sales if row["sale_id"][0] == "S"}
    assert all(back["date"] > taken[srid]["date"] for srid, back in returned.items())


def test_sums_are_unknown_at_first_and_known_within_a_day() -> None:
    caller = Caller(PAGED, event_rate=0.05)
    caller.wait(3_600)
    caller.bare("POST", "/_freeze")
    before = rows_of(caller)
    unknown = {name for name, row in before.items() if row["forPay"] == 0}
    assert unknown
    assert all(before[name]["finishedPrice"] == before[name]["priceWithDisc"] == 0 for name in unknown)

    caller.bare("POST", "/_thaw")
    caller.wait(timedelta(days=1).total_seconds())
    caller.bare("POST", "/_freeze")
    after = rows_of(caller)

    assert all(after[name]["forPay"] > 0 < after[name]["priceWithDisc"] for name in unknown)
    moved = {after[name]["lastChangeDate"] > before[name]["lastChangeDate"] for name in unknown}
    assert moved == {True, False}, "the time of change moves with some and stands still with others"
    assert all(after[name]["lastChangeDate"] >= before[name]["lastChangeDate"] for name in before)


def test_moving_world_takes_brings_back_and_settles() -> None:
    moving = World(SandboxOptions(sellers=(PAGED,), event_rate=1.0), born=BORN)
    seller = moving.sellers["paged"]
    assert isinstance(seller.sales, SaleBook)
    before = {sale.sale_id: sale for sale in seller.sales.every(at=BORN)}
    moving.advance(BORN + timedelta(hours=2))

    after = {sale.sale_id: sale for sale in seller.sales.every(at=BORN + timedelta(hours=2))}
    new = [after[name] for name in after.keys() - before.keys()]
    assert after.keys() > before.keys()
    assert {sale.returned for sale in new} == {True, False}
    assert any(sale.settled_at < sale.reported_at + timedelta(minutes=30) for sale in new), "settled early"
    assert all(sale.order.cancelled_at is None for sale in after.values())
    assert max(Counter((sale.order.srid, sale.returned) for sale in after.values()).values()) == 1


def test_sales_leave_with_their_orders() -> None:
    caller = Caller(SMALL)
    before = set(rows_of(caller))
    caller.wait(timedelta(days=45).total_seconds())

    gone = before - set(rows_of(caller))

    assert gone
    assert gone == {row["sale_id"] for row in caller.truth("wb.sales") if row.get("_left")}


def test_flag_1_gives_the_moscow_day_whole() -> None:
    caller = Caller(PAGED, orders_cap=1)
    by_day: dict[str, set[str]] = {}
    for name, row in rows_of(caller).items():
        by_day.setdefault(row["date"][:10], set()).add(name)
    day, expected = max(by_day.items(), key=lambda item: len(item[1]))

    rows: Any = caller.get(f"{SALES}?dateFrom={day}&flag=1").json()

    assert {row["saleID"] for row in rows} == expected


@pytest.mark.parametrize(
    "query, errors", [("", ["dateFrom: field required"]), ("?dateFrom=2026-02-01&dateTo=2026-03-01", ["dateTo: unknown parameter"])]
)
def test_bad_parameters_are_refused_as_of_orders(query: str, errors: object) -> None:
    response = Caller().get(f"{SALES}{query}")

    assert (response.status, response.json()) == (400, {"errors": errors})


def test_large_seller_is_read_whole_and_equals_its_truth() -> None:
    caller = Caller(LARGE, orders_cap=250)
    truth = {row["sale_id"]: row for row in caller.truth("wb.sales")}

    pages = list(sale_pages(caller))

    seen = {row["saleID"]: row for page in pages for row in page}
    assert seen.keys() == truth.keys()
    assert all(seen[name]["srid"] == truth[name]["srid"] for name in truth)
    assert len(pages[0]) == 250
    assert caller.get(f"{SALES}?dateFrom={EARLIEST}").ready().gzipped
    cancelled = {row["srid"] for row in caller.truth("wb.orders") if row["is_cancel"]}
    assert not cancelled & {row["srid"] for row in truth.values()}


@pytest.mark.parametrize("inclusive", [True, False])
def test_large_seller_is_found_from_any_moment(inclusive: bool) -> None:
    book = Caller(LARGE).core.world.sellers["large"].sales
    assert isinstance(book, LargeSales)
    every = [(sale.changed_at(BORN), sale.sale_id) for sale in book.every(at=BORN)]

    assert every == sorted(every)
    for days in range(0, 90, 7):
        moment = every[0][0] + timedelta(days=days)
        expected = [name for changed, name in every if (changed >= moment if inclusive else changed > moment)]
        assert [sale.sale_id for sale in book.since(moment, inclusive=inclusive, at=BORN)] == expected
