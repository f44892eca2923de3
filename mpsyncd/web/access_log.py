"""One line in the log and one count for each answer, when its last byte is out. Never a query, a body or a token."""

from __future__ import annotations

import structlog
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from mpsyncd.web.keys import METRICS, REQUEST_ID, VISITOR

log = structlog.get_logger(__name__)

_QUIET = frozenset({"/healthz", "/readyz", "/metrics", "/api/webhooks/{source}", "/api/webhooks/{source}/{secret}"})
"""Asked so often that a line each would bury the rest. A delivery is in the database; one that is refused has an event of its own."""
_SERVER_ERROR = 500


class AccessLog(AbstractAccessLogger):
    """Called by the server. What is no HTTP never reaches the application: it has neither route nor id."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        route = _route(request)
        visitor = request.get(VISITOR)
        if isinstance(request, web.Request) and REQUEST_ID in request:
            request.app[METRICS].answered(route=route, method=request.method, status=response.status, seconds=time)
        level = log.debug if route in _QUIET and response.status < _SERVER_ERROR else log.info
        level(
            "http_request",
            method=request.method,
            route=route,
            status=response.status,
            milliseconds=round(time * 1000, 1),
            bytes=response.body_length,
            request_id=request.get(REQUEST_ID),
            token_id=visitor.token_id if visitor is not None else None,
        )


def _route(request: web.BaseRequest) -> str:
    """The declared path, never the asked one: a path that somebody made up would end in logs and labels."""
    resource = request.match_info.route.resource if isinstance(request, web.Request) and REQUEST_ID in request else None
    return resource.canonical if resource is not None else "unknown"
