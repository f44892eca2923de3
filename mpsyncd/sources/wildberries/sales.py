"""Sales and returns as the statistics API tells them (page "Reports", October 2026): preliminary, kept 90 days, renewed every half hour.

One row is one unit sold (S…) or brought back (R…); both bear the srid of their order. Paging and moments are those of orders.
"""

from __future__ import annotations

from datetime import timedelta

from mpsyncd.model.request import Request
from mpsyncd.model.stream import Stream, Table
from mpsyncd.sources.pagers import Since
from mpsyncd.sources.reading import paged
from mpsyncd.sources.rows import MOSCOW, moscow_time, number, together, whole

_SALES = Request(method="GET", host="statistics-api", path="/api/v1/supplier/sales", params={"flag": "0"}, limits=("statistics.sales",))
_PAGE = 80_000

SALES = Stream(
    name="sales",
    tables=(
        Table(
            name="wb.sales",
            key=("sale_id",),
            guard="last_change_date",
            row=together(
                moscow_time("date", "lastChangeDate"),
                whole("nmId", "incomeID"),
                number("totalPrice", "discountPercent", "spp", "paymentSaleAmount", "forPay", "finishedPrice", "priceWithDisc"),
            ),
        ),
    ),
    # Cut where orders are cut.
    read=paged(_SALES, pager=Since(param="dateFrom", field="lastChangeDate", zone=MOSCOW, full=60_000)),
    schedule="frequent",
    # Sums are 0 until the vendor fills them in, within a day, and nothing promises that the time of change moves then. It costs no request.
    overlap=timedelta(hours=25),
    backfill=timedelta(days=90),
    capability="statistics",
    limits=_SALES.limits,
    page_rows=_PAGE,
    requests=lambda load: dict.fromkeys(_SALES.limits, (load.rows or 0) // _PAGE + 2),
    day="date",
)
