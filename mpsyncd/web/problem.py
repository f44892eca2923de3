"""Errors as people and programs get them: problem+json of RFC 9457, never with internals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import orjson
from aiohttp import web

from mpsyncd.web.keys import REQUEST_ID

PROBLEM = "application/problem+json"


class Problem(Exception):
    """Raised by whoever can not answer; `detail` is for people and names the next step. errors: all that is wrong with what was sent."""

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, errors: Sequence[Mapping[str, str]] = ()
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = errors


def problem(request: web.BaseRequest, told: Problem) -> web.Response:
    """The answer that tells it."""
    content: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(told.status).phrase,
        "status": told.status,
        "detail": told.detail,
        "request_id": request[REQUEST_ID],
    }
    if told.errors:
        content["errors"] = list(told.errors)
    return web.Response(status=told.status, body=orjson.dumps(content), content_type=PROBLEM, headers=told.headers)
