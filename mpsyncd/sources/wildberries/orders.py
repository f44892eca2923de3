"""Orders as the statistics API tells them (page "Reports", read October 2026): preliminary, kept 90 days, renewed every half hour.

One row is one unit of one order. Moments are Moscow's without a zone; an answer is cut at about 80,000 rows.
"""

from __future__ import annotations

from datetime import timedelta

from mpsyncd.model.request import Request
from mpsyncd.model.stream import Stream, Table
from mpsyncd.sources.pagers import Since
from mpsyncd.sources.reading import paged
from mpsyncd.sources.rows import MOSCOW, moscow_time, number, together, whole

_ORDERS = Request(method="GET", host="statistics-api", path="/api/v1/supplier/orders", params={"flag": "0"}, limits=("statistics.orders",))
_PAGE = 80_000

ORDERS = Stream(
    name="orders",
    tables=(
        Table(
            name="wb.orders",
            key=("srid",),
            guard="last_change_date",
            row=together(
                moscow_time("date", "lastChangeDate", "cancelDate"),
                whole("nmId", "incomeID"),
                number("totalPrice", "discountPercent", "spp", "finishedPrice", "priceWithDisc"),
            ),
        ),
    ),
    # A page is soft-capped "at about 80,000": well below that it was certainly not cut.
    read=paged(_ORDERS, pager=Since(param="dateFrom", field="lastChangeDate", zone=MOSCOW, full=60_000)),
    schedule="frequent",
    overlap=timedelta(hours=1),
    backfill=timedelta(days=90),
    capability="statistics",
    limits=_ORDERS.limits,
    page_rows=_PAGE,
    requests=lambda load: dict.fromkeys(_ORDERS.limits, (load.rows or 0) // _PAGE + 2),
    day="date",
)
