"""Puts routes, middlewares and ports together. Opens no socket."""

from __future__ import annotations

import time
from collections.abc import Sequence

from aiohttp import web

from mpsyncd.settings import HttpSettings
from mpsyncd.web import analytics, chats, health, reload, runs, shops, status, webhooks
from mpsyncd.web.admission import Admission
from mpsyncd.web.keys import METRICS, NEEDS, WEBHOOK_TRIES
from mpsyncd.web.metrics import Metrics
from mpsyncd.web.middleware import admitted, bounded, identified, protect, sized
from mpsyncd.web.needs import Need, Route, Without
from mpsyncd.web.ports import WebPorts
from mpsyncd.web.tries import Tries

ROUTES: tuple[Route, ...] = (
    *health.ROUTES,
    *status.ROUTES,
    *shops.ROUTES,
    *runs.ROUTES,
    *analytics.ROUTES,
    *chats.ROUTES,
    *reload.ROUTES,
    *webhooks.ROUTES,
)


def build_app(ports: WebPorts, settings: HttpSettings, *, routes: Sequence[Route] = ROUTES) -> web.Application:
    """The application, ready to be served."""
    admission = Admission(settings, recognise=ports.recognise, tries=Tries(time.monotonic))
    app = web.Application(middlewares=[identified, bounded, sized, admitted(admission, ports)], client_max_size=settings.body_limit)
    app[METRICS] = Metrics()
    app[WEBHOOK_TRIES] = Tries(time.monotonic)
    app[NEEDS] = {route.handler: route.need for route in routes}
    app.router.add_routes([route.definition() for route in routes])
    app.on_response_prepare.append(protect)
    return app


def routes_markdown() -> str:
    """The reference page of routes, made of the handlers' docstrings."""
    rows = []
    for route in ROUTES:
        words = " ".join((route.handler.__doc__ or "").split())
        rows.append(f"| `{route.method} {route.path}` | {_needed(route.need)} | {words} |")
    return "\n".join(["# Routes", "", _HEAD, "", "| route | needs | answer |", "|---|---|---|", *rows]) + "\n"


def _needed(need: Need) -> str:
    role = f"{need.least.value}, all shops" if need.whole else need.least.value
    match need.without:
        case Without.ANYBODY:
            return "nothing" if need.longest is None else "the webhook's secret"
        case Without.PROBE | Without.READER:
            return f"this machine, or {role}"
        case _:
            return role


_HEAD = """\
Made from the handlers in `mpsyncd/web` by `tests/support/reference.py`; a test keeps it true. The server listens on loopback unless
`[http] allow_remote` is set. What a route needs is a role of an access token ([how](../howto/access-tokens.md)); *this machine* stands for
callers on loopback, who need none. A token that is bound to shops sees no other. Errors are `application/problem+json`, with all that is
wrong in `errors` where there is more than one thing to say; every answer has an `X-Request-ID`, which the log repeats."""
