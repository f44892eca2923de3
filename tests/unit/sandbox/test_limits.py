"""Limits as the vendor publishes them: numbers, headers, bodies, sharing, scale, and who came too early."""

import pytest

from mpsyncd.sandbox import Response, TokenType
from support.sandbox_caller import CARDS, ORDERS, PAGED, SELLER_INFO, SMALL, TRASH, Caller
from support.sandbox_shop import FUNNEL, MONTH, OFFICES, ORDER_FEED, PRICES, SALES, WAREHOUSES

SINCE = f"{ORDERS}?dateFrom=2026-01-01"


def until_refused(caller: Caller, url: str = SINCE, *, token: str | None = None) -> tuple[int, Response]:
    for count in range(200):
        response = caller.post(url, {}, token=token) if "content-api" in url else caller.get(url, token=token)
        if response.status == 429:
            return count, response
    pytest.fail("never refused")


@pytest.mark.parametrize(
    "url, kind, burst, interval",
    [
        (SINCE, TokenType.PERSONAL, 10, 60),
        (SINCE, TokenType.SERVICE, 10, 60),
        (SINCE, TokenType.BASE, 1, 10_800),
        (CARDS, TokenType.PERSONAL, 5, 0.6),
        (CARDS, TokenType.BASE, 5, 0.6),
        (TRASH, TokenType.PERSONAL, 5, 0.6),
        (SELLER_INFO, TokenType.PERSONAL, 10, 60),
        (SELLER_INFO, TokenType.BASE, 1, 86_400),
        ("/wb/marketplace-api/ping", TokenType.BASE, 99, 10),
        (f"{SALES}?dateFrom=2026-01-01", TokenType.PERSONAL, 1, 60),
        (f"{SALES}?dateFrom=2026-01-01", TokenType.BASE, 1, 7_200),
        (f"{PRICES}?limit=10", TokenType.PERSONAL, 5, 0.6),
        (f"{PRICES}?limit=10", TokenType.BASE, 1, 900),
        (WAREHOUSES, TokenType.BASE, 20, 0.2),
    ],
)
def test_burst_and_interval_are_the_published_ones(url: str, kind: TokenType, burst: int, interval: float) -> None:
    caller = Caller()
    token = caller.make(type=kind)

    count, refused = until_refused(caller, url, token=token)

    assert count == burst
    assert float(refused.headers["X-Ratelimit-Retry"]) == max(1, interval)
    assert float(refused.headers["X-Ratelimit-Reset"]) == burst * interval
    assert refused.headers["X-Ratelimit-Limit"] == str(burst)
    caller.wait(interval)
    again = caller.post(url, {}, token=token) if "content-api" in url else caller.get(url, token=token)
    assert again.status == 200


def test_older_gateway_tells_too_many_requests_in_a_problem() -> None:
    _, refused = until_refused(Caller())

    body = refused.json()
    assert refused.content_type == "application/problem+json"
    assert isinstance(body, dict)
    assert (body["title"], body["status"]) == ("too many requests", 429)
    assert body["detail"].startswith("limited by ")


def test_newer_gateway_spells_headers_and_body_its_own_way() -> None:
    _, refused = until_refused(Caller(), "/wb/finance-api/ping")

    body = refused.json()
    assert isinstance(body, dict)
    assert body["title"] == "Too Many Requests"
    assert body["origin"] == "ag-finance"
    assert refused.headers["X-RateLimit-Retry"] == "10"
    assert refused.headers["X-RateLimit-Remaining"] == "0"


def test_answers_tell_what_is_left_of_the_burst() -> None:
    caller = Caller()

    assert [caller.get(SINCE).headers["X-Ratelimit-Remaining"] for _ in range(3)] == ["9", "8", "7"]


def test_budgets_belong_to_seller_type_and_method() -> None:
    caller = Caller(SMALL, PAGED)
    until_refused(caller)

    assert caller.get(SINCE, token=caller.make(read_only=True)).status == 429, "another token of the seller shares the budget"
    assert caller.get(SINCE, token=caller.make(type=TokenType.SERVICE)).status == 200
    assert caller.get(SINCE, token=caller.make("paged")).status == 200
    assert caller.get(SELLER_INFO).status == 200
    assert caller.post(CARDS, {}).status == 200


def test_limits_of_analytics_are_hours_long_for_base_tokens() -> None:
    caller = Caller()
    base = caller.make(type=TokenType.BASE)
    bodies = {ORDER_FEED: {"selectedPeriod": MONTH}, FUNNEL: {"selectedPeriod": {"start": "2026-11-20", "end": "2026-11-20"}}}

    for url, body in bodies.items():
        assert caller.post(url, body, token=base).status == 200
    late = {url: caller.post(url, body, token=base).headers["X-RateLimit-Retry"] for url, body in bodies.items()}

    assert late == {ORDER_FEED: "10800", FUNNEL: "1800"}


def test_both_lists_of_warehouses_share_one_budget() -> None:
    caller = Caller()
    until_refused(caller, WAREHOUSES)

    assert caller.get(OFFICES).status == 429


def test_every_host_has_its_own_ping_budget() -> None:
    caller = Caller()
    until_refused(caller, "/wb/finance-api/ping")

    assert caller.get("/wb/content-api/ping").status == 200


def test_bad_requests_spend_the_budget_too() -> None:
    caller = Caller()
    for _ in range(10):
        assert caller.get(ORDERS).status == 400

    assert caller.get(SINCE).status == 429


def test_scale_makes_limits_faster_and_nothing_else() -> None:
    caller = Caller(limit_scale=60)

    count, refused = until_refused(caller)

    assert count == 10
    assert refused.headers["X-Ratelimit-Retry"] == "1"
    caller.wait(1)
    assert caller.get(SINCE).status == 200


def test_request_before_the_told_time_is_a_violation() -> None:
    caller = Caller()
    until_refused(caller)
    caller.wait(30)

    assert caller.get(SINCE).status == 429
    assert caller.stats()["violations"] == 1
    assert caller.stats()["sellers"]["small"]["violations"] == {"personal/statistics.orders": 1}


def test_request_at_the_told_time_or_on_another_gate_is_none() -> None:
    caller = Caller()
    until_refused(caller)
    assert caller.get(SELLER_INFO).status == 200
    caller.wait(60)

    assert caller.get(SINCE).status == 200
    stats = caller.stats()
    assert (stats["throttled"], stats["violations"], stats["overtaken"]) == (1, 0, 0)


def test_request_already_on_the_wire_is_told_apart() -> None:
    caller = Caller()
    until_refused(caller)
    caller.wait(0.2)
    caller.get(SINCE)

    assert caller.stats()["overtaken"] == 1
    assert caller.stats()["violations"] == 0
