"""The funnel's history as one report in CSV (page "Analytics and data", "Seller analytics CSV", read October 2026).

Twenty reports a day; open to shops with a subscription, which no key tells: it is found out by ordering one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import BadRequest, Forbidden
from mpsyncd.model.request import Request
from mpsyncd.sources.mapped import mapped
from mpsyncd.sources.reading import opened
from mpsyncd.sources.reports import ReportState, report
from mpsyncd.sources.wildberries.days import days, today

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mpsyncd.model.page import Page, Slice
    from mpsyncd.model.request import Api, Document, Response

JAM = "jam"
DEPTH = timedelta(days=365)
LOOKS = 5
"""How often a report is looked at before it is ready, for plans: three times at once, then every twenty seconds."""
_HOST = "seller-analytics-api"
_PATH = "/api/v2/nm-report/downloads"
_SUBSCRIPTION = ("subscription", "подписк", "jam", "джем")
_STATES = {
    "WAITING": ReportState.WAITING,
    "PROCESSING": ReportState.WAITING,
    "RETRY": ReportState.WAITING,
    "SUCCESS": ReportState.READY,
    "FAILED": ReportState.FAILED,
}
_NAMES = {
    "nmID": "nmId",
    "dt": "day",
    "openCardCount": "openCount",
    "addToCartCount": "cartCount",
    "ordersCount": "orderCount",
    "ordersSumRub": "orderSum",
    "buyoutsCount": "buyoutCount",
    "buyoutsSumRub": "buyoutSum",
    "cancelSumRub": "cancelSum",
    "addToCartConversion": "addToCartPercent",
    "cartToOrderConversion": "cartToOrderPercent",
}
"""Columns of the report by the names that the method by days has for them."""


def _create(part: Slice, report_id: str) -> Request:
    first, last = days(part)
    params = {
        "nmIDs": [],
        "startDate": max(first, today(part) - DEPTH).isoformat(),
        "endDate": last.isoformat(),
        "timezone": "Europe/Moscow",
        "aggregationLevel": "day",
        "skipDeletedNm": False,
    }
    body = {"id": report_id, "reportType": "DETAIL_HISTORY_REPORT", "params": params}
    return Request(method="POST", host=_HOST, path=_PATH, json=body, limits=("analytics.report_create", "analytics.reports_a_day"))


def _poll(report_id: str) -> Request:
    return Request(
        method="GET",
        host=_HOST,
        path=_PATH,
        params={"filter[downloadIds]": report_id},
        limits=("analytics.report_list",),
        empty_when=_unknown,
    )


def _unknown(response: Response) -> bool:
    """A report that was never ordered, or is long gone, is a refusal."""
    return b"was not found" in response.body


def _state(told: Any) -> ReportState:
    reports = told.get("data") if isinstance(told, dict) else None
    if not reports:
        return ReportState.UNKNOWN
    return _STATES.get(str(reports[0].get("status")), ReportState.WAITING)


def _download(report_id: str) -> Request:
    return Request(method="GET", host=_HOST, path=f"{_PATH}/file/{report_id}", rows_format="zip+csv", limits=("analytics.report_file",))


def _again(report_id: str) -> Request:
    body = {"downloadId": report_id}
    return Request(method="POST", host=_HOST, path=f"{_PATH}/retry", json=body, limits=("analytics.report_retry",))


def _renamed(row: Document) -> list[Document]:
    return [{_NAMES.get(name, name): value for name, value in row.items()}]


_REPORT = mapped(report(create=_create, poll=_poll, state=_state, download=_download, again=_again), _renamed)


async def by_report(api: Api, part: Slice) -> AsyncIterator[Page]:
    """Read all products and days of a slice as one report.

    Raises (while iterating):
        Forbidden: with the capability "jam", when the shop has no subscription (or no more).
        SourceError, Snooze: as the report's methods.
    """
    try:
        async with opened(_REPORT, api, part) as pages:
            async for page in pages:
                yield page
    except Forbidden as error:
        if error.capability is not None:
            raise
        raise _closed(error) from error
    except BadRequest as error:
        if not any(word in f"{error} {error.body}".lower() for word in _SUBSCRIPTION):
            raise
        raise _closed(error) from error


def _closed(error: Forbidden | BadRequest) -> Forbidden:
    told = f"reports of the funnel are closed to this shop, it is read day by day instead ({error})"
    return Forbidden(told, capability=JAM, status=error.status, request_id=error.request_id, body=error.body)
