"""Requests and fixtures of Wildberries against the vendor's own files, where they lie beside the repository; skipped elsewhere.

The files are the vendor's and are not shipped. Unknown parameters and body keys are refused here although OpenAPI would let them pass.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS30Validator

from mpsyncd.model.request import Request
from mpsyncd.model.source import Identity
from mpsyncd.model.stream import Stream
from mpsyncd.sources.wildberries.source import WILDBERRIES, name_shop
from support.project import ROOT
from support.sources import ListApi, fixture_of, pages_of


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


SPECS = ROOT.parent / "shared/apis/specs/wb"
NOTHING: tuple[Any, ...] = ([], None)
"""How fixtures tell an answer without a body."""
_BUDGET = {"advertId": {"type": "integer"}, "currency": {"type": "string"}, "total": {"type": "integer"}}
_INTEGERS = {"type": "array", "items": {"type": "integer"}}
_STOCK = {name: {"type": "integer"} for name in ("nmId", "chrtId", "warehouseId", "quantity")} | {"warehouseName": {"type": "string"}}
_REGION = {"regionName": {"type": "string", "nullable": True}}
_ITEM_RETURN = {
    **{name: {"type": "string"} for name in ("brand", "dstOfficeAddress", "orderDt", "returnType", "srid", "stickerId", "subjectName")},
    **{name: {"type": "string", "nullable": True} for name in ("completedDt", "expiredDt", "kiz", "readyToReturnDt")},
    **{name: {"type": "integer"} for name in ("dstOfficeId", "nmId", "orderId", "shkId")},
    **{name: {"type": "string"} for name in ("returnStatus", "sku", "techSize")},
}
LATER: dict[tuple[str, str, str], dict[str, Any]] = {
    ("advert-api", "/api/advert/v2/budget", "POST"): {
        "requestBody": _json(_object({"advertIds": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 50}})),
        "responses": {"200": _json(_object({"adverts": {"type": "array", "nullable": True, "items": _object(_BUDGET)}}))},
    },
    ("seller-analytics-api", "/api/analytics/v1/stocks-report/seller-warehouses", "POST"): {
        "requestBody": _json(
            {
                "type": "object",
                "properties": {
                    "nmIds": {**_INTEGERS, "maxItems": 1000},
                    "chrtIds": _INTEGERS,
                    "limit": {"type": "integer", "maximum": 250_000},
                    "offset": {"type": "integer", "minimum": 0},
                },
            }
        ),
        "responses": {
            "200": _json(_object({"data": _object({"items": {"type": "array", "items": _object(_STOCK | _REGION)}})})),
            "204": {},
        },
    },
    ("seller-analytics-api", "/api/analytics/v1/item-returns", "GET"): {
        "parameters": [
            {"name": "dateFrom", "required": True, "schema": {"type": "string", "format": "date"}},
            {"name": "dateTo", "required": True, "schema": {"type": "string", "format": "date"}},
            {"name": "limit", "schema": {"type": "integer", "maximum": 1_000}},
            {"name": "offset", "schema": {"type": "integer", "minimum": 0}},
        ],
        "responses": {
            "200": _json(_object({"count": {"type": "integer"}, "report": {"type": "array", "items": _object(_ITEM_RETURN)}})),
        },
    },
}
"""Methods that came after the files were stored (seen in clients of October 2026), as they were seen."""
KINDS = {"personal": "personal", "service": "service", "base": "base"}

pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason="the vendor's files are not beside the repository (../shared/apis/specs/wb)")
every_wb_stream = pytest.mark.parametrize("stream", [pytest.param(stream, id=stream.name) for stream in WILDBERRIES.streams])


@every_wb_stream
async def test_requests_are_what_the_vendor_describes(stream: Stream) -> None:
    fixture = fixture_of(WILDBERRIES, stream)
    api = ListApi(fixture.bodies)
    await pages_of(stream, api, fixture.part)
    assert [fault for request in api.asked for fault in _faults(request)] == []


@every_wb_stream
async def test_fixtures_are_what_the_vendor_answers(stream: Stream) -> None:
    fixture = fixture_of(WILDBERRIES, stream)
    api = ListApi(fixture.bodies)
    await pages_of(stream, api, fixture.part)
    for request, body in zip(api.asked, fixture.bodies, strict=True):
        operation, root = _operation(request)
        [media] = _resolved(operation["responses"]["200"], root)["content"].values()
        check = OAS30Validator(media["schema"])
        faults = [f"{list(error.path)}: {error.message[:200]}" for error in check.iter_errors(body)]
        assert faults == [] or (body in NOTHING and "204" in operation["responses"])


async def test_no_request_changes_anything_at_the_vendor() -> None:
    """Some GET methods of the adverts do; the vendor's files mark every method that only reads."""
    for request in await _every_request():
        if request.path != "/ping":
            operation, root = _operation(request)
            assert not root or operation.get("x-readonly-method") is True, request.path


async def test_the_request_for_the_name_is_what_the_vendor_describes() -> None:
    api = ListApi([{"name": "ИП Пример", "tradeMark": ""}])
    assert await name_shop(api) == "ИП Пример"
    assert list(_faults(api.asked[0])) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_limits_are_the_published_ones(kind: str) -> None:
    published = _published()
    rates = {rate.name: rate for rate in WILDBERRIES.rates(Identity(scopes={}, variant=kind, lease_group="x"))}
    for request in await _every_request():
        told = published[request.method, f"{request.host}.wildberries.ru", request.path]
        limit = told.get("all") or told[KINDS[kind]]
        [rate] = [rates[name] for name in request.limits]
        assert rate.interval == timedelta(seconds=limit["period_s"]) / limit["limit"], rate.name
        gentler = {"ping": 3}.get(rate.name.partition(".")[0], limit["burst"])
        assert rate.burst == gentler, rate.name


def test_a_wrong_request_is_found() -> None:
    """The judge itself: it must not nod at everything."""
    good = Request(method="GET", host="statistics-api", path="/api/v1/supplier/orders", params={"dateFrom": "2026-11-01"})
    assert list(_faults(good)) == []
    assert list(_faults(good.with_params(flag="yes"))) == ["flag: 'yes' is not integer"]
    assert list(_faults(good.with_params(until="x"))) == ["until: no such parameter"]
    assert list(_faults(Request(method="GET", host=good.host, path=good.path))) == ["dateFrom: missing"]
    assert list(_faults(Request(method="POST", host=good.host, path=good.path))) == [
        "POST statistics-api /api/v1/supplier/orders: no such method"
    ]
    body = {"settings": {"cursor": {"limit": 101, "page": 2}}}
    listing = Request(method="POST", host="content-api", path="/content/v2/get/cards/list", json=body)
    assert list(_faults(listing)) == ["settings.cursor.page: no such key", "settings.cursor.limit: 101 is greater than the maximum of 100"]


async def _every_request() -> list[Request]:
    found = list(WILDBERRIES.probes.values())
    for stream in WILDBERRIES.streams:
        fixture = fixture_of(WILDBERRIES, stream)
        api = ListApi(fixture.bodies)
        await pages_of(stream, api, fixture.part)
        found += api.asked
    api = ListApi([{"name": "ИП Пример"}])
    await name_shop(api)
    return found + api.asked


def _faults(request: Request) -> Iterator[str]:
    try:
        operation, root = _operation(request)
    except KeyError:
        yield f"{request.method} {request.host} {request.path}: no such method"
        return
    known = {each["name"]: each for each in (_resolved(parameter, root) for parameter in operation.get("parameters", ()))}
    for name, value in request.params.items():
        yield from _parameter_faults(name, value, known.get(name))
    yield from (f"{name}: missing" for name, parameter in known.items() if parameter.get("required") and name not in request.params)
    if request.json is None and "requestBody" not in operation:
        return
    schema = _resolved(operation["requestBody"]["content"]["application/json"]["schema"], root)
    yield from _unknown_keys(request.json, schema)
    yield from (f"{'.'.join(map(str, error.path))}: {error.message}" for error in OAS30Validator(schema).iter_errors(request.json))


def _parameter_faults(name: str, value: str, parameter: Mapping[str, Any] | None) -> Iterator[str]:
    if parameter is None:
        yield f"{name}: no such parameter"
        return
    kind = parameter["schema"].get("type")
    told: object = int(value) if kind == "integer" and value.lstrip("-").isdigit() else value
    if kind == "boolean":
        told = {"true": True, "false": False}.get(value, value)
    if kind == "integer" and not isinstance(told, int):
        yield f"{name}: {value!r} is not integer"
        return
    yield from (f"{name}: {error.message}" for error in OAS30Validator(parameter["schema"]).iter_errors(told))


def _unknown_keys(body: Any, schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    if isinstance(body, dict) and "properties" in schema:
        for key, value in body.items():
            if key in schema["properties"]:
                yield from _unknown_keys(value, schema["properties"][key], f"{path}{key}.")
            else:
                yield f"{path}{key}: no such key"
    if isinstance(body, list) and "items" in schema:
        for place, value in enumerate(body):
            yield from _unknown_keys(value, schema["items"], f"{path}{place}.")


def _operation(request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
    """The vendor's description of a method, and the file that it stands in."""
    later = LATER.get((request.host, request.path, request.method))
    if later is not None:
        return later, {}
    address = f"https://{request.host}.wildberries.ru"
    for root in _files():
        path = root["paths"].get(request.path)
        operation = (path or {}).get(request.method.lower())
        if path and operation:
            servers = operation.get("servers") or path.get("servers") or root.get("servers", ())
            if address in [server["url"] for server in servers]:
                return operation, root
    raise KeyError(request.path)


@cache
def _files() -> list[dict[str, Any]]:
    newest = max(folder for folder in SPECS.iterdir() if folder.is_dir())
    return [yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader) for path in sorted(newest.glob("*.yaml"))]


@cache
def _published() -> dict[tuple[str, str, str], dict[str, Any]]:
    table = json.loads((SPECS / "limits.json").read_text("utf-8"))
    found = {(row["method"], row["host"], row["path"]): row["limits"] for row in table}
    ping = found["GET", "common-api.wildberries.ru", "/ping"]  # the table tells it once for all hosts
    return found | {("GET", f"{host}.wildberries.ru", "/ping"): ping for host in WILDBERRIES.hosts}


def _resolved(schema: Any, root: Mapping[str, Any]) -> Any:
    """The schema with every local reference replaced by what it points to."""
    if isinstance(schema, list):
        return [_resolved(each, root) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        return _resolved(target, root)
    return {key: _resolved(value, root) for key, value in schema.items()}
