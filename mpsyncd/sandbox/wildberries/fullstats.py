"""`GET advert-api /adv/v3/fullstats` (wildberries.md §6; official YAML "promotion" of 2026-08-18).

One id whose status has no statistics spoils the whole batch. Campaigns without figures in the period are left out; when none is left,
"nothing" has one of three shapes. Today has no figures yet.
"""

from collections.abc import Iterator
from datetime import date
from http import HTTPStatus

import orjson

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Request, Response
from mpsyncd.sandbox.options import FaultKind
from mpsyncd.sandbox.rendered import Rendered
from mpsyncd.sandbox.wildberries import promotion
from mpsyncd.sandbox.wildberries.advert_figures import row
from mpsyncd.sandbox.wildberries.asking import day, strange
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.promotion import HOUR, MOST_DAYS, MOST_IDS, with_figures
from mpsyncd.sandbox.world.calendar import DAY, day_of
from mpsyncd.sandbox.world.campaigns import Campaign
from mpsyncd.sandbox.world.dice import dice

_LIMIT, _BASE_LIMIT = Limit.per(60, limit=3, burst=1), Limit.per(HOUR, limit=1, burst=1)
_KNOWN = ("ids", "beginDate", "endDate")
_NONE = "there are no statistics for this advertising period"
_LIGHT = 10
"""Campaigns that are never too much for one request."""


def fullstats(call: Call) -> Response:
    """Figures of campaigns by day, platform and card."""
    asked = _asked(call.request, today=day_of(call.moment))
    if isinstance(asked, Response):
        return asked
    ids, first, last = asked
    present = call.seller.adverts.present(call.moment)
    wanted = [present[number] for number in ids if number in present]
    if len(wanted) < len(ids) or not all(map(with_figures, wanted)):
        return promotion.refusal("invalid ids")
    if first == day_of(call.moment):
        return promotion.refusal(_NONE)
    if len(ids) > _LIGHT and call.struck(FaultKind.HEAVY_BATCH):
        detail = "rpc error: code = DeadlineExceeded desc = context deadline exceeded"
        body = promotion.problem(detail, status=HTTPStatus.INTERNAL_SERVER_ERROR, title="internal error")
        return Response(status=HTTPStatus.INTERNAL_SERVER_ERROR, body=body)
    if call.seller.spec.large:
        pieces = lambda: _pieces(call, wanted, first=first, last=last)  # noqa: E731 - asked when the answer is sent
        return call.keep.of(Rendered, Rendered).answer((tuple(ids), first, last), pieces)
    rows = list(_rows(call, wanted, first=first, last=last))
    return Response(body=b"[" + b",".join(rows) + b"]") if rows else _nothing(ids, first, last)


def _asked(request: Request, *, today: date) -> tuple[list[int], date, date] | Response:
    given = dict(request.query)
    if name := strange(request, known=_KNOWN):
        return promotion.field_refusal("unexpected parameter", field=name)
    ids = promotion.ids_of(given.get("ids", ""))
    if ids is None or len(ids) > MOST_IDS or len(set(ids)) < len(ids):
        return promotion.refusal("invalid ids")
    first, last = day(given.get("beginDate")), day(given.get("endDate"))
    if first is None or last is None:
        return promotion.field_refusal("invalid date", field="endDate" if first else "beginDate")
    if last < first or last > today:
        return promotion.refusal("invalid end date")
    if last - first >= MOST_DAYS * DAY:
        return promotion.field_refusal(f"max date range {MOST_DAYS} days", field="begin and end")
    return ids, first, last


def _rows(call: Call, campaigns: list[Campaign], *, first: date, last: date) -> Iterator[bytes]:
    for one in dice("order of campaigns", first, last).sample(campaigns, len(campaigns)):
        days = list(call.seller.adverts.days(one, first=first, last=last, moment=call.moment))
        if days:
            yield orjson.dumps(row(one, days))


def _pieces(call: Call, campaigns: list[Campaign], *, first: date, last: date) -> Iterator[bytes]:
    start = b"["
    for piece in _rows(call, campaigns, first=first, last=last):
        yield start + piece
        start = b","
    yield b"]" if start == b"," else b"[]"


def _nothing(ids: list[int], first: date, last: date) -> Response:
    """A refusal, the same body with status 200, or null: the same for the same question."""
    body = promotion.problem(_NONE)
    refused, fine, null = Response(status=HTTPStatus.BAD_REQUEST, body=body), Response(body=body), Response(body=b"null")
    return dice("nothing", ids, first, last).choice((refused, fine, null))


def _cursor(request: Request) -> object:
    return dict(request.query)


ENDPOINTS = (
    Endpoint(
        method="GET",
        host="advert-api",
        path="/adv/v3/fullstats",
        gate="advert.fullstats",
        limit=_LIMIT,
        base_limit=_BASE_LIMIT,
        answer=fullstats,
        cursor=_cursor,
        empty=b"null",
    ),
)
