"""Answers for machines that watch: does the loop live, may traffic come, what do the numbers say."""

from __future__ import annotations

import orjson
from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from mpsyncd.model.errors import StorageUnavailable
from mpsyncd.web.keys import METRICS, PORTS


def routes() -> list[web.RouteDef]:
    """Routes of this module."""
    return [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]


async def healthz(request: web.Request) -> web.Response:
    """200 while the loop turns and nothing in it is stuck, else 503 with the reasons. Asks no database."""
    return _verdict(request.app[PORTS].live(), good="alive")


async def readyz(request: web.Request) -> web.Response:
    """200 when the database answers, its schema is current and the daemon is not stopping, else 503 with the reasons."""
    return _verdict(await request.app[PORTS].ready(), good="ready")


async def metrics(request: web.Request) -> web.Response:
    """Numbers for Prometheus. Those that need the database are left out while it is away."""
    ports = request.app[PORTS]
    try:
        overview = await ports.overview()
    except StorageUnavailable:
        overview = None
    text = request.app[METRICS].render(ports, overview, ready=not await ports.ready())
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


def _verdict(reasons: tuple[str, ...], *, good: str) -> web.Response:
    content = {"status": "unavailable" if reasons else good, "reasons": list(reasons)}
    return web.Response(status=503 if reasons else 200, body=orjson.dumps(content), content_type="application/json")
