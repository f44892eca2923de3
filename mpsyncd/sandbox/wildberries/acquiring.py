"""`POST finance-api /api/finance/v1/acquiring/…`: what taking payments cost (wildberries.md §5; official YAML "finances").

The kind of document is `documentType` since October 2026 (`docTypeName` in the stored file of August). Not for base tokens.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from http import HTTPStatus
from itertools import islice
from typing import Any

from mpsyncd.sandbox.http import Response
from mpsyncd.sandbox.wildberries import reports
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.finance_fields import CURRENCY, money
from mpsyncd.sandbox.world.operations import Acquiring, Statement

KEYS = frozenset(
    {
        "rrdId",
        "reportId",
        "acqDate",
        "acquiringBank",
        "tin",
        "taxRegistrationReasonCode",
        "saleDate",
        "srid",
        "documentType",
        "nmId",
        "retailAmount",
        "acquiringFee",
        "acquiringFeeVat",
        "invoiceNumber",
        "invoiceDate",
        "shkId",
        "currency",
    }
)
_ZERO = Decimal(0)


def head_row(statement: Statement, rows: Sequence[Acquiring], *, title: str) -> dict[str, object]:
    """The head of a report as the vendor spells it."""
    return {
        "reportId": statement.number,
        "sellerFinanceName": title,
        "dateFrom": statement.first.isoformat(),
        "dateTo": statement.last.isoformat(),
        "createDate": statement.made.isoformat(),
        "currency": CURRENCY,
        "acquiringFeeSum": money(sum((row.fee for row in rows), _ZERO)),
        "acquiringFeeVatSum": money(sum((row.vat for row in rows), _ZERO)),
    }


def row(statement: Statement, one: Acquiring) -> dict[str, object]:
    """One row as the vendor spells it."""
    return {
        "rrdId": one.number,
        "reportId": statement.number,
        "acqDate": one.day.isoformat(),
        "acquiringBank": one.bank,
        "tin": one.tin,
        "taxRegistrationReasonCode": one.tax_code,
        "saleDate": one.sold.isoformat(),
        "srid": one.srid,
        "documentType": one.document,
        "nmId": one.nm_id,
        "retailAmount": money(one.amount),
        "acquiringFee": money(one.fee),
        "acquiringFeeVat": money(one.vat),
        "invoiceNumber": one.invoice,
        "invoiceDate": one.invoiced.isoformat(),
        "shkId": one.label,
        "currency": CURRENCY,
    }


def list_reports(call: Call) -> Response:
    """Heads of the reports of a period, oldest first."""
    asked = reports.asked(call.request, method="GetAcquiringGeneralReport", optional=reports.list_shape())
    if isinstance(asked, Response):
        return asked
    book, title = call.seller.finance, call.seller.spec.title
    found = [one for one in book.acquiring_statements(call.moment) if asked.overlaps(one)]
    return reports.list_page([head_row(one, book.acquiring(one), title=title) for one in found], asked, cap=call.options.reports_cap)


def detailed(call: Call) -> Response:
    """Rows of the reports of a period, from behind the row `rrdId`."""
    method = "GetAcquiringDetailedReport"
    asked = reports.asked(call.request, method=method, optional=reports.rows_shape(KEYS))
    if isinstance(asked, Response):
        return asked
    found = [one for one in call.seller.finance.acquiring_statements(call.moment) if asked.overlaps(one)]
    return _rows(call, found, asked.given, method=method)


def detailed_of_one(call: Call) -> Response:
    """Rows of the report that the path names."""
    method = "GetAcquiringDetailsByReportID"
    given = reports.asked_for_one(call.request, method=method, optional=reports.rows_shape(KEYS))
    wanted = reports.report_id(call.request)
    if isinstance(given, Response):
        return given
    if wanted is None:
        return reports.refusal(method, "report id is no number")
    found = [one for one in call.seller.finance.acquiring_statements(call.moment) if one.number == wanted]
    if not found:
        return reports.refusal(method, "get report data: report id not found", status=HTTPStatus.NOT_FOUND)
    return _rows(call, found, given, method=method)


def _rows(call: Call, statements: Sequence[Statement], given: Mapping[str, Any], *, method: str) -> Response:
    after, fields = given.get("rrdId", 0), frozenset(given.get("fields", ()))
    cap = min(call.options.finance_cap, given.get("limit", reports.MOST_ROWS))
    rows = [(statement, one) for statement in statements for one in call.seller.finance.acquiring(statement)]
    places = {one.number: place for place, (_, one) in enumerate(rows)}
    if after and after not in places:
        return reports.refusal(method, "rrdId is no row of this period")
    rest = islice(rows, places[after] + 1 if after else 0, None)
    return reports.page(_spelled(rest, fields, cap=cap))


def _spelled(rows: Iterator[tuple[Statement, Acquiring]], fields: frozenset[str], *, cap: int) -> Iterator[dict[str, object]]:
    for statement, one in islice(rows, cap):
        spelled = row(statement, one)
        yield {key: value for key, value in spelled.items() if key in fields} if fields else spelled


def _endpoint(name: str, answer: Callable[[Call], Response]) -> Endpoint:
    return Endpoint(
        method="POST",
        host="finance-api",
        path=f"/api/finance/v1/acquiring/{name}",
        gate=f"finance.acquiring/{name}",
        limit=reports.LIMIT,
        answer=answer,
        types=reports.NOT_FOR_BASE,
        cursor=reports.cursor,
        empty=b"[]",
        no_content=True,
        enums=frozenset({"documentType"}),
    )


ENDPOINTS = (
    _endpoint("list", list_reports),
    _endpoint("detailed", detailed),
    _endpoint("detailed/{reportId}", detailed_of_one),
)
