"""The sandbox's finance methods against the vendor's own OpenAPI file of August, with what is known to have changed by October 2026."""

from copy import deepcopy
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator

from mpsyncd.sandbox import EVERY_CATEGORY, Category, Response, SellerSpec, TokenType
from support.sandbox_caller import Caller
from support.wb_spec import answer_schema, check, needs_specs, takes, unknown_keys

API = "/api/finance/v1"
BALANCE = "/api/v1/account/balance"
EVER = {"dateFrom": "2024-01-29", "dateTo": "2026-12-31"}
METHODS = [f"{API}/{family}/{name}" for family in ("sales-reports", "acquiring") for name in ("list", "detailed", "detailed/{reportId}")]
LATER_FIELDS = {"buyerTaxRegistrationReasonCode", "utdUcdNumber", "utdUcdDate"}

pytestmark = needs_specs


@pytest.fixture
def caller() -> Caller:
    moved = Caller(
        SellerSpec(name="ten", title="ИП", cards=15, trashed=0, orders=120, weeks=10, operations=45), event_rate=0.1, finance_cap=60
    )
    moved.wait(3_600)
    return moved


def post(caller: Caller, path: str, body: object, **options: Any) -> Response:
    caller.wait(60)
    return caller.post(f"/wb/finance-api{path}", body, **options)


def october(path: str) -> dict[str, Any]:
    """The published schema with the changes of autumn."""
    schema = deepcopy(answer_schema(f"POST {path}"))
    items = schema["items"]
    if "sales-reports/detailed" in path:
        items["properties"]["sellerPromo"] = {"type": "number"}
    if "acquiring/detailed" in path:
        items["properties"]["documentType"] = items["properties"].pop("docTypeName")
        items["required"] = ["documentType" if name == "docTypeName" else name for name in items["required"]]
    return schema


@pytest.mark.parametrize("path", METHODS)
def test_answers_have_the_published_shape(caller: Caller, path: str) -> None:
    schema = october(path)
    number: Any = post(caller, f"{API}/{path.split('/')[4]}/list", EVER).json()
    url, body = path.replace("{reportId}", str(number[0]["reportId"])), {} if path.endswith("}") else EVER
    rows: Any = post(caller, url, body).json()

    assert rows
    errors = list(OAS30Validator(schema).iter_errors(rows))
    assert not errors, errors[0]
    assert set(unknown_keys(rows, schema)) <= LATER_FIELDS
    if path != f"{API}/sales-reports/detailed/{{reportId}}":
        assert {key for row in rows for key in row} >= set(schema["items"]["required"])


def test_balance_has_the_published_shape(caller: Caller) -> None:
    check(caller.get(f"/wb/finance-api{BALANCE}"), f"GET {BALANCE}")


@pytest.mark.parametrize("path", METHODS)
def test_refusals_have_the_published_shapes(caller: Caller, path: str) -> None:
    url, method = path.replace("{reportId}", "7"), f"POST {path}"
    refused = [
        post(caller, url, EVER, token="broken"),
        post(caller, url, EVER, token=caller.make(categories=EVERY_CATEGORY - {Category.FINANCE})),
        post(caller, url, {"limit": "ten"}),
        post(caller, url, b"{"),
    ]
    if "sales-reports/detailed" not in path or path.endswith("}"):
        refused.append(post(caller, url, EVER, token=caller.make(type=TokenType.BASE)))
    post(caller, url, EVER)
    refused.append(caller.post(f"/wb/finance-api{url}", EVER))

    assert [response.status for response in refused[:4]] == [401, 403, 400, 400]
    assert refused[-1].status == 429
    for response in refused:
        if (path, response.status) != (f"{API}/sales-reports/detailed", 403):  # the file names no 403 for the only method of every token
            check(response, method)


BODIES: tuple[dict[str, Any], ...] = (
    {},
    EVER,
    {"dateFrom": "2026-03-17"},
    {**EVER, "limit": 100_000, "rrdId": 0},
    {**EVER, "limit": 100_001},
    {**EVER, "period": "daily"},
    {**EVER, "period": "monthly"},
    {**EVER, "fields": ["rrdId", "srid"]},
    {**EVER, "fields": "rrdId"},
    {"dateFrom": "2025-06-20T00:00:00.12345", "dateTo": "2025-06-20T23:59:59"},
    {"dateFrom": 5, "dateTo": "2025-06-20"},
)


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_bodies_are_taken_and_refused_as_the_schema_says(caller: Caller, body: dict[str, Any]) -> None:
    path = f"{API}/sales-reports/detailed"

    assert post(caller, path, body).status in ({200, 204} if takes(f"POST {path}", body) else {400})
