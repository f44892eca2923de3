"""Sales funnel by product and day, and totals of the last 30 days (page "Analytics and data", read October 2026).

The vendor looks back 365 days. Buyouts and cancels are booked on the day of their order, so past days change for weeks: two weeks are read
again every night. History comes day by day, or whole as a report where the shop pays for the subscription that opens it ("Jam").
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.page import Page
from mpsyncd.model.request import Request
from mpsyncd.model.stream import Parents, Shortcut, Stream, Table
from mpsyncd.sources.listed import ListedRows
from mpsyncd.sources.mapped import MappedRows
from mpsyncd.sources.pagers import ended
from mpsyncd.sources.parents import each_parent
from mpsyncd.sources.reading import opened
from mpsyncd.sources.rows import MOSCOW, calendar_day, number, together, whole
from mpsyncd.sources.wildberries.cards import CARDS
from mpsyncd.sources.wildberries.days import days, days_between, today
from mpsyncd.sources.wildberries.funnel_report import DEPTH, LOOKS, by_report
from mpsyncd.sources.windows import each_window

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from mpsyncd.model.page import Slice
    from mpsyncd.model.plan import Workload
    from mpsyncd.model.request import Api, Document
    from mpsyncd.model.stream import Read
    from mpsyncd.sources.mapped import Documents
    from mpsyncd.sources.parents import Parents as Batch

_BATCH = 1000
_FEW = 800
_TOTALS = timedelta(days=30)
_REREAD = timedelta(days=14)
_DAY = timedelta(days=1)
_FUNNEL = Request(
    method="POST",
    host="seller-analytics-api",
    path="/api/analytics/v3/sales-funnel/products",
    limits=("analytics.funnel",),
    rows_at="data.products",
)


def _request(products: Batch, *, first: str, last: str) -> Request:
    """All numbers of at most 1000 products over a period; naming them, because pages by number are sorted by what moves."""
    ids = [product["nm_id"] for product in products]
    body = {"selectedPeriod": {"start": first, "end": last}, "nmIds": ids, "skipDeletedNm": False, "limit": _BATCH, "offset": 0}
    return _FUNNEL.with_json(body)


async def _answered(api: Api, request: Request, part: Slice, *, documents: Documents) -> Page:
    answer = await api.send(request)
    told = (answer.envelope or {}).get("data") or {}
    currency = {"currency": told.get("currency")}

    def bearing(row: Document) -> list[Document]:
        return [{**document, **currency} for document in documents(row)]

    return Page(rows=MappedRows(answer.rows, bearing), cursor=None, last=True, asked_at=answer.asked_at, until=ended(part))


def _day_of(products: Batch) -> Read:
    async def read(api: Api, part: Slice) -> AsyncIterator[Page]:
        day, _ = days(part)
        yield await _answered(api, _request(products, first=day.isoformat(), last=day.isoformat()), part, documents=_day)

    return read


_OF_DAY = each_parent(_day_of, key=("nm_id",), batch=_BATCH)


async def _kept(api: Api, part: Slice) -> AsyncIterator[Page]:
    """Read one day of all products; a day that has meanwhile passed what the vendor keeps is let go.

    Where all fit into one answer none is named: then the vendor tells of those in the bin too, whose past is wanted if they come back.
    """
    day, _ = days(part)
    if day < today(part) - DEPTH:
        yield Page(rows=ListedRows(), cursor=None, last=True, asked_at=part.now, until=ended(part))
        return
    if part.cursor is None and await _few(part):
        page = await _answered(api, _request((), first=day.isoformat(), last=day.isoformat()), part, documents=_day)
        if page.rows.count < _BATCH:
            yield page
            return
        await page.rows.close()
    async with opened(_OF_DAY, api, part) as pages:
        async for page in pages:
            yield page


async def _few(part: Slice) -> bool:
    """Whether there are products, and so few that those in the bin hardly fill the answer."""
    if part.parents is None:
        return False
    known = sum([len(products) async for products in part.parents()])
    return 0 < known <= _FEW


def _totals_of(products: Batch) -> Read:
    async def read(api: Api, part: Slice) -> AsyncIterator[Page]:
        last = today(part)
        first = last - _TOTALS + _DAY
        yield await _answered(api, _request(products, first=first.isoformat(), last=last.isoformat()), part, documents=_totals)

    return read


def _day(row: Document) -> list[Document]:
    selected = row["statistic"]["selected"]
    return [{"nmId": row["product"]["nmId"], "day": selected["period"]["start"], **_numbers(selected)}]


def _totals(row: Document) -> list[Document]:
    selected = row["statistic"]["selected"]
    period = selected["period"]
    return [{**row["product"], "firstDay": period["start"], "lastDay": period["end"], **_numbers(selected)}]


def _numbers(selected: Mapping[str, object]) -> Document:
    """The numbers of a period, conversions among them instead of below them."""
    numbers = {key: value for key, value in selected.items() if key not in {"period", "conversions"}}
    conversions = selected.get("conversions")
    return {**numbers, **(conversions if isinstance(conversions, dict) else {})}


_CURES = together(
    whole("nmId", "openCount", "cartCount", "orderCount", "buyoutCount", "cancelCount", "addToWishlist"),
    number(
        *("orderSum", "buyoutSum", "cancelSum", "avgPrice", "avgOrdersCountPerDay", "shareOrderPercent", "localizationPercent"),
        *("addToCartPercent", "cartToOrderPercent", "buyoutPercent"),
    ),
)


def _batches(load: Workload) -> int:
    return -(-(load.parents or 0) // _BATCH)


def _requests(load: Workload) -> Mapping[str, int]:
    """One a batch and day; of a report one of each kind, and a few looks whether it is ready."""
    if load.shortcut:
        return {"analytics.report_create": 1, "analytics.report_list": LOOKS, "analytics.report_file": 1}
    touched = 1 if load.start is None or load.end is None else days_between(load.start, load.end)
    return {"analytics.funnel": _batches(load) * touched}


_CARDS = Parents(stream=CARDS.name, table=CARDS.main.name)
# A card that was thrown away still has its past, which changes until its last order is taken or sent back.
_EVERY_CARD = Parents(stream=CARDS.name, table=CARDS.main.name, deleted=True)

PRODUCT_TOTALS = Stream(
    name="product_totals",
    tables=(
        Table(
            name="wb.product_totals",
            key=("nm_id",),
            row=together(_CURES, whole("subjectId"), number("productRating", "feedbackRating"), calendar_day("firstDay", "lastDay")),
        ),
    ),
    read=each_parent(_totals_of, key=("nm_id",), batch=_BATCH),
    schedule="analytics",
    walk=timedelta(0),
    parents=_CARDS,
    capability="analytics",
    limits=_FUNNEL.limits,
    page_rows=_BATCH,
    requests=lambda load: {"analytics.funnel": _batches(load)},
)
FUNNEL = Stream(
    name="funnel",
    tables=(Table(name="wb.funnel", key=("nm_id", "day"), row=together(_CURES, calendar_day("day"))),),
    read=each_window(_kept, days=1, zone=MOSCOW, newest_first=True),
    schedule="analytics",
    overlap=_REREAD,
    backfill=DEPTH - _DAY,
    window=_DAY,
    history_behind=_REREAD - _DAY,
    shortcut=Shortcut(capability="jam", read=by_report, window=None, behind=_REREAD - _DAY),
    parents=_EVERY_CARD,
    capability="analytics",
    limits=_FUNNEL.limits,
    page_rows=_BATCH,
    day="day",
    requests=_requests,
)
