"""Finance: rows of the weekly sales reports, the reports, the balance (page "Documents and accounting", read October 2026).

A report covers Monday to Sunday and is made on the Monday after; past reports get corrections, so the last closed weeks are read again
every day. Whether a row is chosen by its own day or by its report's is not told: whole weeks are asked for, where both come to the same,
and a row is gone only when both say that it should have been there.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mpsyncd.model.request import Request
from mpsyncd.model.stream import Stream, Table, Write
from mpsyncd.sources.reading import single
from mpsyncd.sources.rows import calendar_day, moscow_time, number, together, whole
from mpsyncd.sources.wildberries.report_rows import LIMIT, pages_and_end, report_rows, reports, week_range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsyncd.model.page import Slice

_DETAILED = Request(
    method="POST",
    host="finance-api",
    path="/api/finance/v1/sales-reports/detailed",
    json={"period": "weekly"},
    limits=("finance.detailed",),
)
_LIST = Request(
    method="POST",
    host="finance-api",
    path="/api/finance/v1/sales-reports/list",
    json={"period": "weekly"},
    limits=("finance.reports",),
)
_BALANCE = Request(method="GET", host="finance-api", path="/api/v1/account/balance", rows_at=None, limits=("finance.balance",))


def _weeks(part: Slice) -> Mapping[str, Any]:
    week = week_range(part)
    return {"date_from": week, "rr_date": week}


_ROW = together(
    whole(
        "reportId", "reportType", "rrdId", "giId", "nmId", "quantity", "shkId", "deliveryAmount", "returnAmount", "ppvzOfficeId", "orderId",
        "sellerPromoId", "loyaltyId",
    ),
    number(
        "dlvPrc", "retailPrice", "retailAmount", "salePercent", "commissionPercent", "retailPriceWithDisc", "deliveryService",
        "productDiscountForReport", "sellerPromo", "spp", "kvwBase", "kvw", "supRatingUp", "isKgvpV2", "ppvzSalesCommission", "forPay",
        "ppvzReward", "acquiringFee", "acquiringPercent", "vw", "vwNds", "penalty", "additionalPayment", "rebillLogisticCost",
        "paidStorage", "deduction", "paidAcceptance", "installmentCofinancingAmount", "wibesDiscountPercent", "cashbackAmount",
        "cashbackDiscount", "cashbackCommissionChange", "paymentSchedule", "sellerPromoDiscount", "loyaltyDiscount",
        "salePricePromocodeDiscountPrc", "salePriceAffiliatedDiscountPrc", "agencyVat", "salePriceWholesaleDiscountPrc",
        "warehouseLogisticsCoeff",
    ),
    calendar_day("dateFrom", "dateTo", "createDate", "fixTariffDateFrom", "fixTariffDateTo", "rrDate", "utdUcdDate"),
    moscow_time("orderDt", "saleDt"),
)  # fmt: skip
_REPORT = together(
    whole("reportId", "reportType"),
    number(
        "retailAmountSum", "forPaySum", "avgSalePercent", "deliveryServiceSum", "paidStorageSum", "paidAcceptanceSum", "deductionSum",
        "penaltySum", "additionalPaymentSum", "cashbackAmountSum", "cashbackDiscountSum", "cashbackCommissionChangeSum", "paymentSchedule",
        "bankPaymentSum",
    ),
    calendar_day("dateFrom", "dateTo", "createDate"),
)  # fmt: skip

FINANCE = Stream(
    name="finance",
    tables=(Table(name="wb.finance", key=("rrd_id",), row=_ROW, scope=_weeks),),
    read=report_rows(_DETAILED, day="dateFrom"),
    schedule="daily",
    overlap=timedelta(days=21),
    backfill=timedelta(days=365),
    history_behind=timedelta(days=20),
    suspect_empty=True,
    capability="finance",
    limits=_DETAILED.limits,
    page_rows=LIMIT,
    requests=lambda load: dict.fromkeys(_DETAILED.limits, pages_and_end(load)),
    day="rr_date",
)
FINANCE_REPORTS = Stream(
    name="finance_reports",
    tables=(
        Table(
            name="wb.finance_reports",
            key=("report_id",),
            row=_REPORT,
        ),
    ),
    read=reports(_LIST),
    schedule="daily",
    walk=timedelta(0),
    capability="finance",
    limits=_LIST.limits,
    day="date_from",
)
BALANCE = Stream(
    name="balance",
    tables=(Table(name="wb.balance", key=("currency",), row=number("current", "for_withdraw"), write=Write.SNAPSHOT),),
    read=single(_BALANCE),
    schedule="daily",
    walk=timedelta(0),
    capability="finance",
    limits=_BALANCE.limits,
    requests=lambda _: dict.fromkeys(_BALANCE.limits, 1),
)
