"""What the methods of finance-api about reports have in common: parameters, refusals, pages (wildberries.md §5).

A walk repeats the number of the last row until it is answered with 204. Days are Moscow's; a report belongs to a period that it overlaps.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import PROBLEM_JSON, Request, Response
from mpsyncd.sandbox.wildberries.asking import body_of
from mpsyncd.sandbox.wildberries.shape import Shape, faults_of, is_text, list_of, one_of, within
from mpsyncd.sandbox.wildberries.spelling import MOSCOW
from mpsyncd.sandbox.wildberries.tokens import TokenType
from mpsyncd.sandbox.world.operations import Statement

LIMIT = Limit.per(60, limit=1, burst=1)
NOT_FOR_BASE = frozenset({TokenType.PERSONAL, TokenType.SERVICE})
MOST_REPORTS, MOST_ROWS = 1_000, 100_000
_LONGEST_ID = 19
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?)?")


@dataclass(frozen=True, slots=True)
class Asked:
    """A body that is right. `given` has the optional keys."""

    first: date
    last: date
    given: Mapping[str, Any]

    def overlaps(self, statement: Statement) -> bool:
        """Whether the report belongs to the period."""
        return statement.first <= self.last and self.first <= statement.last


def refusal(method: str, detail: str, *, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> Response:
    """What the reports' own service refuses, in its own shape."""
    title = f"{method} decode error" if status is HTTPStatus.BAD_REQUEST else f"{method} error"
    number = hashlib.md5(f"{title}/{detail}".encode(), usedforsecurity=False).hexdigest()
    body = {
        "status": int(status),
        "title": title,
        "detail": f"{title}: {detail}",
        "requestId": str(UUID(number)),
        "origin": "open-api-finreports",
    }
    return Response(status=status, body=orjson.dumps(body), content_type=PROBLEM_JSON)


def asked(request: Request, *, method: str, optional: Shape) -> Asked | Response:
    """The body of a method that takes a period, or its refusal."""
    given = asked_for_one(request, method=method, optional={"dateFrom": is_text, "dateTo": is_text, **optional})
    if isinstance(given, Response):
        return given
    days: list[date] = []
    for name in ("dateFrom", "dateTo"):
        if name not in given:
            return refusal(method, f"missing {name} params")
        day = _day(given[name])
        if day is None:
            return refusal(method, f"parsing {name}: invalid date")
        days.append(day)
    if days[0] > days[1]:
        return refusal(method, "dateFrom is after dateTo")
    return Asked(days[0], days[1], given)


def asked_for_one(request: Request, *, method: str, optional: Shape) -> dict[str, Any] | Response:
    """The body of a method that names one report in its path, or its refusal."""
    body = body_of(request)
    if body is None or request.query:
        return refusal(method, "a JSON object is expected" if body is None else "unexpected query")
    faults = list(faults_of(body, optional))
    return refusal(method, "; ".join(faults)) if faults else body


def report_id(request: Request) -> int | None:
    """The number of the report in the path."""
    text = request.path.rpartition("/")[2]
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID else None


def rows_shape(keys: Collection[str]) -> Shape:
    """What a method that gives rows with these keys may be told besides the period."""
    return {"limit": within(1, MOST_ROWS), "rrdId": within(0, 2**63 - 1), "fields": list_of(one_of(*keys))}


def list_shape() -> Shape:
    """What a method that gives heads of reports may be told besides the period."""
    return {"limit": within(1, MOST_REPORTS), "offset": within(0, 2**31 - 1)}


def page(rows: Iterable[Mapping[str, object]]) -> Response:
    """The rows as an array, or 204."""
    found = list(rows)
    return Response(body=orjson.dumps(found)) if found else Response(status=204)


def list_page(rows: list[dict[str, object]], asked: Asked, *, cap: int) -> Response:
    """A page of heads."""
    offset = asked.given.get("offset", 0)
    return page(rows[offset : offset + min(cap, asked.given.get("limit", MOST_REPORTS))])


def cursor(request: Request) -> object:
    """What of a request says where it reads."""
    body = body_of(request) or {}
    return {name: body[name] for name in ("dateFrom", "dateTo", "rrdId", "offset", "period") if name in body}


def _day(text: str) -> date | None:
    if not _MOMENT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment.astimezone(MOSCOW) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):
        return None
