"""The sandbox against the vendor's own OpenAPI files: its answers have the published shapes, and it refuses what they refuse.

The files are not part of the repository; where they are missing, these tests are skipped.
"""

import re
from typing import Any

import orjson
import pytest

from mpsyncd.sandbox import EVERY_CATEGORY, Category, Response, TokenType
from mpsyncd.sandbox.wildberries.hosts import HOSTS
from mpsyncd.sandbox.wildberries.service import ENDPOINTS
from support.sandbox_caller import CARDS, ORDERS, PAGED, SELLER_INFO, TRASH, Caller
from support.wb_spec import LATER_OPERATIONS, OPERATIONS, SPECS, answer_schema, check, needs_specs, operation, takes, unknown_keys

SINCE = f"{ORDERS}?dateFrom=2026-01-01"
LATER_FIELDS = {"documents", "gtin"}
"""Fields of a card that came after the files were stored (evidence of autumn 2026)."""

pytestmark = needs_specs


@pytest.fixture
def caller() -> Caller:
    moved = Caller(PAGED, event_rate=0.5, orders_cap=100)
    moved.wait(3_600)
    return moved


def test_every_method_of_the_sandbox_is_checked_here() -> None:
    assert {f"{one.method} {one.path}" for one in ENDPOINTS} - LATER_OPERATIONS == OPERATIONS.keys()


@pytest.mark.parametrize("url, field", [(CARDS, "updatedAt"), (TRASH, "trashedAt")])
def test_pages_of_cards(caller: Caller, url: str, field: str) -> None:
    method = f"POST {url.removeprefix('/wb/content-api')}"
    schema = answer_schema(method)
    cursor: dict[str, Any] = {"limit": 100}
    while True:
        caller.wait(1)
        response = caller.post(url, {"settings": {"sort": {"ascending": True}, "cursor": cursor}})
        check(response, method)
        body: Any = response.json()
        assert set(unknown_keys(body, schema)) <= LATER_FIELDS
        if body["cursor"]["total"] < 100:
            break
        cursor = {"limit": 100, field: body["cursor"][field], "nmID": body["cursor"]["nmID"]}


def test_pages_of_orders(caller: Caller) -> None:
    method = "GET /api/v1/supplier/orders"
    schema = answer_schema(method)
    since = "2026-01-01"
    for _ in range(2):
        response = caller.get(f"{ORDERS}?dateFrom={since}")
        check(response, method)
        rows: Any = response.json()
        assert len(rows) >= 100
        assert not set(unknown_keys(rows, schema))
        assert set(rows[0]) == set(schema["items"]["properties"]), "every published field is there"
        since = rows[-1]["lastChangeDate"]
        caller.wait(60)
    check(caller.get(f"{ORDERS}?dateFrom={since[:10]}&flag=1"), method)
    check(caller.get(f"{ORDERS}?dateFrom=2027-01-01"), method)


def test_seller_and_ping(caller: Caller) -> None:
    check(caller.get(SELLER_INFO), "GET /api/v1/seller-info")
    everything = caller.make(categories=Category)
    for host in HOSTS:
        check(caller.get(f"/wb/{host.name}/ping", token=everything), "GET /ping")


def test_ping_text_names_the_same_hosts() -> None:
    named = set(re.findall(r"https://([a-z-]+)\.wildberries\.ru/ping", operation("GET /ping")["description"]))

    assert {host.name for host in HOSTS} == {name for name in named if not name.endswith("-sandbox")}


@pytest.mark.parametrize("url", [SINCE, CARDS, TRASH, SELLER_INFO, "/wb/content-api/ping"])
def test_refusals_of_tokens_and_limits(caller: Caller, url: str) -> None:
    path = "/" + url.split("?", maxsplit=1)[0].removeprefix("/wb/").partition("/")[2]
    method = f"{'POST' if 'content/v2' in url else 'GET'} {path}"

    def ask(token: str) -> Response:
        return caller.post(url, {}, token=token) if "content/v2" in url else caller.get(url, token=token)

    refused = [ask("broken"), ask(caller.make(type=TokenType.TEST)), ask(caller.make(expires=caller.now))]
    if "common-api" not in url:
        refused.append(ask(caller.make(categories=EVERY_CATEGORY - {Category.CONTENT, Category.STATISTICS})))
    assert {response.status for response in refused} == {401}
    for response in refused:
        check(response, method)
    while (response := ask(caller.token)).status != 429:
        check(response, method)
    check(response, method)


@pytest.mark.parametrize("query", ["", "?dateFrom=yesterday", "?dateFrom=2026-01-01&flag=7", "?dateFrom=2026-01-01&dateTo=2026-02-01"])
def test_bad_requests_for_orders(caller: Caller, query: str) -> None:
    response = caller.get(f"{ORDERS}{query}")

    assert response.status == 400
    check(response, "GET /api/v1/supplier/orders")


BODIES: tuple[dict[str, Any], ...] = (
    {},
    {"settings": {}},
    {"settings": {"cursor": {"limit": 100}}},
    {"settings": {"cursor": {"limit": 1, "updatedAt": "2023-12-06T11:17:00.96577Z", "nmID": 370870300}}},
    {"settings": {"cursor": {"updatedAt": None}}},
    {"settings": {"cursor": {"limit": 101}}},
    {"settings": {"cursor": {"limit": "10"}}},
    {"settings": {"cursor": {"nmID": "370870300"}}},
    {"settings": {"cursor": 5}},
    {"settings": {"sort": {"ascending": 1}}},
    {"settings": {"sort": {"ascending": False}}},
    {"settings": {"filter": {"withPhoto": -1}}},
    {"settings": {"filter": {"withPhoto": 3}}},
    {"settings": {"filter": {"textSearch": "4603743187500888", "allowedCategoriesOnly": True, "tagIDs": [345], "objectIDs": [235]}}},
    {"settings": {"filter": {"brands": ["уллу"], "imtID": 328632}}},
    {"settings": {"filter": {"tagIDs": ["345"]}}},
    {"settings": {"filter": {"imtID": "328632"}}},
    {"settings": []},
)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: orjson.dumps(body).decode())
def test_bodies_for_cards_are_taken_and_refused_as_the_schema_says(caller: Caller, body: dict[str, Any]) -> None:
    method = "POST /content/v2/get/cards/list"

    response = caller.post(CARDS, body)

    assert response.status == (200 if takes(method, body) else 400)
    check(response, method)


def test_body_that_is_no_json_for_cards(caller: Caller) -> None:
    check(caller.post(CARDS, b"{"), "POST /content/v2/get/cards/list")


def test_limits_are_those_of_the_extracted_table() -> None:
    """The table was taken from the vendor's texts of October 2026, after the stored files."""
    table = {
        (row["host"].split(".")[0], row["method"], row["path"]): row["limits"] for row in orjson.loads((SPECS / "limits.json").read_bytes())
    }
    ping = table["common-api", "GET", "/ping"]
    for one in ENDPOINTS:
        limits = ping if one.path == "/ping" else table[one.host, one.method, one.path]
        for kind in (TokenType.PERSONAL, TokenType.SERVICE, TokenType.BASE):
            row = limits.get(kind.name.lower()) or limits["all"]
            limit = one.limit_for(kind)
            assert limit.interval == pytest.approx(row["interval_s"]), (one.host, one.path, kind)
            assert limit.burst == row["burst"], (one.host, one.path, kind)
