"""Sales, order feed, prices, stocks, warehouses and funnel of the sandbox against the vendor's own OpenAPI files.

The files are not part of the repository; where they are missing, these tests are skipped.
"""

from typing import Any
from uuid import UUID

import orjson
import pytest

from mpsyncd.sandbox import EVERY_CATEGORY, Category, Response, SellerSpec, TokenType
from support.sandbox_caller import PAGED, Caller
from support.sandbox_shop import (
    FUNNEL,
    HISTORY,
    MONTH,
    OFFICES,
    ORDER_FEED,
    PRICES,
    REPORTS,
    SALES,
    SELLER_STOCKS,
    WAREHOUSES,
    WB_STOCKS,
    sale_pages,
)
from support.wb_spec import answer_schema, check, needs_specs, operation, properties, takes, unknown_keys

pytestmark = needs_specs

JAM = SellerSpec(name="paged", title="ООО Страницы", cards=120, trashed=30, orders=260, jam=True)
PERIOD = {"start": "2026-11-20", "end": "2026-11-20"}
REPORT = str(UUID(int=1, version=4))
ORDER = {"id": REPORT, "reportType": "DETAIL_HISTORY_REPORT", "params": {"startDate": "2026-11-01", "endDate": "2026-11-20"}}
ASKED: dict[str, tuple[str, Any]] = {
    "GET /api/v1/supplier/sales": (f"{SALES}?dateFrom=2026-01-01", None),
    "POST /api/analytics/v1/order-feed": (ORDER_FEED, {"selectedPeriod": MONTH, "pagination": {"limit": 1_000}}),
    "GET /api/v2/list/goods/filter": (f"{PRICES}?limit=1000", None),
    "POST /api/analytics/v1/stocks-report/wb-warehouses": (WB_STOCKS, {}),
    "GET /api/v3/warehouses": (WAREHOUSES, None),
    "GET /api/v3/offices": (OFFICES, None),
    "POST /api/analytics/v3/sales-funnel/products": (FUNNEL, {"selectedPeriod": PERIOD, "pastPeriod": PERIOD, "limit": 1_000}),
    "POST /api/analytics/v3/sales-funnel/products/history": (HISTORY, {"selectedPeriod": PERIOD, "nmIds": [1]}),
    "POST /api/v2/nm-report/downloads": (REPORTS, ORDER),
    "GET /api/v2/nm-report/downloads": (REPORTS, None),
    "POST /api/v2/nm-report/downloads/retry": (f"{REPORTS}/retry", {"downloadId": REPORT}),
}
"""A right question for each method."""
METHODS = sorted(ASKED)


@pytest.fixture
def caller() -> Caller:
    moved = Caller(JAM, event_rate=0.5, orders_cap=100)
    moved.wait(3_600)
    return moved


def ask(caller: Caller, method: str, *, token: str | None = None, body: Any = None) -> Response:
    url, right = ASKED[method]
    if method.startswith("GET"):
        return caller.get(url, token=token)
    return caller.post(url, right if body is None else body, token=token)


def row_keys(method: str) -> set[str]:
    """Names of the fields of a row that the file publishes."""
    schema: dict[str, Any] = answer_schema(method)
    while "items" not in schema:
        schema = next(one for one in properties(schema).values() if "items" in one or properties(one))
    return set(properties(schema["items"]))


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"POST /api/v2/nm-report/downloads/retry"}))
def test_answers_have_the_published_shape(caller: Caller, method: str) -> None:
    response = ask(caller, method)

    assert response.status == 200
    check(response, method)
    assert not set(unknown_keys(response.json(), answer_schema(method)))


@pytest.mark.parametrize(
    "method, optional",
    [
        ("GET /api/v1/supplier/sales", set()),
        ("POST /api/analytics/v1/order-feed", {"cancelType"}),
        ("GET /api/v2/list/goods/filter", {"wholesaleDiscountThreshold", "isBadTurnover"}),
        ("POST /api/analytics/v1/stocks-report/wb-warehouses", set()),
        ("GET /api/v3/warehouses", set()),
        ("GET /api/v3/offices", set()),
    ],
)
def test_every_published_field_of_a_row_is_there(caller: Caller, method: str, optional: set[str]) -> None:
    body: Any = ask(caller, method).json()
    while isinstance(body, dict):
        body = body.get("data") or next(value for value in body.values() if isinstance(value, list))

    for row in body:
        assert set(row) | optional == row_keys(method)
    assert {key for row in body for key in row} == row_keys(method)


def test_pages_of_sales(caller: Caller) -> None:
    for page in sale_pages(caller):
        assert page
    check(caller.get(f"{SALES}?dateFrom=2027-01-01"), "GET /api/v1/supplier/sales")


def test_history_of_real_cards(caller: Caller) -> None:
    method = "POST /api/analytics/v3/sales-funnel/products/history"
    articles = [row["nm_id"] for row in caller.truth("wb.cards")][:20]

    response = ask(caller, method, body={"selectedPeriod": PERIOD, "nmIds": articles})

    check(response, method)
    assert len(response.json() or ()) == 20  # type: ignore[arg-type]
    assert not set(unknown_keys(response.json(), answer_schema(method)))


def test_report_from_order_to_file(caller: Caller) -> None:
    file = operation("GET /api/v2/nm-report/downloads/file/{downloadId}")
    ask(caller, "POST /api/v2/nm-report/downloads")
    caller.wait(60)
    listed = ask(caller, "GET /api/v2/nm-report/downloads")
    body: Any = listed.json()

    check(listed, "GET /api/v2/nm-report/downloads")
    assert body["data"][0]["status"] == "SUCCESS"
    response = caller.get(f"{REPORTS}/file/{REPORT}")
    assert response.content_type in file["responses"][str(response.status)]["content"]
    assert len(response.body) == body["data"][0]["size"]
    check(caller.get(f"{REPORTS}/file/{UUID(int=2, version=4)}"), "GET /api/v2/nm-report/downloads/file/{downloadId}")


@pytest.mark.parametrize("method", METHODS)
def test_refusals_of_tokens_and_limits(caller: Caller, method: str) -> None:
    refused = [ask(caller, method, token=token) for token in ("broken", caller.make(type=TokenType.TEST), caller.make(expires=caller.now))]
    assert {response.status for response in refused} == {401}
    closed = ask(
        caller, method, token=caller.make(categories=EVERY_CATEGORY - {Category.STATISTICS, Category.PRICES, Category.MARKETPLACE})
    )
    for response in (*refused, *([closed] if closed.status == 401 else [])):
        check(response, method)
    for _ in range(40):
        response = ask(caller, method)
        if response.status == 429:
            break
    assert response.status == 429
    if method != "POST /api/v2/nm-report/downloads":  # the file gives its own media type for both refusals of this method
        check(response, method)


def test_day_of_reports_is_refused_as_published(caller: Caller) -> None:
    method = "POST /api/v2/nm-report/downloads"
    for number in range(2, 22):
        assert caller.post(REPORTS, {**ORDER, "id": str(UUID(int=number, version=4))}).status == 200
        caller.wait(20)

    response = ask(caller, method)

    _, of_a_day = operation(method)["responses"]["429"]["content"][response.content_type]["schema"]["oneOf"]
    assert response.status == 429
    assert set(response.json() or ()) == set(of_a_day["required"])  # type: ignore[call-overload]


def test_shop_without_the_subscription_is_refused_as_published() -> None:
    method = "POST /api/v2/nm-report/downloads"
    response = ask(Caller(PAGED), method)

    assert response.status == 403
    check(response, method)


FEED_BODIES: tuple[Any, ...] = (
    {"selectedPeriod": MONTH},
    {"selectedPeriod": {**MONTH, "end": "2026-11-20T10:00:00Z"}},
    {"selectedPeriod": MONTH, "nmIds": [], "subjectIds": [], "brandNames": [], "tagIds": []},
    {"selectedPeriod": MONTH, "nmIds": [1], "subjectIds": [2], "brandNames": ["x"], "tagIds": [3]},
    {"selectedPeriod": MONTH, "pagination": {}},
    {"selectedPeriod": MONTH, "pagination": {"offset": 10, "limit": 10_000}},
    {"selectedPeriod": MONTH, "pagination": {"limit": 10_001}},
    {"selectedPeriod": MONTH, "pagination": {"offset": "1"}},
    {"selectedPeriod": {}},
    {},
    {"selectedPeriod": MONTH, "nmIds": ["1"]},
    {"selectedPeriod": MONTH, "nmIds": [1] * 1_001},
    {"selectedPeriod": MONTH, "tagIds": [1] * 51},
    {"selectedPeriod": MONTH, "brandNames": [1]},
)
FUNNEL_BODIES: tuple[Any, ...] = (
    {"selectedPeriod": PERIOD},
    {"selectedPeriod": PERIOD, "pastPeriod": PERIOD},
    {"selectedPeriod": PERIOD, "nmIds": [], "brandNames": [], "subjectIds": [], "tagIds": [], "skipDeletedNm": True},
    {"selectedPeriod": PERIOD, "orderBy": {"field": "wbClub.avgPrice", "mode": "asc"}, "limit": 1_000, "offset": 3},
    {"selectedPeriod": PERIOD, "orderBy": {"field": "avgPosition", "mode": "asc"}},
    {"selectedPeriod": PERIOD, "orderBy": {"mode": "asc"}},
    {"selectedPeriod": {"start": "2026-11-20"}},
    {"selectedPeriod": PERIOD, "limit": 1_001},
    {"selectedPeriod": PERIOD, "nmIds": [1] * 1_001},
    {"selectedPeriod": PERIOD, "skipDeletedNm": 1},
    {},
)
HISTORY_BODIES: tuple[Any, ...] = (
    {"selectedPeriod": PERIOD, "nmIds": [1]},
    {"selectedPeriod": PERIOD, "nmIds": [1], "skipDeletedNm": False, "aggregationLevel": "day"},
    {"selectedPeriod": PERIOD, "nmIds": [1], "aggregationLevel": "month"},
    {"selectedPeriod": PERIOD, "nmIds": []},
    {"selectedPeriod": PERIOD, "nmIds": [1] * 21},
    {"selectedPeriod": PERIOD},
    {"nmIds": [1]},
)
STOCK_BODIES: tuple[Any, ...] = (
    {},
    {"nmIds": [], "limit": 250_000, "offset": 0},
    {"limit": 250_001},
    {"nmIds": [1] * 1_001},
    {"nmIds": "1"},
    {"offset": "0"},
)
BODIES = [
    (method, body)
    for method, bodies in {
        "POST /api/analytics/v1/order-feed": FEED_BODIES,
        "POST /api/analytics/v3/sales-funnel/products": FUNNEL_BODIES,
        "POST /api/analytics/v3/sales-funnel/products/history": HISTORY_BODIES,
        "POST /api/analytics/v1/stocks-report/wb-warehouses": STOCK_BODIES,
    }.items()
    for body in bodies
]


@pytest.mark.parametrize(
    "method, body", BODIES, ids=lambda value: str(value) if isinstance(value, str) else orjson.dumps(value).decode()[:80]
)
def test_bodies_are_taken_and_refused_as_the_schema_says(caller: Caller, method: str, body: Any) -> None:
    response = ask(caller, method, body=body)

    assert response.status == (200 if takes(method, body) else 400)
    check(response, method)


@pytest.mark.parametrize("query", ["", "?limit=1001", "?limit=10&offset=-1"])
def test_bad_requests_for_prices(caller: Caller, query: str) -> None:
    response = caller.get(f"{PRICES}{query}")

    assert response.status == 400
    check(response, "GET /api/v2/list/goods/filter")


@pytest.mark.parametrize("query", ["", "?dateFrom=yesterday", "?dateFrom=2026-01-01&flag=7"])
def test_bad_requests_for_sales(caller: Caller, query: str) -> None:
    response = caller.get(f"{SALES}{query}")

    assert response.status == 400
    check(response, "GET /api/v1/supplier/sales")


def test_seller_stocks_are_spelled_as_those_at_the_vendor(caller: Caller) -> None:
    """The method is younger than the stored files; evidence of autumn 2026 has the same rows without what is on its way."""
    body: Any = caller.post(SELLER_STOCKS, {}).json()
    on_its_way = {"inWayToClient", "inWayFromClient"}

    assert {key for row in body["data"]["items"] for key in row} == row_keys(
        "POST /api/analytics/v1/stocks-report/wb-warehouses"
    ) - on_its_way
