"""/status: everything about this daemon on one page, as JSON for programs and as HTML for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from typing import Any

from aiohttp import web

from mpsyncd.model.errors import StorageUnavailable
from mpsyncd.model.overview import Overview
from mpsyncd.web.answer import json_answer
from mpsyncd.web.keys import PORTS
from mpsyncd.web.needs import OPEN, READ, Route
from mpsyncd.web.negotiate import preferred
from mpsyncd.web.ports import WebPorts
from mpsyncd.web.words import LANGUAGES


async def entrance(request: web.Request) -> web.Response:
    """Leads to /status."""
    del request
    return web.Response(status=307, headers={"Location": "/status"})


async def status(request: web.Request) -> web.Response:
    """Version, uptime, database, every shop with its feeds, tables and runs, and the budgets of limits. JSON; HTML for a browser."""
    ports = request[PORTS]
    reasons = await ports.ready()
    try:
        overview = await ports.overview()
    except StorageUnavailable as error:
        overview, reasons = None, reasons or (str(error),)
    kind = preferred(request.headers.get("Accept", ""), ("application/json", "text/html"), default="application/json")
    vary = {"Vary": "Accept, Accept-Language"}
    if kind == "application/json":
        return json_answer(content(ports, overview, reasons), headers=vary)
    from mpsyncd.web.page import render  # noqa: PLC0415 - jinja2 costs a tenth of a second at start

    language = preferred(request.headers.get("Accept-Language", ""), LANGUAGES, default="en")
    text = render(ports, overview, reasons, language=language)
    return web.Response(text=text, content_type=kind, headers=vary | {"Content-Language": language})


async def style(request: web.Request) -> web.Response:
    """The style of the page; nothing is loaded from anywhere else."""
    del request
    text = files("mpsyncd.web").joinpath("pages/style.css").read_text(encoding="utf-8")
    return web.Response(text=text, content_type="text/css", headers={"Cache-Control": "max-age=3600"})


def content(ports: WebPorts, overview: Overview | None, reasons: tuple[str, ...]) -> dict[str, Any]:
    """What /status answers as JSON; `shops` is null while the database is away."""
    return {
        "version": ports.version,
        "started_at": ports.started_at,
        "uptime_seconds": round((ports.now() - ports.started_at).total_seconds()),
        "ready": not reasons,
        "reasons": list(reasons),
        "daemon": dict(ports.facts()),
        "shops": None if overview is None else [_shop(each) for each in map(asdict, overview.shops)],
        "budgets": [asdict(budget) for budget in ports.budgets()],
    }


def _shop(shop: dict[str, Any]) -> dict[str, Any]:
    told: Mapping[str, tuple[Any, Any]] = shop["capabilities"]
    return shop | {"capabilities": {name: {"state": state, "reason": reason} for name, (state, reason) in told.items()}}


ROUTES = (
    Route("GET", "/", entrance, OPEN),
    Route("GET", "/status", status, READ),
    Route("GET", "/style.css", style, OPEN),
)
