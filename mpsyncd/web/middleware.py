"""Around every request: an id, one line in the log without query or body, headers that protect a browser, and the handler boundary."""

from __future__ import annotations

import re
import secrets
import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from mpsyncd.model.errors import MpsyncdError, StorageUnavailable
from mpsyncd.web.keys import METRICS, REQUEST_ID
from mpsyncd.web.problem import problem

log = structlog.get_logger(__name__)

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_SERVER_ERROR = 500
PROTECTION = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


@web.middleware
async def identified(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id (a caller's own when it is harmless), log it, count it."""
    given = request.headers.get("X-Request-ID", "")
    request[REQUEST_ID] = given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
    began = time.monotonic()
    with structlog.contextvars.bound_contextvars(request_id=request[REQUEST_ID]):
        response = await handler(request)
        seconds = time.monotonic() - began
        route = _route(request)
        request.app[METRICS].answered(route=route, method=request.method, status=response.status, seconds=seconds)
        level = log.debug if route in _QUIET and response.status < _SERVER_ERROR else log.info
        level("http_answered", method=request.method, route=route, status=response.status, milliseconds=round(seconds * 1000, 1))
    return response


@web.middleware
async def bounded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler boundary: whatever a handler raises becomes an answer."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return problem(request, error.status, _refusal(error), headers=allow)
    except StorageUnavailable as error:
        log.warning("http_storage_unavailable", error=str(error))
        return problem(request, 503, "The database can not be reached right now; try again shortly.", headers={"Retry-After": "5"})
    except MpsyncdError as error:
        log.warning("http_refused", error=str(error))
        return problem(request, 500, str(error))
    except Exception:  # boundary 2 of 3: one request's bug must not take the server along
        log.exception("http_failed")
        return problem(request, 500, "Something went wrong here; the log has the details under this request_id.")


async def protect(request: web.Request, response: web.StreamResponse) -> None:
    """Before an answer leaves: protective headers in, the software's name out."""
    for name, value in PROTECTION.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-ID"] = request.get(REQUEST_ID, "")
    response.headers.pop("Server", None)


def _route(request: web.Request) -> str:
    """The declared path, never the asked one: a path that somebody made up would end in logs and labels."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"


def _refusal(error: web.HTTPException) -> str:
    match error.status:
        case 404:
            return "There is no such page; /status is the entrance."
        case 405:
            return "This method is not allowed here."
        case 413:
            return "The body is too large."
        case _:
            return error.reason
