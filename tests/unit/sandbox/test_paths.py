"""Paths and verbs: what is served, what died, what never was."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsyncd.sandbox import Request
from support.sandbox_caller import BORN, CARDS, ORDERS, Caller
from support.sandbox_shop import FUNNEL, HISTORY, OFFICES, ORDER_FEED, PRICES, REPORTS, SALES, SELLER_STOCKS, WB_STOCKS

REMOVED = [
    ("GET", "statistics-api/api/v5/supplier/reportDetailByPeriod"),
    ("GET", "statistics-api/api/v1/supplier/stocks"),
    ("GET", "statistics-api/api/v1/supplier/incomes"),
    ("POST", "seller-analytics-api/api/v2/nm-report/detail"),
    ("POST", "seller-analytics-api/api/v2/nm-report/detail/history"),
    ("POST", "seller-analytics-api/api/v2/nm-report/grouped/history"),
    ("POST", "advert-api/adv/v2/fullstats"),
    ("POST", "advert-api/adv/v1/promotion/adverts"),
    ("GET", "advert-api/adv/v0/auction/adverts"),
    ("GET", "advert-api/adv/v1/budget"),
    ("GET", "seller-analytics-api/api/v1/analytics/goods-return"),
    ("GET", "seller-analytics-api/api/v1/analytics/region-sale"),
    ("GET", "supplies-api/api/v1/warehouses"),
    ("GET", "common-api/api/tariffs/v1/acceptance/coefficients"),
    ("GET", "content-api/never/was"),
]


@pytest.mark.parametrize("verb, path", REMOVED, ids=[path for _, path in REMOVED])
def test_removed_and_unknown_methods_are_path_not_found(verb: str, path: str) -> None:
    caller = Caller()
    response = caller.get(f"/wb/{path}") if verb == "GET" else caller.post(f"/wb/{path}", {})

    body: Any = response.json()
    assert (response.status, response.content_type) == (404, "application/problem+json")
    assert (body["title"], body["status"], body["statusText"]) == ("path not found", 404, "Not Found")


def test_wrong_verb_is_405() -> None:
    caller = Caller()

    for response in (caller.post(ORDERS, {}), caller.get(CARDS)):
        body: Any = response.json()
        assert (response.status, body["title"]) == (405, "method not allowed")


@pytest.mark.parametrize("path", ["/wb/no-such-api/ping", "/wb/", "/wb", "/", "/_nothing", "/ping"])
def test_other_addresses_are_404(path: str) -> None:
    assert Caller().get(path).status == 404


def test_log_keeps_what_was_asked_and_is_bounded() -> None:
    caller = Caller(log_size=3)
    cursor = {"limit": 5, "updatedAt": "2026-11-01T00:00:00Z", "nmID": 7}
    caller.post(CARDS, {"settings": {"cursor": cursor}})
    caller.get(f"{ORDERS}?dateFrom=2026-11-01&flag=0")
    caller.get("/wb/content-api/ping", token="broken")

    kept = caller.bare("GET", "/_requests")

    assert kept["total"] == 3
    cards, orders, ping = kept["requests"]
    assert (cards["seller"], cards["host"], cards["path"], cards["status"]) == ("small", "content-api", "/content/v2/get/cards/list", 200)
    assert cards["cursor"] == cursor
    assert orders["cursor"] == {"dateFrom": "2026-11-01", "flag": "0"}
    assert orders["query"] == [["dateFrom", "2026-11-01"], ["flag", "0"]]
    assert orders["gate"] == "personal/statistics.orders"
    assert (ping["seller"], ping["status"], ping["cursor"]) == (None, 401, None)
    caller.get(ORDERS)
    assert caller.bare("GET", "/_requests?offset=2")["requests"][0]["status"] == 400
    assert caller.bare("GET", "/_requests")["total"] == 3


def test_stats_count_requests_by_seller_method_and_status() -> None:
    caller = Caller()
    caller.get(f"{ORDERS}?dateFrom=2026-01-01")
    caller.get(ORDERS)

    stats = caller.stats()

    assert stats["requests"] == 2
    assert stats["sellers"]["small"]["requests"] == {"GET statistics-api/api/v1/supplier/orders": 2}
    assert stats["sellers"]["small"]["statuses"] == {"200": 1, "400": 1}


def test_freeze_and_thaw_are_switches() -> None:
    caller = Caller(event_rate=1.0)
    caller.wait(5)
    assert caller.bare("GET", "/_freeze") == {"frozen": False, "events": 5}
    assert caller.bare("POST", "/_freeze") == {"frozen": True, "events": 5}
    caller.wait(60)
    assert caller.bare("GET", "/_freeze") == {"frozen": True, "events": 5}
    assert caller.bare("POST", "/_thaw") == {"frozen": False, "events": 5}
    caller.wait(1)
    assert caller.stats()["events"] == 6


def test_limits_go_on_while_the_world_is_frozen() -> None:
    caller = Caller()
    caller.bare("POST", "/_freeze")
    for _ in range(10):
        caller.get(f"{ORDERS}?dateFrom=2026-01-01")
    assert caller.get(f"{ORDERS}?dateFrom=2026-01-01").status == 429
    caller.wait(60)

    assert caller.get(f"{ORDERS}?dateFrom=2026-01-01").status == 200


TRADE = (SALES, ORDER_FEED, WB_STOCKS, SELLER_STOCKS, FUNNEL, HISTORY, PRICES, OFFICES, REPORTS, f"{REPORTS}/retry", f"{REPORTS}/file/x")
ADDRESSES = (ORDERS, CARDS, *TRADE, "/wb/common-api/ping", "/_truth/small/wb.orders", "/_faults", "/_revoke", "/_requests", "/_", "")
FIELDS = ("selectedPeriod", "pagination", "nmIds", "orderBy", "limit", "offset", "id", "reportType", "params", "downloadId", "settings")
VERBS = ("GET", "POST", "DELETE", "HEAD")
NAMES = ("dateFrom", "flag", "offset", "limit", "locale", "filterNmID", "filter[downloadIds]")
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text()
MOMENTS = ("9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00", "0001-01-01", "9999-12-31")
DOCUMENTS = st.recursive(
    SCALARS | st.sampled_from(MOMENTS),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from((*FIELDS, "start", "end", "snapshotTime", "startDate", "endDate")), inner)
    ),
)


@settings(max_examples=200, deadline=None)
@given(
    verb=st.sampled_from(VERBS),
    path=st.sampled_from(ADDRESSES) | st.text(),
    query=st.lists(st.tuples(st.sampled_from(NAMES) | st.text(), st.sampled_from(MOMENTS) | st.text())),
    header=st.none() | st.text(),
    body=st.binary() | DOCUMENTS.map(orjson.dumps),
)
def test_nothing_that_a_client_may_send_breaks_the_core(
    verb: str, path: str, query: list[tuple[str, str]], header: str | None, body: bytes
) -> None:
    caller = Caller(limit_scale=1e6)
    headers = {"authorization": caller.token if header is None else header}

    response = caller.core.handle(Request(method=verb, path=path, query=tuple(query), headers=headers, body=body), BORN)

    assert 200 <= response.status < 500


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("flag", [0, 1])
def test_ends_of_the_calendar_are_answered(moment: str, flag: int) -> None:
    assert Caller().get(f"{ORDERS}?dateFrom={moment.replace('+', '%2B')}&flag={flag}").status in {200, 400}
    assert Caller().post(CARDS, {"settings": {"cursor": {"updatedAt": moment}}}).status in {200, 400}
    for period in ({"start": moment}, {"start": "2026-11-20T00:00:00Z", "end": moment}, {"start": moment, "end": moment}):
        assert Caller().post(ORDER_FEED, {"selectedPeriod": period}).status in {200, 400}
        assert Caller().post(FUNNEL, {"selectedPeriod": period}).status == 400
