"""/api/shops/{shop_id}/chats and attachments: what buyers and seller wrote to each other. Nobody reads it without an access token."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from aiohttp import web
from pydantic import AwareDatetime, Field

from mpsyncd.model.attachment import NotYet
from mpsyncd.model.errors import BadData, BadRequest, Forbidden, NotFound, Snooze, SourceError, Unauthorized
from mpsyncd.storage.chats import Wanted
from mpsyncd.web.answer import json_answer
from mpsyncd.web.asked import Asked, read_query
from mpsyncd.web.keys import PORTS
from mpsyncd.web.needs import PERSONAL, Route
from mpsyncd.web.problem import Problem

_Next = Annotated[str, Field(max_length=400)]
_LEGAL = 451
_MOST = 2**63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Chats(Asked):
    """Which chats. `next` is what the page before said."""

    unanswered: bool = False
    since: AwareDatetime | None = None
    search: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")] | None = None
    next: _Next | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class _Messages(Asked):
    next: _Next | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 200


async def list_chats(request: web.Request) -> web.Response:
    """Chats of a shop, the newest first. Query: unanswered, since (an instant), search (in texts and names), limit (50), next."""
    asked = read_query(request, _Chats)
    wanted = Wanted(unanswered=asked.unanswered, since=asked.since, words=asked.search)
    found = await request[PORTS].control.chats(
        _shop(request), wanted, before=_moment(asked.next) if asked.next else None, limit=asked.limit
    )
    last = found[-1] if len(found) == asked.limit else None
    following = None if last is None else _told((last.last_at or _EPOCH).isoformat(), last.chat_id)
    return json_answer({"chats": [asdict(chat) for chat in found], "next": following})


async def show_chat(request: web.Request) -> web.Response:
    """One chat with its messages, the oldest first. Query: limit (200), next (of the page before)."""
    asked = read_query(request, _Messages)
    after = _number(asked.next) if asked.next else None
    chat, found = await request[PORTS].control.chat(_shop(request), _named(request, "chat"), after=after, limit=asked.limit)
    last = found[-1] if len(found) == asked.limit else None
    following = None if last is None else _told(last.sent_ms or 0, last.message_id)
    return json_answer({"chat": asdict(chat), "messages": [asdict(message) for message in found], "next": following})


async def attachment(request: web.Request) -> web.Response:
    """A file of a message, to be saved and not to be shown.

    202 with Retry-After while the vendor still looks at it, 451 when it shows it to nobody, 503 while the limit is used up.
    """
    try:
        found = await request[PORTS].control.attachment(_shop(request), _named(request, "attachment"))
    except Snooze as error:
        wait = max(1, math.ceil((error.until - request[PORTS].now()).total_seconds()))
        raise Problem(503, f"The limit is used up: {error.reason}.", headers={"Retry-After": str(wait)}) from None
    except (SourceError, BadData) as error:
        raise _refused(error) from None
    if isinstance(found, NotYet):
        wait = max(1, math.ceil((found.until - request[PORTS].now()).total_seconds()))
        told = {"state": "moderation", "retry_at": found.until, "retry_seconds": wait}
        return json_answer(told, status=202, headers={"Retry-After": str(wait)})
    name = quote(found.name or "attachment", safe="")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=found.content, content_type="application/octet-stream", headers=headers)


def _refused(error: SourceError | BadData) -> Problem:
    match error:
        case NotFound(status=451):
            return Problem(_LEGAL, "The vendor shows this file to nobody: it did not pass the moderation.")
        case NotFound() | BadRequest():
            return Problem(404, "The vendor has no such file any more.")
        case Unauthorized() | Forbidden():
            return Problem(409, str(error))
        case _:
            return Problem(502, f"The vendor did not give the file: {error}")


def _shop(request: web.Request) -> int:
    return int(request.match_info["shop_id"])


def _named(request: web.Request, part: str) -> str:
    """A vendor's id in the path; one that PostgreSQL could not even look for names nothing."""
    name = request.match_info[part]
    if "\x00" in name:
        raise Problem(404, "There is no such thing.")
    return name


def _told(at: object, name: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([at, name]).encode()).decode()


def _moment(told: str) -> tuple[datetime, str]:
    at, name = _position(told)
    try:
        moment = datetime.fromisoformat(at)
    except (TypeError, ValueError):
        raise _nowhere() from None
    if moment.tzinfo is None:
        raise _nowhere()
    return moment, name


def _number(told: str) -> tuple[int, str]:
    at, name = _position(told)
    if not isinstance(at, int) or not 0 <= at < _MOST:
        raise _nowhere()
    return at, name


def _position(told: str) -> tuple[Any, str]:
    try:
        at, name = json.loads(base64.urlsafe_b64decode(told))
    except (ValueError, TypeError):
        raise _nowhere() from None
    if not isinstance(name, str) or "\x00" in name:
        raise _nowhere()
    return at, name


def _nowhere() -> Problem:
    return Problem(422, "What was sent makes no sense; errors says where.", errors=[{"field": "next", "detail": "no page ends there"}])


ROUTES = (
    Route("GET", "/api/shops/{shop_id}/chats", list_chats, PERSONAL),
    Route("GET", "/api/shops/{shop_id}/chats/{chat}", show_chat, PERSONAL),
    Route("GET", "/api/shops/{shop_id}/attachments/{attachment}", attachment, PERSONAL),
)
