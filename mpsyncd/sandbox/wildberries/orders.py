"""`GET statistics-api /api/v1/supplier/orders` (wildberries.md §3.1; official YAML "reports" of 2026-08-18).

flag=0 walks by time of change and is cut softly; flag=1 gives one calendar day of orders whole. Times are Moscow's, without a zone.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

import orjson

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Request, Response
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.problems import statistics_refusal
from mpsyncd.sandbox.wildberries.spelling import MOSCOW, NO_DATE, moscow, number
from mpsyncd.sandbox.world.records import Fulfilment, Order

RETENTION = timedelta(days=90)
_LIMIT = Limit.per(60, limit=1, burst=10)
_BASE_LIMIT = Limit.per(3 * 3_600, limit=1, burst=1)
_KNOWN = frozenset({"dateFrom", "flag"})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?)?")


def row(order: Order) -> dict[str, object]:
    """One order as the vendor spells it."""
    return {
        "date": moscow(order.created_at),
        "lastChangeDate": moscow(order.changed_at),
        "warehouseName": order.warehouse,
        "warehouseType": "Склад WB" if order.fulfilment is Fulfilment.MARKETPLACE else "Склад продавца",
        "countryName": order.country,
        "oblastOkrugName": order.district,
        "regionName": order.region,
        "supplierArticle": order.vendor_code,
        "nmId": order.nm_id,
        "barcode": order.barcode,
        "category": order.category,
        "subject": order.subject,
        "brand": order.brand,
        "techSize": order.tech_size,
        "incomeID": order.income_id,
        "isSupply": order.is_supply,
        "isRealization": order.is_realization,
        "totalPrice": number(order.total_price),
        "discountPercent": order.discount_percent,
        "spp": number(order.spp),
        "finishedPrice": number(order.finished_price),
        "priceWithDisc": number(order.price_with_discount),
        "isCancel": order.cancelled_at is not None,
        "cancelDate": NO_DATE if order.cancelled_at is None else moscow(order.cancelled_at),
        "sticker": order.sticker,
        "gNumber": order.cart,
        "srid": order.srid,
    }


def orders(call: Call) -> Response:
    """Rows changed since `dateFrom`, or the rows of the day of `dateFrom`."""
    read = _parameters(call.request)
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
    return _rows(cut_softly(rows, cap=call.options.orders_cap, inclusive=inclusive))


def cut_softly(rows: Iterable[Order], *, cap: int, inclusive: bool) -> Iterable[Order]:
    """About `cap` rows, more where the next page could not be reached otherwise.

    A walk that repeats the border (inclusive) may be cut inside a tie, unless the tie fills the page; a walk that repeat it
    is never cut inside a tie, or the rest of the tie would be lost.
    """
    source = iter(rows)
    page = list(islice(source, cap))
    yield from page
    if len(page) < cap:
        return
    last = page[-1].changed_at
    if inclusive and last != page[0].changed_at:
        return
    for order in source:
        if order.changed_at != last:
            return
        yield order


def _rows(rows: Iterable[Order]) -> Response:
    return Response(body=orjson.dumps([row(order) for order in rows]))


def _parameters(request: Request) -> tuple[datetime, bool] | Response:
    given = dict(request.query)
    if unknown := sorted(set(given) - _KNOWN):
        return statistics_refusal(*(f"{name}: unknown parameter" for name in unknown))
    if len(given) != len(request.query):
        return statistics_refusal("parameters: given more than once")
    if "dateFrom" not in given:
        return statistics_refusal("dateFrom: field required")
    since = _moment(given["dateFrom"])
    if since is None:
        return statistics_refusal("dateFrom: Value not validated", as_text=True)
    flag = given.get("flag", "0")
    if flag not in {"0", "1"}:
        return statistics_refusal("flag: Value not validated", as_text=True)
    return since, flag == "1"


def _moment(text: str) -> datetime | None:
    """The moment on Moscow's clock, or None for a text that is no date of the documented form."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(MOSCOW) if moment.tzinfo else moment.replace(tzinfo=MOSCOW)
    except (ValueError, OverflowError):
        return None


def _cursor(request: Request) -> object:
    given = dict(request.query)
    return {name: given[name] for name in ("dateFrom", "flag") if name in given}


ENDPOINTS = (
    Endpoint(
        method="GET",
        host="statistics-api",
        path="/api/v1/supplier/orders",
        gate="statistics.orders",
        limit=_LIMIT,
        base_limit=_BASE_LIMIT,
        answer=orders,
        cursor=_cursor,
        empty=b"[]",
    ),
)
