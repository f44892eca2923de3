"""The vendor's stored OpenAPI files as a judge of answers. They are not part of the repository: tests skip where they are missing."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from openapi_schema_validator import OAS30Validator

from mpsyncd.sandbox import Response

SPECS = Path(__file__).resolve().parents[2].parent / "shared" / "apis" / "specs" / "wb"
YAML = SPECS / "2026-08-18"

needs_specs = pytest.mark.skipif(
    not YAML.is_dir(), reason="the vendor's OpenAPI files are not beside the repository (../shared/apis/specs)"
)

OPERATIONS = {
    "GET /ping": "01-general.yaml",
    "GET /api/v1/seller-info": "01-general.yaml",
    "POST /content/v2/get/cards/list": "02-items.yaml",
    "POST /content/v2/get/cards/trash": "02-items.yaml",
    "GET /api/v1/supplier/orders": "12-reports.yaml",
    "GET /api/v1/supplier/sales": "12-reports.yaml",
    "POST /api/analytics/v1/order-feed": "11-analytics.yaml",
    "GET /api/v2/list/goods/filter": "02-items.yaml",
    "POST /api/analytics/v1/stocks-report/wb-warehouses": "11-analytics.yaml",
    "GET /api/v3/warehouses": "02-items.yaml",
    "POST /api/analytics/v3/sales-funnel/products": "11-analytics.yaml",
    "POST /api/analytics/v3/sales-funnel/products/history": "11-analytics.yaml",
    "POST /api/v2/nm-report/downloads": "11-analytics.yaml",
    "GET /api/v2/nm-report/downloads": "11-analytics.yaml",
    "POST /api/v2/nm-report/downloads/retry": "11-analytics.yaml",
    "GET /api/v2/nm-report/downloads/file/{downloadId}": "11-analytics.yaml",
    "GET /api/v3/offices": "02-items.yaml",
    "POST /api/finance/v1/sales-reports/list": "13-finances.yaml",
    "POST /api/finance/v1/sales-reports/detailed": "13-finances.yaml",
    "POST /api/finance/v1/sales-reports/detailed/{reportId}": "13-finances.yaml",
    "POST /api/finance/v1/acquiring/list": "13-finances.yaml",
    "POST /api/finance/v1/acquiring/detailed": "13-finances.yaml",
    "POST /api/finance/v1/acquiring/detailed/{reportId}": "13-finances.yaml",
    "GET /api/v1/account/balance": "13-finances.yaml",
    "GET /adv/v1/promotion/count": "08-promotion.yaml",
    "GET /api/advert/v2/adverts": "08-promotion.yaml",
    "GET /adv/v3/fullstats": "08-promotion.yaml",
    "GET /adv/v1/upd": "08-promotion.yaml",
    "GET /adv/v1/payments": "08-promotion.yaml",
    "GET /adv/v1/balance": "08-promotion.yaml",
    "GET /api/v1/seller/chats": "09-communications.yaml",
    "GET /api/v1/seller/events": "09-communications.yaml",
    "GET /api/v1/seller/download/{id}": "09-communications.yaml",
    "GET /api/v1/questions": "09-communications.yaml",
    "GET /api/v1/feedbacks": "09-communications.yaml",
    "GET /api/v1/feedbacks/archive": "09-communications.yaml",
    "GET /api/v1/claims": "09-communications.yaml",
}
"""Every method of the sandbox with the file that describes it."""

LATER_OPERATIONS = frozenset(
    {"POST /api/analytics/v1/stocks-report/seller-warehouses", "POST /api/advert/v2/budget", "GET /api/analytics/v1/item-returns"}
)
"""Methods of the sandbox that came after the files were stored (evidence of autumn 2026)."""


@cache
def _spec(file: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((YAML / file).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return loaded


@cache
def operation(method: str) -> dict[str, Any]:
    """What the file says of a method such as "GET /ping", with its references followed."""
    verb, _, path = method.partition(" ")
    file = OPERATIONS[method]
    found: dict[str, Any] = _resolved(_spec(file)["paths"][path][verb.lower()], file)
    return found


def _resolved(node: Any, file: str) -> Any:
    if isinstance(node, list):
        return [_resolved(item, file) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {key: _resolved(value, file) for key, value in node.items()}
    target: Any = _spec(file)
    for step in node["$ref"].removeprefix("#/").split("/"):
        target = target[step.replace("~1", "/")]
    return _resolved(target, file)


def answer_schema(method: str, status: str = "200") -> dict[str, Any]:
    """The schema of the JSON body of an answer."""
    found: dict[str, Any] = operation(method)["responses"][status]["content"]["application/json"]["schema"]
    return found


def takes(method: str, body: object) -> bool:
    """Whether the published schema of the request's body allows this one."""
    schema = operation(method)["requestBody"]["content"]["application/json"]["schema"]
    return not list(OAS30Validator(schema).iter_errors(body))


def check(response: Response, method: str) -> None:
    """The answer's status, media type and body are among those that the file publishes for the method."""
    media = operation(method)["responses"][str(response.status)]["content"]
    kind = response.content_type.split(";")[0]
    if kind == "text/plain":
        assert "plain/text" in media, "the file spells the media type the other way round"
        return
    errors = list(OAS30Validator(media[kind]["schema"]).iter_errors(orjson.loads(response.body)))
    assert not errors, errors[0]


def unknown_keys(value: Any, schema: dict[str, Any]) -> Iterator[str]:
    """Keys of the document that the schema does not name."""
    if isinstance(value, list):
        for item in value:
            yield from unknown_keys(item, schema.get("items", {}))
    known = properties(schema)
    if isinstance(value, dict) and known:
        for key, item in value.items():
            if key not in known:
                yield key
            else:
                yield from unknown_keys(item, known[key])


def properties(schema: dict[str, Any]) -> dict[str, Any]:
    """The keys that a schema names, those of its parts (allOf) too."""
    found: dict[str, Any] = dict(schema.get("properties", {}))
    for part in schema.get("allOf", ()):
        found |= properties(part)
    return found
