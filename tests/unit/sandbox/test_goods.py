"""Prices, stocks, the seller's warehouses and the vendor's offices."""

from collections import Counter
from typing import Any

import pytest

from mpsyncd.sandbox import Fault, FaultKind, Response, SellerSpec, TokenType
from mpsyncd.sandbox.world import goods_events
from mpsyncd.sandbox.world.dice import dice
from support.sandbox_caller import BORN, PAGED, SMALL, Caller
from support.sandbox_shop import OFFICES, PRICES, SELLER_STOCKS, WAREHOUSES, WB_STOCKS, goods, price_pages

STOCKS = (WB_STOCKS, SELLER_STOCKS)


def items(response: Response) -> list[dict[str, Any]]:
    body: Any = response.json()
    found: list[dict[str, Any]] = body["data"]["items"]
    return found


def stocks(caller: Caller, url: str, **body: Any) -> list[dict[str, Any]]:
    response = caller.post(url, body)
    caller.wait(20)
    return items(response) if response.status == 200 else []


@pytest.mark.parametrize("limit", [100, 7, 1_000])
def test_prices_are_walked_by_offset(limit: int) -> None:
    caller = Caller(PAGED)

    rows = [row for page in price_pages(caller, limit=limit) for row in page]

    assert [row["nmID"] for row in rows] == sorted(row["nm_id"] for row in caller.truth("wb.cards") if not row["deleted"])


def test_end_of_prices_is_null_for_some_sellers() -> None:
    ends = set()
    for number in range(8):
        caller = Caller(SellerSpec(name=f"seller-{number}", title="x", cards=6, trashed=0, orders=1))
        ends.add(bytes(caller.get(f"{PRICES}?limit=1000&offset=1000").body))

    assert ends == {
        b'{"data":{"listGoods":null},"error":false,"errorText":""}',
        b'{"data":{"listGoods":[]},"error":false,"errorText":""}',
    }


def test_sizes_of_prices_are_those_of_cards() -> None:
    caller = Caller(PAGED)
    sizes = {(row["nm_id"], row["chrt_id"]): row["tech_size"] for row in caller.truth("wb.card_sizes")}

    rows = [row for page in price_pages(caller, limit=1_000) for row in page]

    assert {(row["nmID"], size["sizeID"]): size["techSizeName"] for row in rows for size in row["sizes"]} == sizes
    assert all(size["clubDiscountedPrice"] <= size["discountedPrice"] <= size["price"] for row in rows for size in row["sizes"])
    assert any(len({size["price"] for size in row["sizes"]}) > 1 for row in rows), "sizes with prices of their own"
    assert {"isBadTurnover" in row for row in rows} == {"wholesaleDiscountThreshold" in row for row in rows} == {True, False}


def test_one_article_is_found() -> None:
    caller = Caller()
    wanted = caller.truth("wb.prices")[3]["nm_id"]

    assert [row["nmID"] for row in goods(caller, f"?limit=10&filterNmID={wanted}")] == [wanted]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?limit=0",
        "?limit=1001",
        "?limit=x",
        "?offset=0",
        "?limit=10&offset=-1",
        "?limit=10&limit=10",
        "?limit=10&sort=price",
        "?limit=",
    ],
)
def test_misshapen_price_requests_are_refused(query: str) -> None:
    response = Caller().get(f"{PRICES}{query}")

    assert response.status == 400
    assert response.json() == {"data": None, "error": True, "errorText": "Invalid request parameters"}


@pytest.mark.parametrize(
    "event, times, changed, come_and_gone",
    [
        (goods_events.repriced, 30, {"wb.prices", "wb.price_sizes"}, set()),
        (goods_events.restocked, 80, {"wb.stocks", "wb.seller_stocks"}, {"wb.stocks", "wb.seller_stocks"}),
        (goods_events.warehouse_changed, 16, {"wb.warehouses", "wb.offices"}, {"wb.warehouses", "wb.seller_stocks"}),
    ],
)
def test_events_change_what_they_should(event: Any, times: int, changed: set[str], come_and_gone: set[str]) -> None:
    caller = Caller(PAGED)
    keys = {
        "wb.prices": ("nm_id",),
        "wb.price_sizes": ("size_id",),
        "wb.stocks": ("chrt_id", "warehouse_id"),
        "wb.seller_stocks": ("chrt_id", "warehouse_id"),
        "wb.warehouses": ("id",),
        "wb.offices": ("id",),
    }

    def told() -> dict[str, dict[tuple[Any, ...], Any]]:
        return {table: {tuple(row[name] for name in key): row for row in caller.truth(table)} for table, key in keys.items()}

    before, rolls = told(), dice("a few times")
    for _ in range(times):
        event(caller.core.world.sellers["paged"], rolls, BORN)
    after = told()

    for table, rows in before.items():
        both = rows.keys() & after[table].keys()
        if table in changed:
            assert any(rows[key] != after[table][key] for key in both), table
        if table in come_and_gone:
            assert rows.keys() - after[table].keys(), f"{table}: rows that went"
            assert after[table].keys() - rows.keys(), f"{table}: rows that came"
        if table not in changed | come_and_gone:
            assert rows == after[table], table


@pytest.mark.parametrize("url", STOCKS)
def test_stocks_are_paged_and_filtered(url: str) -> None:
    caller = Caller(PAGED)
    whole = stocks(caller, url)
    half = len(whole) // 2

    assert stocks(caller, url, limit=half) + stocks(caller, url, limit=half, offset=half) == whole[: 2 * half]
    articles = [whole[0]["nmId"], whole[-1]["nmId"]]
    assert stocks(caller, url, nmIds=articles) == [row for row in whole if row["nmId"] in articles]
    size = whole[0]["chrtId"]
    assert {row["chrtId"] for row in stocks(caller, url, nmIds=articles, chrtIds=[size])} == {size}
    assert stocks(caller, url, chrtIds=[size]) == whole, "sizes count only together with their articles"
    assert max(Counter((row["chrtId"], row["warehouseId"]) for row in whole).values()) == 1
    assert {row["chrtId"] for row in whole} <= {row["chrt_id"] for row in caller.truth("wb.card_sizes")}


def test_vendor_hides_its_warehouses_or_tells_them_apart() -> None:
    hidden, named = Caller(PAGED), Caller(SellerSpec(name="named", title="x", cards=60, trashed=0, orders=1, named_warehouses=True))

    assert {(row["warehouseId"], row["warehouseName"]) for row in stocks(hidden, WB_STOCKS)} == {(-999_999, "Склад WB")}
    assert len({row["warehouseId"] for row in stocks(named, WB_STOCKS)}) > 1
    assert all("inWayToClient" not in row for row in stocks(named, SELLER_STOCKS))


@pytest.mark.parametrize("url", STOCKS)
def test_nothing_to_tell_is_204(url: str) -> None:
    caller = Caller()

    response = caller.post(url, {"nmIds": [1]})

    assert (response.status, bytes(response.body)) == (204, b"")


def test_stocks_may_be_gone_suddenly_by_fault() -> None:
    caller = Caller(PAGED, faults=(Fault(kind=FaultKind.NO_CONTENT, count=1),))

    assert caller.get(f"{PRICES}?limit=10").status == 200, "a method that never answers so"
    assert caller.post(WB_STOCKS, {}).status == 204
    caller.wait(20)
    assert caller.post(WB_STOCKS, {}).status == 200


@pytest.mark.parametrize("url", STOCKS)
@pytest.mark.parametrize("body", [b"[]", {"limit": 250_001}, {"offset": -1}, {"nmIds": [1] * 1_001}, {"nmIds": "1"}, {"brand": "x"}])
def test_misshapen_stock_requests_are_refused(url: str, body: Any) -> None:
    response = Caller().post(url, body)

    assert response.status == 400
    assert set(response.json() or ()) == {"title", "detail", "requestId", "origin"}  # type: ignore[call-overload]


@pytest.mark.parametrize("url", STOCKS)
def test_base_tokens_may_not_read_stocks(url: str) -> None:
    caller = Caller()
    refused = caller.post(url, {}, token=caller.make(type=TokenType.BASE))

    body: Any = refused.json()
    assert (refused.status, body["detail"]) == (403, "token does not satisfy additional requirements")


def test_warehouses_are_bound_to_offices_that_there_are() -> None:
    caller = Caller()
    warehouses: Any = caller.get(WAREHOUSES).json()
    offices: Any = caller.get(OFFICES).json()

    chosen = {one["officeId"] for one in warehouses}
    assert chosen == {one["id"] for one in offices if one["selected"]}
    assert {one["federalDistrict"] is None for one in offices} == {True, False}


def test_wrong_requests_to_marketplace_count_for_ten() -> None:
    caller = Caller()
    assert caller.get(WAREHOUSES).headers["X-Ratelimit-Remaining"] == "19"
    refused = caller.get(f"{OFFICES}?limit=1")
    body: Any = refused.json()
    assert (refused.status, body["code"], refused.headers["X-Ratelimit-Remaining"]) == (400, "IncorrectParameter", "9")

    caller.get(f"{OFFICES}?limit=1")

    late = caller.get(WAREHOUSES)
    assert (late.status, late.headers["X-Ratelimit-Retry"]) == (429, "1")
    caller.wait(0.2)
    assert caller.get(WAREHOUSES).status == 429, "one more refusal than the burst holds is owed"
    caller.wait(0.2)
    assert caller.get(WAREHOUSES).status == 200


def test_broken_answers_of_marketplace_count_for_ten_when_they_are_4xx() -> None:
    caller = Caller(SMALL, faults=(Fault(kind=FaultKind.SERVER_ERROR, status=404, count=1), Fault(kind=FaultKind.SERVER_ERROR, count=1)))

    left = [caller.get(WAREHOUSES).headers["X-Ratelimit-Remaining"] for _ in range(3)]

    assert left == ["10", "9", "8"]
