"""Answers for machines that watch: does the loop live, may traffic come, what do the numbers say."""

from __future__ import annotations

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from mpsyncd.model.errors import StorageUnavailable
from mpsyncd.web.answer import json_answer
from mpsyncd.web.keys import METRICS, PORTS, VISITOR
from mpsyncd.web.needs import NUMBERS, PROBE, Route


async def healthz(request: web.Request) -> web.Response:
    """200 while the loop turns and nothing in it is stuck, else 503 with the reasons. Asks no database."""
    return _verdict(request, request[PORTS].live(), good="alive")


async def readyz(request: web.Request) -> web.Response:
    """200 when the database answers, its schema is current and the daemon is not stopping, else 503 with the reasons."""
    return _verdict(request, await request[PORTS].ready(), good="ready")


async def metrics(request: web.Request) -> web.Response:
    """Numbers for Prometheus. Those that need the database are left out while it is away."""
    ports = request[PORTS]
    try:
        overview = await ports.overview()
    except StorageUnavailable:
        overview = None
    text = request.app[METRICS].render(ports, overview, ready=not await ports.ready())
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


def _verdict(request: web.Request, reasons: tuple[str, ...], *, good: str) -> web.Response:
    """A stranger is told the verdict only: reasons name addresses."""
    told = list(reasons) if VISITOR in request else []
    return json_answer({"status": "unavailable" if reasons else good, "reasons": told}, status=503 if reasons else 200)


ROUTES = (
    Route("GET", "/healthz", healthz, PROBE),
    Route("GET", "/readyz", readyz, PROBE),
    Route("GET", "/metrics", metrics, NUMBERS),
)
