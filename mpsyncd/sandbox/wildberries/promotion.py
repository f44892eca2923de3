"""What the methods of advert-api have in common: lists of ids, days, codes, and refusals in four shapes (wildberries.md §1, §6)."""

import hashlib
from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from types import MappingProxyType

import orjson

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import PLAIN_TEXT, Request, Response, json_response
from mpsyncd.sandbox.wildberries.asking import day, strange
from mpsyncd.sandbox.world.calendar import DAY
from mpsyncd.sandbox.world.campaigns import Campaign, Stage

HOUR = 3_600
EASY = Limit.per(1, limit=5, burst=5)
SLOW = Limit.per(1, limit=1, burst=5)
CURRENCY = "RUB"
MOST_IDS, MOST_DAYS = 50, 31
STATUSES: Mapping[Stage, int] = MappingProxyType(
    {
        Stage.LEAVING: -1,
        Stage.READY: 4,
        Stage.FINISHED: 7,
        Stage.CANCELLED: 8,
        Stage.RUNNING: 9,
        Stage.PAUSED: 11,
    }
)
_ORIGIN = "camp-api-public-cache"
_LONGEST_ID = 18


def type_of(*, old: bool) -> int:
    """The code of a campaign's type."""
    return 8 if old else 9


def with_figures(campaign: Campaign) -> bool:
    """Whether statistics may be asked for in the campaign's status."""
    return campaign.stage in {Stage.FINISHED, Stage.RUNNING, Stage.PAUSED}


def with_budget(campaign: Campaign) -> bool:
    """Whether the campaign has a budget in its status."""
    return campaign.stage in {Stage.READY, Stage.RUNNING, Stage.PAUSED}


def ids_of(text: str) -> list[int] | None:
    """The numbers of a list with commas, or None for anything else."""
    parts = text.split(",")
    fine = all(part.isascii() and part.isdigit() and len(part) <= _LONGEST_ID for part in parts)
    return [int(part) for part in parts] if fine else None


def days_of(request: Request, *, first: str, last: str) -> tuple[date, date] | str:
    """The days of the two parameters, at most so many as one request may have; what is wrong with them, else."""
    given = dict(request.query)
    if name := strange(request, known=(first, last)):
        return f"unexpected parameter {name}"
    days = [day(given.get(name)) for name in (first, last)]
    if days[0] is None or days[1] is None:
        return "Некорректный период"
    if days[0] > days[1] or days[1] - days[0] >= MOST_DAYS * DAY:
        return "Период должен быть от 1 до 31 дня"
    return days[0], days[1]


def problem(detail: str, *, status: HTTPStatus = HTTPStatus.BAD_REQUEST, title: str = "invalid payload") -> bytes:
    """The body of a refusal as an object."""
    body = {"detail": detail, "origin": _ORIGIN, "request_id": _request_id(detail), "status": int(status), "title": title}
    return orjson.dumps(body)


def refusal(detail: str) -> Response:
    """400 with an object."""
    return Response(status=HTTPStatus.BAD_REQUEST, body=problem(detail))


def field_refusal(detail: str, *, field: str) -> Response:
    """400 with an object that names the parameter."""
    body = {
        "errors": [{"detail": detail, "field": field}],
        "origin": _ORIGIN,
        "request_id": _request_id(detail),
        "status": 400,
        "title": "Invalid payload",
        "type": "bad request",
    }
    return json_response(body, status=HTTPStatus.BAD_REQUEST)


def plain_refusal(text: str) -> Response:
    """400 with a bare text."""
    return Response(status=HTTPStatus.BAD_REQUEST, body=text.encode(), content_type=PLAIN_TEXT)


def bare_refusal(text: str) -> Response:
    """400 with a JSON string and nothing around it."""
    return json_response(text, status=HTTPStatus.BAD_REQUEST)


def _request_id(detail: str) -> str:
    return hashlib.md5(detail.encode(), usedforsecurity=False).hexdigest()
