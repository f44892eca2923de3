"""What the methods of the statistics host have in common: parameters, soft cuts, retention, the fields of an order (wildberries.md §3).

flag=0 walks by time of change and is cut softly; flag=1 gives one calendar day whole. Times are Moscow's, without a zone.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from mpsyncd.sandbox.http import Request, Response
from mpsyncd.sandbox.wildberries.problems import statistics_refusal
from mpsyncd.sandbox.wildberries.spelling import MOSCOW, moscow, number
from mpsyncd.sandbox.world.records import Fulfilment, Order

RETENTION = timedelta(days=90)
"""How long after it was made an order and its sales are told."""
_KNOWN = frozenset({"dateFrom", "flag"})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?)?")

T = TypeVar("T")


def asked(request: Request) -> tuple[datetime, bool] | Response:
    """`dateFrom` on Moscow's clock and whether its whole day is wanted; the refusal of wrong parameters."""
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


def cut_softly(rows: Iterable[T], *, cap: int, inclusive: bool, stamp: Callable[[T], datetime]) -> Iterable[T]:
    """About `cap` rows, more where the next page could not be reached otherwise.

    A walk that repeats the border (inclusive) may be cut inside a tie, unless the tie fills the page; a walk that does not repeat it
    is never cut inside a tie, or the rest of the tie would be lost.
    """
    source = iter(rows)
    page = list(islice(source, cap))
    yield from page
    if len(page) < cap:
        return
    last = stamp(page[-1])
    if inclusive and last != stamp(page[0]):
        return
    for row in source:
        if stamp(row) != last:
            return
        yield row


def of_order(order: Order) -> dict[str, object]:
    """The fields that a row of an order and a row of its sale share; the times and the sums after discounts are not among them."""
    return {
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
        "sticker": order.sticker,
        "gNumber": order.cart,
        "srid": order.srid,
    }


def dates(*, date: datetime, changed: datetime) -> dict[str, object]:
    """The two times that every row has."""
    return {"date": moscow(date), "lastChangeDate": moscow(changed)}


def cursor(request: Request) -> object:
    """What of a request says where it reads."""
    given = dict(request.query)
    return {name: given[name] for name in ("dateFrom", "flag") if name in given}


def _moment(text: str) -> datetime | None:
    """The moment on Moscow's clock, or None for a text that is no date of the documented form."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(MOSCOW) if moment.tzinfo else moment.replace(tzinfo=MOSCOW)
    except (ValueError, OverflowError):
        return None
