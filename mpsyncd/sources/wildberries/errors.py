"""What an answer of Wildberries means, by class of consequence (vendor's pages and answers seen until 2026-10-24).

Gateways and domains spell the same refusal differently, and hosts move between gateways: only the status and lower-cased pieces of text
count. Must not see credentials; what looks like a token in an answer is taken out.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import (
    BODY_LIMIT,
    BadRequest,
    Forbidden,
    NotFound,
    PaymentRequired,
    RateLimited,
    Retired,
    SourceError,
    Transient,
    Unauthorized,
)
from mpsyncd.model.rate import Scope
from mpsyncd.sources.wildberries.hosts import capability_of

if TYPE_CHECKING:
    from mpsyncd.model.request import Request, Response

_WAIT = timedelta(minutes=1)
_WAIT_MAX = timedelta(days=2)
_TOKEN = re.compile(r"eyJ[\w.+/=-]+")
_NO_CATEGORY = ("scope not allowed", "scope is not allowed", "access denied", "accessdenied")
_WORDS = ("title", "detail", "message", "errorText", "errors", "error", "code")
_TIMED_OUT = "deadlineexceeded"
_NEW_KEY = "Give the shop a new token: mpsyncd shops rotate-key."


class TooMuch(SourceError):
    """The vendor can not answer in time for all that one request names: fewer objects a request will do, the same again will not."""


def classify(response: Response, request: Request) -> SourceError | None:
    """The error that the head of an answer means, None for success."""
    status = _status(response, request)
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    body = _TOKEN.sub("[token]", response.body.decode(errors="replace"))
    told = _told(body)
    said = "; ".join(_texts(told))[:BODY_LIMIT]
    facts: dict[str, Any] = {"status": status, "request_id": _request_id(told, response.headers), "body": body[:BODY_LIMIT]}
    where = f"Wildberries answered {status} at {request.host} {request.path}" + (f" ({said})" if said else "")
    match status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            scope = Scope.SELLER if "global limiter" in said.lower() else None
            return RateLimited(f"{where}: too many requests", retry_after=_wait(response.headers), scope=scope, **facts)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN | HTTPStatus.PAYMENT_REQUIRED:
            return _refused(where, said.lower(), capability_of(request.host), facts)
        case HTTPStatus.INTERNAL_SERVER_ERROR if "ids" in request.params and _TIMED_OUT in said.lower().replace(" ", ""):
            return TooMuch(f"{where}: they need too long for so many", **facts)
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            return Transient(f"{where}: trouble on their side, it is tried again", **facts)
        case _:
            return _wrong(status, where, said.lower(), facts)


def _status(response: Response, request: Request) -> int:
    """The answer's status, or that of a refusal which comes with status 200: the adverts' cache names it, older domains say `error`."""
    if response.status != HTTPStatus.OK or request.rows_at is None or response.body[:1] != b"{":
        return response.status
    told = _told(response.body.decode(errors="replace"))
    if not isinstance(told, dict):
        return response.status
    if told.get("error") is True:
        return HTTPStatus.BAD_REQUEST
    inner = told.get("status")
    return inner if request.rows_at == "" and isinstance(inner, int) and inner >= HTTPStatus.BAD_REQUEST else response.status


def _refused(where: str, said: str, capability: str | None, facts: dict[str, Any]) -> SourceError:
    if any(words in said for words in _NO_CATEGORY):
        return Forbidden(f"{where}: the token lacks the category {capability or 'for it'}. {_NEW_KEY}", capability=capability, **facts)
    if facts["status"] == HTTPStatus.PAYMENT_REQUIRED:
        return PaymentRequired(f"{where}: the balance that pays for requests is empty, top it up", capability=capability, **facts)
    if facts["status"] == HTTPStatus.FORBIDDEN:
        base = "base token" in said or "additional requirements" in said
        why = "tokens of the base type may not use this method" if base else "this method is not open to this shop"
        return Forbidden(f"{where}: {why}", **facts)
    for words, why in (("expired", "has expired"), ("malformed", "is malformed"), ("withdrawn", "was withdrawn")):
        if words in said:
            return Unauthorized(f"{where}: the token {why}. {_NEW_KEY}", **facts)
    return Unauthorized(f"{where}: the token is refused. {_NEW_KEY}", **facts)


def _wrong(status: int, where: str, said: str, facts: dict[str, Any]) -> SourceError:
    make: Callable[..., SourceError] = BadRequest
    why = "the request is not what the API expects, a new version of mpsyncd may be needed"
    if status < HTTPStatus.BAD_REQUEST:
        why = "a redirect, which is not followed because it would carry the token elsewhere"
    elif status == HTTPStatus.GONE or (status == HTTPStatus.NOT_FOUND and "path not found" in said):
        make, why = Retired, "the method is switched off, a new version of mpsyncd is needed"
    elif status == HTTPStatus.NOT_FOUND:
        make, why = NotFound, "there is no such object"
    elif status == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
        make, why = NotFound, "the vendor shows this file to nobody: it did not pass the moderation"
    return make(f"{where}: {why}", **facts)


def _told(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return "" if "<html" in body.lower() else body


def _texts(told: Any) -> list[str]:
    match told:
        case str():
            return [told.strip()] if told.strip() else []
        case list():
            return [text for each in told for text in _texts(each)]
        case dict():
            return [text for key in _WORDS if key in told for text in _texts(told[key])]
        case _:
            return []


def _request_id(told: Any, headers: Mapping[str, str]) -> str | None:
    given = (told.get("requestId") or told.get("request_id")) if isinstance(told, dict) else None
    return str(given) if given else headers.get("x-request-id")


def _wait(headers: Mapping[str, str]) -> timedelta:
    """The server's time; a minute when it names none that makes sense."""
    try:
        seconds = float(headers.get("x-ratelimit-retry") or headers.get("retry-after") or math.nan)
    except ValueError:
        return _WAIT
    return timedelta(seconds=seconds) if 0 <= seconds <= _WAIT_MAX.total_seconds() else _WAIT
