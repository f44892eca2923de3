"""What an answer of Kaiten means, by class of consequence (developers.kaiten.ru and answers seen by others until 2026-09-29).

Refusals come as JSON with `message`, as a bare word ("Unauthorized"), as HTML (429) or without a body: only the status decides.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

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

if TYPE_CHECKING:
    from mpsyncd.model.request import Request, Response

_WAIT = timedelta(seconds=1)
_WAIT_MOST = timedelta(hours=1)
_DIGITS = 9
_Meaning: TypeAlias = "tuple[Callable[..., SourceError], str]"
_NEW_KEY = "Make a key in Kaiten (profile, API key) and give it to the shop: mpsyncd shops rotate-key."


_TROUBLE: _Meaning = (Transient, "trouble on their side, it is tried again")
_REFUSED: _Meaning = (BadRequest, "the request is refused")
_NOT_THERE: _Meaning = (Retired, "this version of the API does not have the method")
_MEANINGS: Mapping[int, _Meaning] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: (Unauthorized, f"the key is refused. {_NEW_KEY}"),
        HTTPStatus.PAYMENT_REQUIRED: (PaymentRequired, "unavailable: the company's tariff does not include it; looked at again later"),
        HTTPStatus.FORBIDDEN: (Forbidden, "the person whose key this is may not see it"),
        HTTPStatus.NOT_FOUND: (NotFound, "it is not there, or the key may not see it"),
        HTTPStatus.METHOD_NOT_ALLOWED: _NOT_THERE,
        HTTPStatus.GONE: _NOT_THERE,
        HTTPStatus.REQUEST_TIMEOUT: _TROUBLE,
    }
)


def classify(response: Response, request: Request) -> SourceError | None:
    """The error that the head of an answer means, None for success."""
    status = response.status
    if status < HTTPStatus.BAD_REQUEST:  # what is no success among these is a redirect, which nobody follows
        return None
    body = response.body.decode(errors="replace")
    said = _said(body)
    facts: dict[str, Any] = {"status": status, "request_id": response.headers.get("x-request-id"), "body": body[:BODY_LIMIT]}
    where = f"Kaiten answered {status} at {request.path}" + (f" ({said})" if said else "")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(f"{where}: too many requests", retry_after=_wait(response.headers), **facts)
    make, why = _MEANINGS.get(status) or (_TROUBLE if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _REFUSED)
    return make(f"{where}: {why}", **facts)


def _said(body: str) -> str:
    """The vendor's own words; pages of HTML say nothing."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return "" if "<" in body else body.strip()[:BODY_LIMIT]
    message = told.get("message") if isinstance(told, dict) else None
    return message[:BODY_LIMIT] if isinstance(message, str) else ""


def _wait(headers: Mapping[str, str]) -> timedelta:
    text = headers.get("retry-after", "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        return _WAIT
    return max(_WAIT, min(timedelta(seconds=int(text)), _WAIT_MOST))
