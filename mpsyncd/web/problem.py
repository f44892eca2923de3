"""Errors as people and programs get them: problem+json of RFC 9457, never with internals."""

from __future__ import annotations

from http import HTTPStatus

import orjson
from aiohttp import web

from mpsyncd.web.keys import REQUEST_ID

PROBLEM = "application/problem+json"


def problem(request: web.BaseRequest, status: int, detail: str, *, headers: dict[str, str] | None = None) -> web.Response:
    """An error answer; `detail` is for people and names the next step."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request[REQUEST_ID],
    }
    return web.Response(status=status, body=orjson.dumps(content), content_type=PROBLEM, headers=headers)
