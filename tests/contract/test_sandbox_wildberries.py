"""The sandbox against the vendor's own OpenAPI files: its answers have the published shapes, and it refuses what they refuse.

The files are not part of the repository; where they are missing, these tests are skipped.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from openapi_schema_validator import OAS30Validator

from mpsyncd.sandbox import EVERY_CATEGORY, Category, Response, TokenType
from mpsyncd.sandbox.wildberries.hosts import HOSTS
from mpsyncd.sandbox.wildberries.service import ENDPOINTS
from support.sandbox_caller import CARDS, ORDERS, PAGED, SELLER_INFO, TRASH, Caller

SPECS = Path(__file__).resolve().parents[2].parent / "shared" / "apis" / "specs" / "wb"
YAML = SPECS / "2026-08-18"
SINCE = f"{ORDERS}?dateFrom=2026-01-01"

pytestmark = pytest.mark.skipif(not YAML.is_dir(), reason="the vendor's OpenAPI files are not beside the repository (../shared/apis/specs)")

OPERATIONS = {
    "/ping": ("01-general.yaml", "get"),
    "/api/v1/seller-info": ("01-general.yaml", "get"),
    "/content/v2/get/cards/list": ("02-items.yaml", "post"),
    "/content/v2/get/cards/trash": ("02-items.yaml", "post"),
    "/api/v1/supplier/orders": ("12-reports.yaml", "get"),
}
LATER_FIELDS = {"documents", "gtin"}
"""Fields of a card that came after the files were stored (evidence of autumn 2026)."""


@cache
def spec(file: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((YAML / file).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return loaded


def resolved(node: Any, file: str) -> Any:
    """The node with its references within the file followed."""
    if isinstance(node, list):
        return [resolved(item, file) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {key: resolved(value, file) for key, value in node.items()}
    target: Any = spec(file)
    for step in node["$ref"].removeprefix("#/").split("/"):
        target = target[step.replace("~1", "/")]
    return resolved(target, file)


def operation(path: str) -> dict[str, Any]:
    file, verb = OPERATIONS[path]
    found: dict[str, Any] = resolved(spec(file)["paths"][path][verb], file)
    return found


def check(response: Response, path: str) -> None:
    """The answer's status, media type and body are among those that the file publishes for the method."""
    published = operation(path)["responses"]
    media = published[str(response.status)]["content"]
    kind = response.content_type.split(";")[0]
    if kind == "text/plain":
        assert "plain/text" in media, "the file spells the media type the other way round"
        return
    body = orjson.loads(response.body)
    errors = list(OAS30Validator(media[kind]["schema"]).iter_errors(body))
    assert not errors, errors[0]


def unknown_keys(value: Any, schema: dict[str, Any]) -> Iterator[str]:
    """Keys of the document that the schema does not name."""
    if isinstance(value, list):
        for item in value:
            yield from unknown_keys(item, schema.get("items", {}))
    elif isinstance(value, dict) and "properties" in schema:
        for key, item in value.items():
            if key not in schema["properties"]:
                yield key
            else:
                yield from unknown_keys(item, schema["properties"][key])


@pytest.fixture
def caller() -> Caller:
    moved = Caller(PAGED, event_rate=0.5, orders_cap=100)
    moved.wait(3_600)
    return moved


def test_every_method_of_the_sandbox_is_checked_here() -> None:
    assert {one.path for one in ENDPOINTS} == OPERATIONS.keys()


@pytest.mark.parametrize("url, field", [(CARDS, "updatedAt"), (TRASH, "trashedAt")])
def test_pages_of_cards(caller: Caller, url: str, field: str) -> None:
    path = url.removeprefix("/wb/content-api")
    schema = operation(path)["responses"]["200"]["content"]["application/json"]["schema"]
    cursor: dict[str, Any] = {"limit": 100}
    while True:
        caller.wait(1)
        response = caller.post(url, {"settings": {"sort": {"ascending": True}, "cursor": cursor}})
        check(response, path)
        body: Any = response.json()
        assert set(unknown_keys(body, schema)) <= LATER_FIELDS
        if body["cursor"]["total"] < 100:
            break
        cursor = {"limit": 100, field: body["cursor"][field], "nmID": body["cursor"]["nmID"]}


def test_pages_of_orders(caller: Caller) -> None:
    path = "/api/v1/supplier/orders"
    schema = operation(path)["responses"]["200"]["content"]["application/json"]["schema"]
    since = "2026-01-01"
    for _ in range(2):
        response = caller.get(f"{ORDERS}?dateFrom={since}")
        check(response, path)
        rows: Any = response.json()
        assert len(rows) >= 100
        assert not set(unknown_keys(rows, schema))
        assert set(rows[0]) == set(schema["items"]["properties"]), "every published field is there"
        since = rows[-1]["lastChangeDate"]
        caller.wait(60)
    check(caller.get(f"{ORDERS}?dateFrom={since[:10]}&flag=1"), path)
    check(caller.get(f"{ORDERS}?dateFrom=2027-01-01"), path)


def test_seller_and_ping(caller: Caller) -> None:
    check(caller.get(SELLER_INFO), "/api/v1/seller-info")
    everything = caller.make(categories=Category)
    for host in HOSTS:
        check(caller.get(f"/wb/{host.name}/ping", token=everything), "/ping")


def test_ping_text_names_the_same_hosts() -> None:
    named = set(re.findall(r"https://([a-z-]+)\.wildberries\.ru/ping", operation("/ping")["description"]))

    assert {host.name for host in HOSTS} == {name for name in named if not name.endswith("-sandbox")}


@pytest.mark.parametrize("url", [SINCE, CARDS, TRASH, SELLER_INFO, "/wb/content-api/ping"])
def test_refusals_of_tokens_and_limits(caller: Caller, url: str) -> None:
    path = "/" + url.split("?", maxsplit=1)[0].removeprefix("/wb/").partition("/")[2]

    def ask(token: str) -> Response:
        return caller.post(url, {}, token=token) if "content/v2" in url else caller.get(url, token=token)

    refused = [ask("broken"), ask(caller.make(type=TokenType.TEST)), ask(caller.make(expires=caller.now))]
    if "common-api" not in url:
        refused.append(ask(caller.make(categories=EVERY_CATEGORY - {Category.CONTENT, Category.STATISTICS})))
    assert {response.status for response in refused} == {401}
    for response in refused:
        check(response, path)
    while (response := ask(caller.token)).status != 429:
        check(response, path)
    check(response, path)


@pytest.mark.parametrize("query", ["", "?dateFrom=yesterday", "?dateFrom=2026-01-01&flag=7", "?dateFrom=2026-01-01&dateTo=2026-02-01"])
def test_bad_requests_for_orders(caller: Caller, query: str) -> None:
    response = caller.get(f"{ORDERS}{query}")

    assert response.status == 400
    check(response, "/api/v1/supplier/orders")


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
    path = "/content/v2/get/cards/list"
    schema = operation(path)["requestBody"]["content"]["application/json"]["schema"]
    valid = not list(OAS30Validator(schema).iter_errors(body))

    response = caller.post(CARDS, body)

    assert response.status == (200 if valid else 400)
    check(response, path)


def test_body_that_is_no_json_for_cards(caller: Caller) -> None:
    check(caller.post(CARDS, b"{"), "/content/v2/get/cards/list")


def test_limits_are_those_of_the_extracted_table() -> None:
    """The table was taken from the vendor's texts of October 2026, after the stored files."""
    table = {(row["host"].split(".")[0], row["path"]): row["limits"] for row in orjson.loads((SPECS / "limits.json").read_bytes())}
    ping = table["common-api", "/ping"]
    for one in ENDPOINTS:
        limits = ping if one.path == "/ping" else table[one.host, one.path]
        for kind in (TokenType.PERSONAL, TokenType.SERVICE, TokenType.BASE):
            row = limits.get(kind.name.lower()) or limits["all"]
            limit = one.limit_for(kind)
            assert limit.interval == pytest.approx(row["interval_s"]), (one.host, one.path, kind)
            assert limit.burst == row["burst"], (one.host, one.path, kind)
