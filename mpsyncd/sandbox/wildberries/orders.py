"""`GET statistics-api /api/v1/supplier/orders` (wildberries.md §3.1; official YAML "reports" of 2026-08-18)."""

from collections.abc import Iterable
from datetime import datetime

import orjson

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Response
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.spelling import MOSCOW, NO_DATE, moscow, number
from mpsyncd.sandbox.wildberries.statistics import RETENTION, asked, cursor, cut_softly, dates, of_order
from mpsyncd.sandbox.world.records import Order

_LIMIT = Limit.per(60, limit=1, burst=10)
_BASE_LIMIT = Limit.per(3 * 3_600, limit=1, burst=1)


def row(order: Order) -> dict[str, object]:
    """One order as the vendor spells it."""
    return {
        **dates(date=order.created_at, changed=order.changed_at),
        **of_order(order),
        "finishedPrice": number(order.finished_price),
        "priceWithDisc": number(order.price_with_discount),
        "isCancel": order.cancelled_at is not None,
        "cancelDate": NO_DATE if order.cancelled_at is None else moscow(order.cancelled_at),
    }


def orders(call: Call) -> Response:
    """Rows changed since `dateFrom`, or the rows of the day of `dateFrom`."""
    read = asked(call.request)
    if isinstance(read, Response):
        return read
    since, whole_day = read
    pages = call.pages.get(call.seller.spec.name)
    inclusive = call.options.orders_boundary == "at"
    if pages is not None and not whole_day:
        return pages.answer(since, cap=call.options.orders_cap, inclusive=inclusive)
    book = call.seller.orders
    kept = call.moment - RETENTION
    if whole_day:
        day = since.date()
        return _rows(order for order in book.every() if order.created_at >= kept and order.created_at.astimezone(MOSCOW).date() == day)
    rows = (order for order in book.since(since, inclusive=inclusive) if order.created_at >= kept)
    return _rows(cut_softly(rows, cap=call.options.orders_cap, inclusive=inclusive, stamp=_changed_at))


def _rows(rows: Iterable[Order]) -> Response:
    return Response(body=orjson.dumps([row(order) for order in rows]))


def _changed_at(order: Order) -> datetime:
    return order.changed_at


ENDPOINTS = (
    Endpoint(
        method="GET",
        host="statistics-api",
        path="/api/v1/supplier/orders",
        gate="statistics.orders",
        limit=_LIMIT,
        base_limit=_BASE_LIMIT,
        answer=orders,
        cursor=cursor,
        empty=b"[]",
        enums=frozenset({"warehouseType"}),
    ),
)
