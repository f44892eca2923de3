"""Bodies of the vendor's refusals, by gateway (wildberries.md §1 "Error bodies"). Which refusal is due is decided elsewhere."""

import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from uuid import UUID

import orjson

from mpsyncd.sandbox.bucket import Limit, Verdict
from mpsyncd.sandbox.http import PLAIN_TEXT, PROBLEM_JSON, Response, json_response
from mpsyncd.sandbox.wildberries.hosts import Host


def problem(
    host: Host, *, status: HTTPStatus, title: str, detail: str, now: datetime, code: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """The gateway's own refusal, application/problem+json."""
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    request_id = hashlib.md5(f"{host.name}/{title}/{now.isoformat()}".encode(), usedforsecurity=False).hexdigest()
    body = {
        "title": title,
        "detail": detail,
        "code": code or f"07e4668e-ac2242c5c8c5-[{request_id[:12]}]",
        "requestId": request_id,
        "origin": host.origin,
        "status": int(status),
        "statusText": status.phrase,
        "timestamp": stamp,
    }
    if host.new_gateway and not code:
        del body["code"]
    return Response(status=status, body=orjson.dumps(body), content_type=PROBLEM_JSON, headers=headers or {})


def unauthorized(host: Host, *, detail: str, now: datetime) -> Response:
    """401: no token, a broken, expired or withdrawn one."""
    return problem(host, status=HTTPStatus.UNAUTHORIZED, title="unauthorized", detail=detail, now=now)


def scope_missing(host: Host, *, now: datetime) -> Response:
    """The token lacks the host's category: 401 at the older gateways, 403 at the newer ones."""
    if not host.new_gateway:
        return unauthorized(host, detail="token scope not allowed", now=now)
    return problem(host, status=HTTPStatus.FORBIDDEN, title="Forbidden", detail="scope is not allowed for this resource", now=now)


def base_refused(host: Host, *, now: datetime) -> Response:
    """403: the method is not for tokens of this type."""
    if host.name == "seller-analytics-api":
        detail = "token does not satisfy additional requirements"
        return problem(host, status=HTTPStatus.FORBIDDEN, title="Forbidden", detail=detail, now=now)
    return problem(
        host,
        status=HTTPStatus.FORBIDDEN,
        title="forbidden",
        detail="base token is not allowed",
        code="base token is not allowed for this path",
        now=now,
    )


def path_not_found(host: Host, *, now: datetime) -> Response:
    """404: a removed method, or one that never was."""
    return problem(host, status=HTTPStatus.NOT_FOUND, title="path not found", detail="see the reference of methods", now=now)


def method_not_allowed(host: Host, *, now: datetime) -> Response:
    """405: the path is there, the verb is another."""
    return problem(host, status=HTTPStatus.METHOD_NOT_ALLOWED, title="method not allowed", detail="use another verb", now=now)


def too_many(host: Host, *, limit: Limit, verdict: Verdict, seller: str, now: datetime) -> Response:
    """429 of one method's bucket."""
    if host.new_gateway:
        title = "Too Many Requests"
        detail = "rate limit exceeded, retry after the period specified in the X-RateLimit-Retry header"
    else:
        title, detail = "too many requests", f"limited by {seller}"
    headers = refusal_headers(host, limit=limit, verdict=verdict)
    return problem(host, status=HTTPStatus.TOO_MANY_REQUESTS, title=title, detail=detail, now=now, headers=headers)


def globally_limited(host: Host, *, retry: float, seller: str, now: datetime) -> Response:
    """429 that closes every host for the seller."""
    headers = refusal_headers(host, limit=Limit(retry, 1), verdict=Verdict(allowed=False, remaining=0, retry=retry, reset=retry))
    detail = f"Limited by global limiter, per seller {seller}; See the reference of limits"
    return problem(host, status=HTTPStatus.TOO_MANY_REQUESTS, title="too many requests", detail=detail, now=now, headers=headers)


def refusal_headers(host: Host, *, limit: Limit, verdict: Verdict) -> dict[str, str]:
    """Headers of a 429: whole seconds, rounded up, so that who waits them out is let in."""
    prefix = _prefix(host)
    headers = {
        f"{prefix}-Retry": str(whole(verdict.retry)),
        f"{prefix}-Reset": str(whole(verdict.reset)),
        f"{prefix}-Limit": str(limit.burst),
    }
    return headers | ({f"{prefix}-Remaining": "0"} if host.new_gateway else {})


def passing_headers(host: Host, verdict: Verdict) -> dict[str, str]:
    """Headers of an answer that the limiter let through."""
    return {f"{_prefix(host)}-Remaining": str(verdict.remaining)}


def whole(seconds: float) -> int:
    """Seconds as the headers tell them."""
    return max(1, math.ceil(seconds - 1e-6))


def statistics_refusal(*messages: str, as_text: bool = False) -> Response:
    """400 of the statistics methods, in one of its two shapes: a list of errors, or one text."""
    return json_response({"errors": messages[0] if as_text else list(messages)}, status=HTTPStatus.BAD_REQUEST)


def content_refusal(text: str) -> Response:
    """400 of the content methods."""
    body = {"data": None, "error": True, "errorText": text, "additionalErrors": None}
    return json_response(body, status=HTTPStatus.BAD_REQUEST)


def prices_refusal(text: str) -> Response:
    """400 of the prices methods."""
    return json_response({"data": None, "error": True, "errorText": text}, status=HTTPStatus.BAD_REQUEST)


def marketplace_refusal(text: str) -> Response:
    """400 of the marketplace methods."""
    return json_response({"code": "IncorrectParameter", "message": text, "data": None}, status=HTTPStatus.BAD_REQUEST)


def analytics_refusal(detail: str, *, title: str = "Invalid request body", status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> Response:
    """What the analytics methods refuse themselves, in their own shape: 400, 403 without a subscription, 404, 429 of a day's quota."""
    number = hashlib.md5(f"{title}/{detail}".encode(), usedforsecurity=False).hexdigest()
    body = {"title": title, "detail": detail, "requestId": str(UUID(number)), "origin": "analytics-open-api"}
    return json_response(body, status=status)


def undecodable() -> Response:
    """400 of the content methods for a body that is no JSON object: plain text."""
    return Response(status=HTTPStatus.BAD_REQUEST, body=b"Request body can not be decoded", content_type=PLAIN_TEXT)


def _prefix(host: Host) -> str:
    return "X-RateLimit" if host.new_gateway else "X-Ratelimit"
