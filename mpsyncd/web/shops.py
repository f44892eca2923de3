"""/api/shops: who is kept in step, and a pause for those who shall not be."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from mpsyncd.model.shop import Shop
from mpsyncd.web.answer import json_answer
from mpsyncd.web.keys import PORTS
from mpsyncd.web.needs import OPERATE, READ, Route

_SHOWN = ("shop_id", "customer", "source", "name", "status", "status_message", "paused", "works", "expires_at", "created_at")


async def list_shops(request: web.Request) -> web.Response:
    """The shops: number, customer, source, name, status, whether each is worked, when its key expires."""
    return json_answer({"shops": [_shown(shop) for shop in await request[PORTS].control.shops()]})


async def pause(request: web.Request) -> web.Response:
    """Stop working a shop after the page in hand. Calling it again changes nothing."""
    return await _set_paused(request, paused=True)


async def resume(request: web.Request) -> web.Response:
    """Let a paused shop go on where it stopped. Calling it again changes nothing."""
    return await _set_paused(request, paused=False)


async def _set_paused(request: web.Request, *, paused: bool) -> web.Response:
    shop = await request[PORTS].control.set_paused(int(request.match_info["shop_id"]), paused=paused)
    return json_answer({"shop": _shown(shop)})


def _shown(shop: Shop) -> dict[str, Any]:
    return {name: getattr(shop, name) for name in _SHOWN}


ROUTES = (
    Route("GET", "/api/shops", list_shops, READ),
    Route("POST", "/api/shops/{shop_id}/pause", pause, OPERATE),
    Route("POST", "/api/shops/{shop_id}/resume", resume, OPERATE),
)
