"""The seller's warehouses, and the vendor's offices that they can be bound to (vendor's page "Seller's warehouses", read October 2026).

Each list is one answer. A refused request counts for ten in the limit that both share.
"""

from __future__ import annotations

from datetime import timedelta

from mpsyncd.model.request import Request
from mpsyncd.model.stream import Stream, Table
from mpsyncd.sources.reading import paged
from mpsyncd.sources.rows import Cures, number, together, whole


def _list(name: str, *, row: Cures) -> Stream:
    request = Request(method="GET", host="marketplace-api", path=f"/api/v3/{name}", limits=("marketplace.warehouses",))
    return Stream(
        name=name,
        tables=(Table(name=f"wb.{name}", key=("id",), row=row),),
        read=paged(request),
        schedule="daily",
        walk=timedelta(0),
        capability="marketplace",
        limits=request.limits,
        page_rows=100,
        requests=lambda _: dict.fromkeys(request.limits, 1),
    )


WAREHOUSES = _list("warehouses", row=whole("id", "officeId", "cargoType", "deliveryType"))
OFFICES = _list("offices", row=together(whole("id", "cargoType", "deliveryType"), number("longitude", "latitude")))
