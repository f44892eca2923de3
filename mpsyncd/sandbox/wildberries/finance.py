"""`POST finance-api /api/finance/v1/sales-reports/…` and `GET /api/v1/account/balance` (wildberries.md §5; official YAML "finances").

Reports are weekly (from the Monday after their week) or daily. Rows stand in the vendor's order, in which their ids do not rise.
"""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Any

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Response, json_response
from mpsyncd.sandbox.wildberries import reports
from mpsyncd.sandbox.wildberries.endpoint import EVERY_TYPE, Call, Endpoint
from mpsyncd.sandbox.wildberries.finance_fields import CURRENCY, KEYS, money, spell
from mpsyncd.sandbox.wildberries.large_finance import LargeReports
from mpsyncd.sandbox.wildberries.shape import one_of
from mpsyncd.sandbox.wildberries.spelling import number
from mpsyncd.sandbox.wildberries.tokens import TokenType
from mpsyncd.sandbox.world.finance_book import UnknownRowError
from mpsyncd.sandbox.world.finance_large import LargeFinance
from mpsyncd.sandbox.world.operations import Statement

_DAY = 86_400
_BALANCE_BASE_LIMIT = Limit.per(_DAY, limit=1, burst=1)
_DETAILED_BASE_LIMIT = Limit.per(_DAY, limit=2, burst=1)
_PERIOD = {"period": one_of("weekly", "daily")}


def list_reports(call: Call) -> Response:
    """Heads of the reports of a period, oldest first, with their sums."""
    asked = reports.asked(call.request, method="GetReportsList", optional={**reports.list_shape(), **_PERIOD})
    if isinstance(asked, Response):
        return asked
    found = [one for one in _statements(call, asked.given) if asked.overlaps(one)]
    return reports.list_page([head_row(call, one) for one in found], asked, cap=call.options.reports_cap)


def detailed(call: Call) -> Response:
    """Rows of the reports of a period, from behind the row `rrdId`."""
    method = "GetReportDetailByPeriodNB"
    asked = reports.asked(call.request, method=method, optional={**reports.rows_shape(KEYS), **_PERIOD})
    if isinstance(asked, Response):
        return asked
    return _rows(call, [one for one in _statements(call, asked.given) if asked.overlaps(one)], asked.given, method=method)


def detailed_of_one(call: Call) -> Response:
    """Rows of the report that the path names."""
    method = "GetDetailsByReportID"
    given = reports.asked_for_one(call.request, method=method, optional=reports.rows_shape(KEYS))
    wanted = reports.report_id(call.request)
    if isinstance(given, Response):
        return given
    if wanted is None:
        return reports.refusal(method, "report id is no number")
    book, at = call.seller.finance, call.moment
    found = [one for one in (*book.statements(at), *book.statements(at, daily=True)) if one.number == wanted]
    if not found:
        return reports.refusal(method, "get report data: report id not found", status=HTTPStatus.NOT_FOUND)
    return _rows(call, found, given, method=method)


def balance(call: Call) -> Response:
    """What the seller has. The numbers are numbers here."""
    purse = call.seller.purse
    return json_response({"currency": CURRENCY, "current": number(purse.current), "for_withdraw": number(purse.withdrawable)})


def head_row(call: Call, statement: Statement) -> dict[str, object]:
    """The head of a report as the vendor spells it."""
    sums = call.seller.finance.sums(statement)
    return {
        "reportId": statement.number,
        "sellerFinanceName": call.seller.spec.title,
        "dateFrom": statement.first.isoformat(),
        "dateTo": statement.last.isoformat(),
        "createDate": statement.made.isoformat(),
        "currency": CURRENCY,
        "reportType": statement.kind,
        "retailAmountSum": money(sums.amount),
        "forPaySum": money(sums.pay),
        "avgSalePercent": number(sums.sale_percent),
        "deliveryServiceSum": money(sums.delivery),
        "paidStorageSum": money(sums.storage),
        "paidAcceptanceSum": money(sums.acceptance),
        "deductionSum": money(sums.deduction),
        "penaltySum": money(sums.penalty),
        "additionalPaymentSum": money(sums.extra_pay),
        "cashbackAmountSum": money(sums.points),
        "cashbackDiscountSum": money(sums.points_discount),
        "cashbackCommissionChangeSum": money(sums.points_cost),
        "paymentSchedule": money(sums.schedule),
        "bankPaymentSum": money(sums.total),
    }


def _statements(call: Call, given: Mapping[str, Any]) -> Sequence[Statement]:
    return call.seller.finance.statements(call.moment, daily=given.get("period") == "daily")


def _rows(call: Call, statements: Sequence[Statement], given: Mapping[str, Any], *, method: str) -> Response:
    book, after, fields = call.seller.finance, given.get("rrdId", 0), frozenset(given.get("fields", ()))
    cap = min(call.options.finance_cap, given.get("limit", reports.MOST_ROWS))
    try:
        if isinstance(book, LargeFinance) and not fields:
            return call.keep.of(LargeReports, lambda: LargeReports(book)).page(statements, after=after, cap=cap)
        rows = book.walk(statements, after=after)
        return reports.page(spell(statement, row, fields=fields) for statement, row in islice(rows, cap))
    except UnknownRowError:
        return reports.refusal(method, "rrdId is no row of this period")


def _endpoint(name: str, answer: Callable[[Call], Response], *, types: frozenset[TokenType], base_limit: Limit | None = None) -> Endpoint:
    return Endpoint(
        method="POST",
        host="finance-api",
        path=f"/api/finance/v1/sales-reports/{name}",
        gate=f"finance.sales-reports/{name}",
        limit=reports.LIMIT,
        base_limit=base_limit,
        answer=answer,
        types=types,
        cursor=reports.cursor,
        empty=b"[]",
        no_content=True,
        enums=frozenset({"reportType", "docTypeName", "sellerOperName"}),
    )


ENDPOINTS = (
    _endpoint("list", list_reports, types=reports.NOT_FOR_BASE),
    _endpoint("detailed", detailed, types=EVERY_TYPE, base_limit=_DETAILED_BASE_LIMIT),
    _endpoint("detailed/{reportId}", detailed_of_one, types=reports.NOT_FOR_BASE),
    Endpoint(
        method="GET",
        host="finance-api",
        path="/api/v1/account/balance",
        gate="finance.balance",
        limit=reports.LIMIT,
        base_limit=_BALANCE_BASE_LIMIT,
        answer=balance,
        cursor=lambda _request: None,
        empty=b"{}",
    ),
)
