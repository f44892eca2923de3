"""Around every request: an id, the handler boundary, the bound of bodies, admission; and headers that protect a browser."""

from __future__ import annotations

import re
import secrets

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from mpsyncd.model.errors import MpsyncdError, NotThere, Refused, StorageUnavailable
from mpsyncd.web.admission import Admission
from mpsyncd.web.keys import NEEDS, PORTS, REQUEST_ID, VISITOR
from mpsyncd.web.narrow import narrowed
from mpsyncd.web.ports import WebPorts
from mpsyncd.web.problem import Problem, problem

log = structlog.get_logger(__name__)

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
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
    """Give the request an id (a caller's own when it is harmless), for the log and the answer."""
    given = request.headers.get("X-Request-ID", "")
    request[REQUEST_ID] = given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
    with structlog.contextvars.bound_contextvars(request_id=request[REQUEST_ID]):
        return await handler(request)


@web.middleware
async def bounded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler boundary: whatever is raised further in becomes an answer."""
    try:
        return await handler(request)
    except Problem as told:
        return problem(request, told)
    except (web.HTTPException, MpsyncdError) as error:
        return problem(request, _told(error))
    except Exception:  # boundary 2 of 3: one request's bug must not take the server along
        log.exception("http_failed")
        return problem(request, Problem(500, "Something went wrong here; the log has the details under this request_id."))


@web.middleware
async def sized(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a body that says that it is too long before anybody looks at it; one that does not say is cut while it is read."""
    need = request.app[NEEDS].get(request.match_info.handler)
    limit = request.client_max_size if need is None or need.longest is None else need.longest
    if request.content_length is not None and request.content_length > limit:
        raise web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=request.content_length)
    return await handler(request)


def admitted(admission: Admission, ports: WebPorts) -> Middleware:
    """Let a request through to its handler with its visitor and the ports as that visitor sees them."""

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is not None:
            return await handler(request)
        need = request.app[NEEDS].get(request.match_info.handler)
        if need is None:
            raise Problem(403, "Nobody may call this; its need was not declared.")
        visitor = await admission.visitor(request, need)
        request[PORTS] = ports if visitor is None else narrowed(ports, visitor)
        if visitor is not None:
            request[VISITOR] = visitor
        return await handler(request)

    return admit


async def protect(request: web.Request, response: web.StreamResponse) -> None:
    """Before an answer leaves: protective headers in, the software's name out."""
    for name, value in PROTECTION.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-ID"] = request.get(REQUEST_ID, "")
    response.headers.pop("Server", None)


def _told(error: web.HTTPException | MpsyncdError) -> Problem:
    match error:
        case web.HTTPException():
            allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
            return Problem(error.status, _WORDS.get(error.status, error.reason), headers=allow)
        case NotThere():
            return Problem(404, str(error))
        case Refused():
            return Problem(409, str(error))
        case StorageUnavailable():
            log.warning("http_storage_unavailable", error=str(error))
            return Problem(503, "The database can not be reached right now; try again shortly.", headers={"Retry-After": "5"})
        case _:
            log.warning("http_refused", error=str(error))
            return Problem(500, str(error))


_WORDS = {
    404: "There is no such page; /status is the entrance.",
    405: "This method is not allowed here.",
    413: "The body is too large.",
}
