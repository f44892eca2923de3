"""/api/reload: read settings and shops again, as SIGHUP does."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from mpsyncd.web.answer import json_answer
from mpsyncd.web.keys import PORTS
from mpsyncd.web.needs import GOVERN, Route
from mpsyncd.web.problem import Problem


async def reload(request: web.Request) -> web.Response:
    """Read settings and shops again: 200 with the changes, or 422 with every problem and nothing changed."""
    read_again = request[PORTS].reload
    if read_again is None:
        raise Problem(501, "This daemon can not read its settings again; restart it.")
    outcome = await read_again()
    if outcome.state == "refused":
        raise Problem(422, "Nothing was changed; errors says why.", errors=[{"detail": each} for each in outcome.problems])
    return json_answer(asdict(outcome))


ROUTES = (Route("POST", "/api/reload", reload, GOVERN),)
