"""Prices and discounts (vendor's page "Prices and discounts", read October 2026). The product is the document, its sizes are parts.

The vendor tells only what is true now, so both tables keep a history. The whole category has one limit.
"""

from __future__ import annotations

import math
from datetime import timedelta

from mpsyncd.model.request import Request
from mpsyncd.model.stream import Stream, Table, Write
from mpsyncd.sources.pagers import Offset
from mpsyncd.sources.reading import paged
from mpsyncd.sources.rows import number, together, whole

_PAGE = 1000
_PRICES = Request(method="GET", host="discounts-prices-api", path="/api/v2/list/goods/filter", rows_at="data.listGoods", limits=("prices",))

PRICES = Stream(
    name="prices",
    tables=(
        Table(name="wb.prices", key=("nm_id",), row=together(whole("nmID"), number("discount", "clubDiscount")), write=Write.SNAPSHOT),
        Table(
            name="wb.price_sizes",
            key=("nm_id", "size_id"),
            part_of="wb.prices",
            at="sizes",
            carry={"nm_id": "nmID"},
            row=together(whole("sizeID"), number("price", "discountedPrice", "clubDiscountedPrice")),
            write=Write.SNAPSHOT,
        ),
    ),
    # The end of the list is an empty answer: nothing is promised of short ones.
    read=paged(_PRICES, pager=Offset(size=_PAGE, until_empty=True)),
    schedule="frequent",
    walk=timedelta(0),
    capability="prices",
    limits=_PRICES.limits,
    page_rows=_PAGE,
    requests=lambda load: dict.fromkeys(_PRICES.limits, math.ceil((load.rows or 1) / _PAGE) + 2),
)
