"""Acquiring: what taking payments cost, row by row and by report (Russian sellers; page "Documents and accounting", read October 2026).

A report is made some nine days after its week. Rows are not dated by their report's week for certain, so none is ever held to be gone.
"""

from __future__ import annotations

from datetime import timedelta

from mpsyncd.model.request import Request
from mpsyncd.model.stream import Stream, Table
from mpsyncd.sources.rows import calendar_day, number, together, whole
from mpsyncd.sources.wildberries.report_rows import LIMIT, pages_and_end, report_rows, reports

_DETAILED = Request(method="POST", host="finance-api", path="/api/finance/v1/acquiring/detailed", json={}, limits=("finance.acquiring",))
_LIST = Request(method="POST", host="finance-api", path="/api/finance/v1/acquiring/list", json={}, limits=("finance.acquiring_reports",))

ACQUIRING = Stream(
    name="acquiring",
    tables=(
        Table(
            name="wb.acquiring",
            key=("rrd_id",),
            row=together(
                whole("rrdId", "reportId", "nmId", "shkId"),
                number("retailAmount", "acquiringFee", "acquiringFeeVat"),
                calendar_day("saleDate", "acqDate", "invoiceDate"),
            ),
        ),
    ),
    read=report_rows(_DETAILED, day="acqDate"),
    schedule="daily",
    overlap=timedelta(days=35),
    backfill=timedelta(days=365),
    history_behind=timedelta(days=34),
    capability="finance",
    limits=_DETAILED.limits,
    page_rows=LIMIT,
    requests=lambda load: dict.fromkeys(_DETAILED.limits, pages_and_end(load)),
    day="acq_date",
)
ACQUIRING_REPORTS = Stream(
    name="acquiring_reports",
    tables=(
        Table(
            name="wb.acquiring_reports",
            key=("report_id",),
            row=together(
                whole("reportId"), number("acquiringFeeSum", "acquiringFeeVatSum"), calendar_day("dateFrom", "dateTo", "createDate")
            ),
        ),
    ),
    read=reports(_LIST),
    schedule="daily",
    walk=timedelta(0),
    capability="finance",
    limits=_LIST.limits,
    day="date_from",
)
