"""Puts routes, middlewares and ports together. Opens no socket."""

from __future__ import annotations

from aiohttp import web

from mpsyncd.web import health, status
from mpsyncd.web.keys import METRICS, PORTS
from mpsyncd.web.metrics import Metrics
from mpsyncd.web.middleware import bounded, identified, protect
from mpsyncd.web.ports import WebPorts


def build_app(ports: WebPorts, *, body_limit: int = 65_536) -> web.Application:
    """The application; `body_limit` in bytes."""
    app = web.Application(middlewares=[identified, bounded], client_max_size=body_limit)
    app[PORTS] = ports
    app[METRICS] = Metrics()
    app.router.add_routes([*health.routes(), *status.routes()])
    app.on_response_prepare.append(protect)
    return app


def routes_markdown() -> str:
    """The reference page of routes, made of the handlers' docstrings."""
    rows = []
    for route in [*health.routes(), *status.routes()]:
        words = " ".join((route.handler.__doc__ or "").split())
        rows.append(f"| `{route.method} {route.path}` | {words} |")
    return "\n".join(["# Routes", "", _HEAD, "", "| route | answer |", "|---|---|", *rows]) + "\n"


_HEAD = """\
Made from the handlers in `mpsyncd/web` by `tests/support/reference.py`; a test keeps it true. The server listens on loopback unless
`[http] allow_remote` is set. Errors are `application/problem+json`; every answer has an `X-Request-ID`, which the log repeats."""
