"""What buyers bring back: their claims (vendor's page "Returns", October 2026) and goods on their way to the seller ("Item returns").

Claims are told for fourteen days and then no more, so a walk of them deletes nothing. Returns are asked for by the day of their order and
change for weeks; the method before this one took 31 days a request, and nobody promises more for this one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.request import Request
from mpsyncd.model.stream import Stream, Table
from mpsyncd.sources.lists import each_list
from mpsyncd.sources.pagers import Offset
from mpsyncd.sources.reading import paged
from mpsyncd.sources.rows import MOSCOW, calendar_day, moscow_time, number, together, whole
from mpsyncd.sources.wildberries.days import days_between
from mpsyncd.sources.windows import days_of, each_window

if TYPE_CHECKING:
    from mpsyncd.model.page import Slice
    from mpsyncd.model.plan import Workload
    from mpsyncd.model.stream import Read

_CLAIMS = Request(method="GET", host="returns-api", path="/api/v1/claims", rows_at="claims", limits=("returns.claims",))
_RETURNS = Request(
    method="GET", host="seller-analytics-api", path="/api/analytics/v1/item-returns", rows_at="report", limits=("analytics.item_returns",)
)
_MOST_CLAIMS, _MOST_RETURNS, _DAYS = 200, 1_000, 31


def claims(limit: int) -> Read:
    """Claims that wait, then those that are decided."""
    return each_list(*(paged(_CLAIMS.with_params(is_archive=told), pager=Offset(size=limit)) for told in ("false", "true")))


def item_returns(limit: int) -> Read:
    """Returns in any state, by the days of their orders."""
    return each_window(paged(_of_days, pager=Offset(size=limit), often_empty=True), days=_DAYS, zone=MOSCOW)


def _of_days(part: Slice) -> Request:
    first, last = days_of(part, zone=MOSCOW)
    return _RETURNS.with_params(dateFrom=first.isoformat(), dateTo=last.isoformat())


def _windows_of(load: Workload) -> int:
    return 1 if load.start is None or load.end is None else -(-days_between(load.start, load.end) // _DAYS)


CLAIMS = Stream(
    name="claims",
    tables=(
        Table(
            name="wb.claims",
            key=("id",),
            row=together(
                whole("claim_type", "status", "status_ex", "nm_id"),
                moscow_time("dt", "order_dt", "dt_update", "delivery_dt"),
                number("price"),
            ),
        ),
    ),
    read=claims(_MOST_CLAIMS),
    schedule="frequent",
    walk=timedelta(0),
    sweeps=False,
    capability="returns",
    limits=_CLAIMS.limits,
    page_rows=_MOST_CLAIMS,
)
ITEM_RETURNS = Stream(
    name="item_returns",
    tables=(
        Table(
            name="wb.item_returns",
            key=("srid",),
            row=together(
                whole("dstOfficeId", "nmId", "orderId", "shkId"),
                moscow_time("completedDt", "expiredDt", "readyToReturnDt"),
                calendar_day("orderDt"),
            ),
        ),
    ),
    read=item_returns(_MOST_RETURNS),
    schedule="frequent",
    overlap=timedelta(days=3 * _DAYS),
    backfill=timedelta(days=365),
    window=timedelta(days=_DAYS),
    history_behind=timedelta(days=3 * _DAYS - 1),
    capability="analytics",
    limits=_RETURNS.limits,
    page_rows=_MOST_RETURNS,
    day="order_dt",
    requests=lambda load: dict.fromkeys(_RETURNS.limits, _windows_of(load)),
)
