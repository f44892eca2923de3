"""The switch `/_webhooks`: which spaces have a webhook, what was posted, and bursts of events.

GET: hooks and counts. POST `{"company", "url", "space"?, "enabled"?}`: hang one on a space, or on all that a company has. DELETE: take all
away. GET `/_webhooks/sent?offset=`: letters with the answers to them. POST `/_webhooks/burst` `{"company", "count"}`: so many events now.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from mpsyncd.sandbox.http import Request, Response, json_response
from mpsyncd.sandbox.kaiten.post import Hook, Post
from mpsyncd.sandbox.kaiten.world.world import Companies

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_MOST = 100_000


class WebhookSwitch:
    """Answers `/_webhooks…`."""

    def __init__(self, *, world: Companies, post: Post) -> None:
        self._world = world
        self._post = post

    def handle(self, request: Request, rest: list[str], now: datetime) -> Response:
        """Answer a control request."""
        match request.method, rest:
            case "GET", ["sent"]:
                offset = dict(request.query).get("offset", "0")
                sent = list(self._post.sent)
                return json_response({"total": len(sent), "sent": sent[int(offset) if offset.isdecimal() else 0 :]})
            case "POST", ["burst"]:
                return self._burst(_object(request), now)
            case "POST", []:
                return self._hang(_object(request))
            case "DELETE", []:
                self._post.clear()
            case _:
                pass
        return json_response(self._post.standing())

    def _hang(self, given: Mapping[str, Any]) -> Response:
        company = self._world.companies.get(str(given.get("company")))
        url, space, enabled = given.get("url"), given.get("space"), given.get("enabled", True)
        if company is None or (space is not None and space not in company.spaces):
            return _refusal("no such company or space: /_truth lists them")
        if not isinstance(url, str) or urlsplit(url).hostname not in _LOOPBACK:
            return _refusal("url must be an address on this machine")
        for number in company.spaces if space is None else (space,):
            self._post.hang(Hook(company=company.spec.name, space=number, url=url, enabled=bool(enabled)))
        return json_response(self._post.standing())

    def _burst(self, given: Mapping[str, Any], now: datetime) -> Response:
        name, count = str(given.get("company")), given.get("count")
        if name not in self._world.companies or not isinstance(count, int) or not 0 < count <= _MOST:
            return _refusal(f"a company and a count of at most {_MOST} are expected")
        self._world.burst(name, count=count, now=now)
        return json_response({"events": self._world.events})


def _object(request: Request) -> Mapping[str, Any]:
    try:
        given = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return {}
    return given if isinstance(given, dict) else {}


def _refusal(text: str) -> Response:
    return json_response({"error": text}, status=400)
