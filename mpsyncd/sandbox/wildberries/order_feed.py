"""`POST seller-analytics-api /api/analytics/v1/order-feed` (wildberries.md §3.3; official YAML "analytics" of 2026-08-18).

Orders by the time of their status, newest first. The first page tells its `snapshotTime`; who sends it with the next pages reads on in
what stood there then, who does not reads what stands there now, so that pages shift. A snapshot belongs to one period and one filter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Request, Response, json_response
from mpsyncd.sandbox.options import FaultKind
from mpsyncd.sandbox.wildberries.asking import body_of, is_moment, moment
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.problems import analytics_refusal
from mpsyncd.sandbox.wildberries.shape import Shape, at_most, faults_of, is_text, is_whole, list_of, within
from mpsyncd.sandbox.wildberries.spelling import MOSCOW, number, zulu
from mpsyncd.sandbox.world import vocabulary as words
from mpsyncd.sandbox.world.dice import rolled
from mpsyncd.sandbox.world.records import Fulfilment
from mpsyncd.sandbox.world.sales import Standing, Standings, Status

CURRENCY = "RUB"
DEPTH = timedelta(days=31)
"""How far back the feed reaches, counted in whole days."""
_LIMIT = Limit.per(60, limit=1, burst=1)
_BASE_LIMIT = Limit.per(3 * 3_600, limit=1, burst=1)
_PAGE, _DEFAULT_PAGE = 10_000, 50
_FILTERS = ("nmIds", "subjectIds", "brandNames", "tagIds")
_SNAPSHOT_LIFE = timedelta(hours=12)
_MOST_SNAPSHOTS = 8
_EXPIRED = FaultKind.SNAPSHOT_EXPIRED
_STATUSES: Mapping[Status, str] = {
    Status.CREATED: "created",
    Status.BOUGHT: "buyout",
    Status.CANCELLED: "cancel",
    Status.RETURNED: "return",
    Status.RETURNED_DEFECTIVE: "returnDefective",
}
_CANCELS = ("app", "receipt", "expire", "other")
_SHAPE: Shape = {
    "selectedPeriod": {"start": is_moment, "end": is_moment},
    "nmIds": at_most(1_000, list_of(is_whole)),
    "subjectIds": at_most(50, list_of(is_whole)),
    "brandNames": at_most(50, list_of(is_text)),
    "tagIds": at_most(50, list_of(is_whole)),
    "pagination": {"snapshotTime": is_moment, "offset": within(0, 2**31 - 1), "limit": within(1, _PAGE)},
}


@dataclass(frozen=True, slots=True)
class _Snapshot:
    taken: datetime
    question: dict[str, Any]
    rows: Standings


@dataclass(slots=True)
class _Snapshots:
    """The last few snapshots of a seller by their mark."""

    kept: dict[str, _Snapshot] = field(default_factory=dict)

    def keep(self, snapshot: _Snapshot) -> str:
        mark = zulu(snapshot.taken)
        self.kept[mark] = snapshot
        while len(self.kept) > _MOST_SNAPSHOTS:
            del self.kept[next(iter(self.kept))]
        return mark


def row(one: Standing) -> dict[str, object]:
    """One order as the vendor spells it; a warehouse of its own has no region and one name."""
    order = one.order
    own = order.fulfilment is Fulfilment.SELLER
    town, district = words.DESTINATIONS[order.region]
    roll = rolled(order.srid)
    cancelled = {"cancelType": _CANCELS[roll[0] % len(_CANCELS)]} if one.status is Status.CANCELLED else {}
    return {
        "nmId": order.nm_id,
        "chrtId": order.chrt_id,
        "srid": order.srid,
        "createdAt": _stamp(order.created_at),
        "updatedAt": _stamp(one.since),
        "status": _STATUSES[one.status],
        **cancelled,
        "warehouseName": order.warehouse if own else "Склад WB",
        "warehouseRegion": "Центральный" if own else "",
        "isMp": own,
        "destinationCity": town,
        "destinationDistrict": district,
        "sellerPrice": number(order.price_with_discount),
        "isB2b": roll[1] % 20 == 0,
    }


def order_feed(call: Call) -> Response:
    """A page of orders of a period."""
    body = body_of(call.request)
    wrong = "request body is no JSON object" if body is None else _fault(body, now=call.now)
    if body is None or wrong is not None:
        return analytics_refusal(str(wrong))
    paging = body.get("pagination", {})
    question = {name: body[name] for name in ("selectedPeriod", *_FILTERS) if body.get(name)}
    snapshots = call.keep.of(_Snapshots, _Snapshots)
    mark = paging.get("snapshotTime") or snapshots.keep(_Snapshot(call.now, question, _rows(call, question)))
    snapshot = snapshots.kept.get(mark)
    if snapshot is None or call.now > snapshot.taken + _SNAPSHOT_LIFE or ("snapshotTime" in paging and call.struck(_EXPIRED)):
        return analytics_refusal("pagination.snapshotTime: no such snapshot, begin with offset 0")
    if snapshot.question != question:
        return analytics_refusal("pagination.snapshotTime: belongs to another period or filter")
    offset, limit = paging.get("offset", 0), paging.get("limit", _DEFAULT_PAGE)
    return call.unhurried(lambda: _page(snapshot.rows, mark, offset=offset, limit=limit))


def _page(rows: Standings, mark: str, *, offset: int, limit: int) -> Response:
    orders = [row(one) for one in rows.page(offset=offset, limit=limit)]
    return json_response({"data": {"snapshotTime": mark, "currency": CURRENCY, "orders": orders}})


def _fault(body: dict[str, Any], *, now: datetime) -> str | None:
    """What is wrong with the body."""
    if faults := list(faults_of(body, _SHAPE)):
        return "; ".join(faults)
    period = body.get("selectedPeriod", {})
    start, end = moment(period.get("start")), moment(period.get("end"))
    if start is None:
        return "selectedPeriod.start: field required"
    if start > (end or now) or start < earliest(now):
        return f"selectedPeriod: not later than its end and within {DEPTH.days} days"
    return None


def earliest(now: datetime) -> datetime:
    """The earliest moment that a period may begin at."""
    return (now - DEPTH).astimezone(MOSCOW).replace(hour=0, minute=0, second=0, microsecond=0)


def _rows(call: Call, question: Mapping[str, Any]) -> Standings:
    period = question["selectedPeriod"]
    every = call.seller.standings(start=moment(period["start"]) or call.now, end=moment(period.get("end")) or call.now)
    if not any(name in question for name in _FILTERS):
        return every
    cards = {card.nm_id: card for card in (*call.seller.cards.ascending(), *call.seller.trash.ascending())}
    subjects, tags = set(question.get("subjectIds", ())), set(question.get("tagIds", ()))
    wanted = [
        one
        for one in every.page(offset=0, limit=every.count)
        if (not question.get("nmIds") or one.order.nm_id in question["nmIds"])
        and (not question.get("brandNames") or one.order.brand in question["brandNames"])
        and (not subjects or cards[one.order.nm_id].subject_id in subjects)
        and (not tags or any(tag.id in tags for tag in cards[one.order.nm_id].tags))
    ]
    return Standings(len(wanted), wanted.__getitem__)


def _stamp(at: datetime) -> str:
    return at.astimezone(MOSCOW).isoformat(timespec="seconds")


def _cursor(request: Request) -> object:
    body = body_of(request) or {}
    return {name: body.get(name) for name in ("selectedPeriod", "pagination")}


ENDPOINTS = (
    Endpoint(
        method="POST",
        host="seller-analytics-api",
        path="/api/analytics/v1/order-feed",
        gate="analytics.order-feed",
        limit=_LIMIT,
        base_limit=_BASE_LIMIT,
        answer=order_feed,
        cursor=_cursor,
        empty=b'{"data":{"snapshotTime":"2026-01-01T00:00:00Z","currency":"RUB","orders":[]}}',
        enums=frozenset({"status", "cancelType"}),
    ),
)
