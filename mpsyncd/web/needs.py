"""What a route asks of those who call it. Every route has a need; one without is answered to nobody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web
from aiohttp.typedefs import Handler

from mpsyncd.model.access import Role


class Without(StrEnum):
    """Who may come without an access token."""

    NOBODY = "nobody"
    READER = "reader"
    """Programs of this machine, unless `[http] local_reads` is off."""
    PROBE = "probe"
    """Programs of this machine, and everybody when `[http] open_probes` is on."""
    ANYBODY = "anybody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The least role, who comes without a token, and whether a token must be bound to no shop (`whole`).

    longest: bytes of a body at most, where they are not those of the whole server.
    """

    least: Role = Role.VIEWER
    without: Without = Without.NOBODY
    whole: bool = False
    longest: int | None = None


_NUMBER = re.compile(r"\{(\w+_id)\}")

OPEN = Need(without=Without.ANYBODY)
"""Shows nothing of this installation."""
PROBE = Need(without=Without.PROBE)
NUMBERS = Need(without=Without.PROBE, whole=True)
READ = Need(without=Without.READER)
PERSONAL = Need()
"""Shows what people wrote: nobody sees it without a token, not even on this machine."""
OPERATE = Need(least=Role.OPERATOR)
GOVERN = Need(least=Role.ADMIN, whole=True)
"""Changes what all shops share."""
LONGEST_DELIVERY = 1_048_576
DELIVER = Need(without=Without.ANYBODY, longest=LONGEST_DELIVERY)
"""Takes what a vendor sends; the handler itself looks at the secret that stands in for a token."""


@dataclass(frozen=True, slots=True)
class Route:
    """One route with its need; the docstring of the handler is its documentation. `{…_id}` in the path stands for a number."""

    method: str
    path: str
    handler: Handler
    need: Need

    def definition(self) -> web.RouteDef:
        """The same for the router; a GET answers HEAD too."""
        options = {"allow_head": True} if self.method == "GET" else {}
        return web.route(self.method, _NUMBER.sub(r"{\1:\\d{1,18}}", self.path), self.handler, **options)
