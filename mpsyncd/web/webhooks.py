"""/api/webhooks: where vendors send what happened. A delivery is answered when it is on disk, and read later by somebody else.

The secret in the address is all that a vendor can show, so it stands in for an access token. It is never logged or repeated.
"""

from __future__ import annotations

import asyncio
import math

import structlog
from aiohttp import web

from mpsyncd.web.answer import json_answer
from mpsyncd.web.keys import PORTS, WEBHOOK_TRIES
from mpsyncd.web.needs import DELIVER, LONGEST_DELIVERY, Route
from mpsyncd.web.ports import Receiver
from mpsyncd.web.problem import Problem

log = structlog.get_logger(__name__)

_BODY_WITHIN_SECONDS = 10.0


async def receive(request: web.Request) -> web.Response:
    """Take a delivery of a vendor's webhook: any body up to 1 MiB. The secret is in the path, the query (secret) or X-Webhook-Secret.

    200 once it is written down for good; 503 with Retry-After when it could not be, so that it is sent again. It is processed afterwards.
    """
    receiver = request[PORTS].webhooks
    if receiver is None:
        raise Problem(503, "This daemon takes no deliveries.")
    shop_id = await _shop(request, receiver)
    body = await _body(request, receiver)
    delivery_id = await receiver.keep(shop_id, body)
    if delivery_id is None:
        raise Problem(503, "Too many deliveries wait to be written down; send this one again.", headers={"Retry-After": "1"})
    return json_answer({"delivery_id": delivery_id})


async def _shop(request: web.Request, receiver: Receiver) -> int:
    """Whose secret was shown; Problem 401, or 429 for a peer that shows too many wrong ones."""
    secret = request.match_info.get("secret") or request.query.get("secret") or request.headers.get("X-Webhook-Secret") or ""
    tries, peer = request.app[WEBHOOK_TRIES], request.remote or ""
    if (wait := tries.wait(peer, secret)) > 0:
        receiver.refused("wait")
        log.debug("webhook_delayed", peer=peer)
        raise Problem(429, "Too many wrong webhook secrets came from there; wait.", headers={"Retry-After": str(math.ceil(wait))})
    shop_id = await receiver.shop(request.match_info["source"], secret) if secret else None
    if shop_id is None:
        tries.failed(peer, secret)
        receiver.refused("secret")
        log.warning("webhook_refused", peer=peer)
        raise Problem(401, "The webhook secret is missing or wrong; mpsyncd webhooks url prints the address with the right one.")
    tries.passed(secret)
    return shop_id


async def _body(request: web.Request, receiver: Receiver) -> bytes:
    """The body, whatever it is; Problem when it is too long, too slow or broken on its way."""
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_WITHIN_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > LONGEST_DELIVERY:
                    receiver.refused("size")
                    raise web.HTTPRequestEntityTooLarge(max_size=LONGEST_DELIVERY, actual_size=len(body))
    except TimeoutError:
        receiver.refused("slow")
        raise Problem(408, "The body did not arrive in time.") from None
    except web.RequestPayloadError:
        receiver.refused("broken")
        raise Problem(400, "The body is broken: its length or its encoding is not what the headers say.") from None
    return bytes(body)


ROUTES = (
    Route("POST", "/api/webhooks/{source}", receive, DELIVER),
    Route("POST", "/api/webhooks/{source}/{secret}", receive, DELIVER),
)
