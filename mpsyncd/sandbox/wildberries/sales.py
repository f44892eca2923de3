"""`GET statistics-api /api/v1/supplier/sales` (wildberries.md §3.2; official YAML "reports" of 2026-08-18).

A row is a unit that was bought (S…) or brought back (R…). Up to a day after it appears its sums are 0; that they are known later may
move the time of change, and may not.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Response
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.large_pages import LargePages
from mpsyncd.sandbox.wildberries.spelling import MOSCOW, number
from mpsyncd.sandbox.wildberries.statistics import RETENTION, asked, cursor, cut_softly, dates, of_order
from mpsyncd.sandbox.world.large_sales import LargeSales
from mpsyncd.sandbox.world.sales import Sale

_LIMIT = Limit.per(60, limit=1, burst=1)
_BASE_LIMIT = Limit.per(2 * 3_600, limit=1, burst=1)


@dataclass(slots=True)
class _Prepared:
    """Pages of a large seller, rendered when they are first asked for, once even by two threads."""

    pages: LargePages | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


def row(sale: Sale, *, at: datetime) -> dict[str, object]:
    """One sale as the vendor spells it at a moment."""
    known = sale.settled(at)
    return {
        **dates(date=sale.happened_at, changed=sale.changed_at(at)),
        **of_order(sale.order),
        "paymentSaleAmount": sale.wallet,
        "forPay": number(sale.for_pay) if known else 0,
        "finishedPrice": number(sale.order.finished_price) if known else 0,
        "priceWithDisc": number(sale.order.price_with_discount) if known else 0,
        "saleID": sale.sale_id,
    }


def sales(call: Call) -> Response:
    """Rows changed since `dateFrom`, or the rows of the day of `dateFrom`."""
    read = asked(call.request)
    if isinstance(read, Response):
        return read
    since, whole_day = read
    book, at = call.seller.sales, call.moment
    inclusive = call.options.orders_boundary == "at"
    if isinstance(book, LargeSales) and not whole_day:
        prepared = call.keep.of(_Prepared, _Prepared)
        return call.unhurried(lambda: _pages(call, prepared, book).answer(since, cap=call.options.orders_cap, inclusive=inclusive))
    kept = at - RETENTION
    if whole_day:
        day = since.date()
        rows = (sale for sale in book.every(at=at) if sale.happened_at.astimezone(MOSCOW).date() == day)
        return _rows((sale for sale in rows if sale.order.created_at >= kept), at=at)
    told = (sale for sale in book.since(since, inclusive=inclusive, at=at) if sale.order.created_at >= kept)
    return _rows(cut_softly(told, cap=call.options.orders_cap, inclusive=inclusive, stamp=lambda sale: sale.changed_at(at)), at=at)


def _pages(call: Call, prepared: _Prepared, book: LargeSales) -> LargePages:
    cap, inclusive = call.options.orders_cap, call.options.orders_boundary == "at"
    with prepared.lock:
        if prepared.pages is None:
            at = call.moment
            prepared.pages = LargePages(book, render=lambda place: orjson.dumps(row(book.at(place), at=at)), cap=cap, inclusive=inclusive)
        return prepared.pages


def _rows(rows: Iterable[Sale], *, at: datetime) -> Response:
    return Response(body=orjson.dumps([row(sale, at=at) for sale in rows]))


ENDPOINTS = (
    Endpoint(
        method="GET",
        host="statistics-api",
        path="/api/v1/supplier/sales",
        gate="statistics.sales",
        limit=_LIMIT,
        base_limit=_BASE_LIMIT,
        answer=sales,
        cursor=cursor,
        empty=b"[]",
        enums=frozenset({"warehouseType"}),
    ),
)
