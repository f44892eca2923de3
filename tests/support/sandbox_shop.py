"""Addresses of a shop's trade at the sandbox, and walks over them as a patient client makes them."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from support.sandbox_caller import EARLIEST, Caller

SALES = "/wb/statistics-api/api/v1/supplier/sales"
_ANALYTICS = "/wb/seller-analytics-api/api"
ORDER_FEED = f"{_ANALYTICS}/analytics/v1/order-feed"
WB_STOCKS = f"{_ANALYTICS}/analytics/v1/stocks-report/wb-warehouses"
SELLER_STOCKS = f"{_ANALYTICS}/analytics/v1/stocks-report/seller-warehouses"
FUNNEL = f"{_ANALYTICS}/analytics/v3/sales-funnel/products"
HISTORY = f"{FUNNEL}/history"
REPORTS = f"{_ANALYTICS}/v2/nm-report/downloads"
PRICES = "/wb/discounts-prices-api/api/v2/list/goods/filter"
WAREHOUSES = "/wb/marketplace-api/api/v3/warehouses"
OFFICES = "/wb/marketplace-api/api/v3/offices"
MONTH = {"start": "2026-10-21T00:00:00+03:00"}
"""As far back as the order feed reaches on the day the worlds of these tests are born."""


def sale_pages(caller: Caller) -> Iterator[list[dict[str, Any]]]:
    """Pages until the position stands still."""
    since = EARLIEST
    while True:
        page: Any = caller.get(f"{SALES}?dateFrom={since}").json()
        caller.wait(60)
        if not page:
            return
        yield page
        if page[-1]["lastChangeDate"] == since:
            return
        since = page[-1]["lastChangeDate"]


def feed_pages(caller: Caller, *, limit: int, snapshot: bool = True) -> Iterator[list[dict[str, Any]]]:
    """Pages of the last month, within one snapshot or each as things stand when it is asked for."""
    paging: dict[str, Any] = {"offset": 0, "limit": limit}
    while True:
        data: Any = caller.post(ORDER_FEED, {"selectedPeriod": MONTH, "pagination": paging}).json()
        caller.wait(60)
        yield data["data"]["orders"]
        if len(data["data"]["orders"]) < limit:
            return
        paging = {
            "offset": paging["offset"] + limit,
            "limit": limit,
            **({"snapshotTime": data["data"]["snapshotTime"]} if snapshot else {}),
        }


def price_pages(caller: Caller, *, limit: int) -> Iterator[list[dict[str, Any]]]:
    """Pages until there is nothing more."""
    offset = 0
    while page := goods(caller, f"?limit={limit}&offset={offset}"):
        yield page
        offset += limit


def goods(caller: Caller, query: str) -> list[dict[str, Any]]:
    """The products of one answer; an empty list may be told as null."""
    body: Any = caller.get(PRICES + query).json()
    caller.wait(1)
    return body["data"]["listGoods"] or []


def funnel_of(caller: Caller, start: str, end: str, **rest: Any) -> list[dict[str, Any]]:
    """Cards with their numbers over a period, up to a thousand."""
    body: Any = caller.post(FUNNEL, {"selectedPeriod": {"start": start, "end": end}, "limit": 1_000, **rest}).json()
    caller.wait(20)
    found: list[dict[str, Any]] = body["data"]["products"]
    return found


def csv_of(archive: bytes | memoryview) -> list[str]:
    """Lines of the one file in an archive."""
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        [name] = packed.namelist()
        return packed.read(name).decode().splitlines()
