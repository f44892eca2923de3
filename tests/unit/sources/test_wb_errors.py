"""Every refusal that Wildberries was seen to write, by the class of its consequence (bodies invented in the vendor's shapes)."""

import json
from datetime import timedelta
from typing import Any

import pytest

from mpsyncd.model import errors
from mpsyncd.model.errors import Forbidden, RateLimited, SourceError
from mpsyncd.model.rate import Scope
from mpsyncd.model.request import Request, Response
from mpsyncd.sources.wildberries.errors import TooMuch, classify

ORDERS = Request(method="GET", host="statistics-api", path="/api/v1/supplier/orders")
SELLER = "11111111-2222-4333-8444-555555555555"


def problem(title: str, detail: str, **more: object) -> dict[str, object]:
    return {"title": title, "detail": detail, "requestId": "r-1", "origin": "s2s-api-auth-stat", **more}


def classified(status: int, body: Any = b"", *, request: Request = ORDERS, **headers: str) -> SourceError:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    error = classify(Response(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=raw), request)
    assert error is not None
    assert error.status == status
    return error


@pytest.mark.parametrize("status", [200, 201, 204])
def test_success_is_no_error(status: int) -> None:
    assert classify(Response(status=status, headers={}, body=b""), ORDERS) is None


@pytest.mark.parametrize(
    "status, body, kind, words",
    [
        (401, problem("unauthorized", "token expired", code="x"), "Unauthorized", "the token has expired"),
        (401, problem("unauthorized", "token problem; token is malformed: bad base64"), "Unauthorized", "the token is malformed"),
        (401, problem("unauthorized", "access token withdrawn"), "Unauthorized", "the token was withdrawn"),
        (401, b"", "Unauthorized", "the token is refused"),
        (401, problem("unauthorized", "token scope not allowed"), "Forbidden", "lacks the category statistics"),
        (402, problem("payment required", "balance is empty"), "PaymentRequired", "top it up"),
        (403, {"status": 403, "title": "Forbidden", "detail": "Scope is not allowed for this resource"}, "Forbidden", "lacks the category"),
        (403, {"code": "AccessDenied", "message": "no access"}, "Forbidden", "lacks the category"),
        (403, {"data": None, "error": True, "errorText": "Access denied"}, "Forbidden", "lacks the category"),
        (
            403,
            problem("", "base token is not allowed", code="base token is not allowed for this path"),
            "Forbidden",
            "base type may not use",
        ),
        (403, problem("Forbidden", "token does not satisfy additional requirements"), "Forbidden", "base type may not use"),
        (403, problem("x", "Authorization error"), "Forbidden", "not open to this shop"),
        (400, {"errors": ["dateFrom: is required", "flag: bad"]}, "BadRequest", "dateFrom: is required; flag: bad"),
        (400, {"errors": "dateFrom: Value not validated"}, "BadRequest", "dateFrom: Value not validated"),
        (400, {"errors": [{"detail": "bad id", "field": "ids"}]}, "BadRequest", "bad id"),
        (400, b'"a JSON string"', "BadRequest", "a JSON string"),
        (400, b"plain text", "BadRequest", "plain text"),
        (400, {"data": None, "error": True, "errorText": "wrong limit", "additionalErrors": None}, "BadRequest", "wrong limit"),
        (404, problem("path not found", "see the docs"), "Retired", "switched off"),
        (410, b"", "Retired", "switched off"),
        (404, {"code": "NotFound", "message": "no such thing"}, "NotFound", "no such object"),
        (302, b"", "BadRequest", "redirect"),
        (405, b"", "BadRequest", "not what the API expects"),
        (408, b"", "Transient", "tried again"),
        (500, b"", "Transient", "tried again"),
        (502, b"<html><body>Bad gateway</body></html>", "Transient", "tried again"),
        (503, b"\xff\xfe", "Transient", "tried again"),
        (504, b"[" * 60_000, "Transient", "tried again"),
    ],
)
def test_kinds_of_refusal(status: int, body: Any, kind: str, words: str) -> None:
    error = classified(status, body)
    assert type(error) is getattr(errors, kind)
    assert words in str(error)
    assert f"Wildberries answered {status} at statistics-api /api/v1/supplier/orders" in str(error)
    assert "<html" not in str(error)


@pytest.mark.parametrize(
    "status, body, capability",
    [
        (401, problem("unauthorized", "token scope not allowed"), "content"),
        (403, problem("Forbidden", "scope is not allowed for this resource"), "content"),
        (402, b"", "content"),
        (403, problem("Forbidden", "base token is not allowed"), None),
        (403, b"", None),
    ],
)
def test_what_is_parked(status: int, body: Any, capability: str | None) -> None:
    error = classified(status, body, request=Request(method="POST", host="content-api", path="/content/v2/get/cards/list"))
    assert isinstance(error, Forbidden)
    assert error.capability == capability


@pytest.mark.parametrize(
    "header, wait",
    [
        ("7", 7.0),
        ("18236", 18236.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("", 60.0),
        ("soon", 60.0),
        ("-5", 60.0),
        ("nan", 60.0),
        ("inf", 60.0),
        ("1e9", 60.0),
    ],
)
def test_the_wait_is_the_servers(header: str, wait: float) -> None:
    error = classified(429, problem("too many requests", "limited by abc"), x_ratelimit_retry=header)
    assert isinstance(error, RateLimited)
    assert error.retry_after == timedelta(seconds=wait)
    assert error.scope is None


def test_without_the_header_the_wait_is_a_minute() -> None:
    error = classified(429)
    assert isinstance(error, RateLimited)
    assert error.retry_after == timedelta(minutes=1)


def test_the_global_limiter_closes_the_seller() -> None:
    error = classified(
        429, problem("too many requests", f"Limited by global limiter, per seller {SELLER}; See docs"), x_ratelimit_retry="30"
    )
    assert isinstance(error, RateLimited)
    assert error.scope is Scope.SELLER


def test_ids_of_requests_are_kept() -> None:
    assert classified(500, problem("x", "y")).request_id == "r-1"
    assert classified(400, {"request_id": 17}).request_id == "17"
    assert classified(500, x_request_id="h-1").request_id == "h-1"
    assert classified(500).request_id is None


def test_bodies_are_short_and_never_show_a_token() -> None:
    key = "eyJhbGciOiJFUzI1NiJ9.eyJzaWQiOiIxIn0.c2lnbmF0dXJl"
    error = classified(401, problem("unauthorized", f"token {key} is malformed " + "x" * 9000))
    assert len(error.body) <= 256
    assert len(str(error)) < 600
    assert "eyJ" not in error.body + str(error)


STATISTICS = Request(method="GET", host="advert-api", path="/adv/v3/fullstats", params={"ids": "1,2"})
NOTHING = {"detail": "there are no statistics for this advertising period", "origin": "x", "status": 400, "title": "invalid payload"}


def test_a_refusal_in_place_of_a_list_is_a_refusal_whatever_its_status() -> None:
    answer = Response(status=200, headers={}, body=json.dumps(NOTHING).encode())
    error = classify(answer, STATISTICS)
    assert type(error) is errors.BadRequest
    assert "no statistics" in error.body
    assert error.status == 400


PRICES = Request(method="GET", host="discounts-prices-api", path="/api/v2/list/goods/filter", rows_at="data.listGoods")


@pytest.mark.parametrize("data", [None, {"listGoods": None}, {"listGoods": []}])
def test_an_error_in_place_of_data_is_no_empty_list(data: Any) -> None:
    told = {"data": data, "error": True, "errorText": "Service is tired"}
    error = classify(Response(status=200, headers={}, body=json.dumps(told).encode()), PRICES)
    assert type(error) is errors.BadRequest
    assert "Service is tired" in str(error)


@pytest.mark.parametrize(
    "request_, body",
    [
        (PRICES, b'{"data": {"listGoods": null}, "error": false, "errorText": ""}'),
        (PRICES, b'{"data": null, "error": false, "errorText": ""}'),
        (STATISTICS, b'{"status": 9, "list": []}'),
        (STATISTICS, b'{"status": "no", "list": []}'),
        (STATISTICS, b'{"status": 400, "cut off'),
        (STATISTICS, b"[]"),
        (STATISTICS, b"null"),
        (Request(method="GET", host="advert-api", path="/api/advert/v2/adverts", rows_at="adverts"), b'{"status": 400, "adverts": []}'),
    ],
)
def test_other_objects_are_what_they_are(request_: Request, body: bytes) -> None:
    assert classify(Response(status=200, headers={}, body=body), request_) is None


@pytest.mark.parametrize("said", [b"DeadlineExceeded", json.dumps(problem("internal", "rpc error: Deadline Exceeded")).encode()])
def test_too_many_at_once_may_be_cut_and_is_not_tried_again_as_it_was(said: bytes) -> None:
    assert type(classified(500, said, request=STATISTICS)) is TooMuch
    assert type(classified(500, said)) is errors.Transient
    assert type(classified(500, b"oops", request=STATISTICS)) is errors.Transient
