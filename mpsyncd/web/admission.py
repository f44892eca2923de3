"""Who is let in: the visitor behind a request, held against what its route needs. Never logs or repeats a token."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from mpsyncd.model.access import Role, Visitor
from mpsyncd.settings import HttpSettings
from mpsyncd.storage.access import public_id
from mpsyncd.web.needs import Need, Without
from mpsyncd.web.peers import is_called_right, is_local
from mpsyncd.web.problem import Problem
from mpsyncd.web.tries import Tries

log = structlog.get_logger(__name__)

_BEARER = re.compile(r"bearer +(\S+)", flags=re.IGNORECASE)
_CHALLENGE = 'Bearer realm="mpsyncd"'
_NEIGHBOUR = Visitor(role=Role.VIEWER)
"""A program of this machine, without a token."""


class Admission:
    """One per server; `recognise` tells whom a token stands for."""

    def __init__(self, settings: HttpSettings, *, recognise: Callable[[str], Awaitable[Visitor | None]], tries: Tries) -> None:
        self._settings = settings
        self._recognise = recognise
        self._tries = tries

    async def visitor(self, request: web.Request, need: Need) -> Visitor | None:
        """Who asks; None where it does not matter, or for a stranger on a route that is open to strangers.

        Raises:
            Problem: 401 no or no good token, 403 not enough, 421 a name that is not ours, 429 too many wrong tokens.
        """
        if need.without is Without.ANYBODY:
            return None
        bare = "Authorization" not in request.headers
        local = is_local(request)
        ours = local and is_called_right(request, hosts=self._settings.hosts)
        if need.without is Without.PROBE and self._settings.open_probes:
            return _NEIGHBOUR if ours else None
        if need.without is Without.PROBE or (need.without is Without.READER and bare and self._settings.local_reads):
            if ours:
                return _NEIGHBOUR
            if local and bare:
                raise Problem(421, "This server does not go by that name. If it is yours, add it to [http] hosts in the settings.")
        visitor = await self._by_token(request)
        if not visitor.role.covers(need.least):
            raise _refused(f"This needs the role {need.least.value}; the access token has the role {visitor.role.value}.")
        if need.whole and visitor.shops is not None:
            raise _refused(f"This needs the role {need.least.value} for all shops; the access token is bound to some.")
        return visitor

    async def _by_token(self, request: web.Request) -> Visitor:
        given = request.headers.getall("Authorization", [])
        if not given:
            step = "send it as `Authorization: Bearer mps_…`; mpsyncd tokens create makes one"
            raise Problem(401, f"This needs an access token; {step}.", headers={"WWW-Authenticate": _CHALLENGE})
        found = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
        token = found[1] if found else ""
        peer = request.remote or ""
        if (wait := self._tries.wait(peer, token)) > 0:
            log.debug("access_delayed", peer=peer)
            raise Problem(429, "Too many wrong access tokens came from there; wait.", headers={"Retry-After": str(math.ceil(wait))})
        visitor = await self._recognise(token)
        if visitor is None:
            self._tries.failed(peer, token)
            log.warning("access_refused", peer=peer, token_id=public_id(token))
            why = "The access token is unknown, was revoked or has expired; mpsyncd tokens list shows those there are."
            raise Problem(401, why, headers={"WWW-Authenticate": f'{_CHALLENGE}, error="invalid_token"'})
        self._tries.passed(token)
        return visitor


def _refused(detail: str) -> Problem:
    return Problem(403, detail, headers={"WWW-Authenticate": f'{_CHALLENGE}, error="insufficient_scope"'})
