"""Stock in the vendor's warehouses and in the seller's (vendor's page "Stock history", read October 2026): what is there now, by size.

Both answers are renewed every half hour and kept nowhere, so both tables keep a history. Tokens of the base type may use neither method,
those with a service secret only the first.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.request import Request
from mpsyncd.model.stream import Stream, Table, Write
from mpsyncd.sources.pagers import Offset
from mpsyncd.sources.reading import paged
from mpsyncd.sources.rows import whole

if TYPE_CHECKING:
    from mpsyncd.model.request import Document

_REPORT = "/api/analytics/v1/stocks-report"
_PAGE = 250_000
_KEY = ("nm_id", "chrt_id", "warehouse_id", "warehouse_name", "region_name")
_NUMBERS = whole("nmId", "chrtId", "warehouseId", "quantity", "inWayToClient", "inWayFromClient")


def _row(stock: Document) -> Document:
    """The vendor hides its warehouses behind one number, so names are part of the key; one that is left out is empty."""
    cured = _NUMBERS(stock)
    return {**cured, **{name: "" for name in ("warehouseName", "regionName") if cured.get(name) is None}}


def _stocks(name: str, *, method: str, limit: str) -> Stream:
    request = Request(
        method="POST", host="seller-analytics-api", path=f"{_REPORT}/{method}", json={}, rows_at="data.items", limits=(limit,)
    )
    return Stream(
        name=name,
        tables=(Table(name=f"wb.{name}", key=_KEY, row=_row, write=Write.SNAPSHOT),),
        # Should the vendor give less at once than it promises today, a short page must not pass for the end: the rest would be swept.
        read=paged(request, pager=Offset(size=_PAGE, body=True, until_empty=True)),
        schedule="frequent",
        walk=timedelta(0),
        capability="analytics",
        limits=request.limits,
        page_rows=_PAGE,
        requests=lambda load: {limit: math.ceil((load.rows or 1) / _PAGE) + 2},
    )


STOCKS = _stocks("stocks", method="wb-warehouses", limit="analytics.wb_stocks")
SELLER_STOCKS = _stocks("seller_stocks", method="seller-warehouses", limit="analytics.seller_stocks")
