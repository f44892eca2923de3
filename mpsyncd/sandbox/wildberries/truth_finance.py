"""The truth of finance: weekly reports and their rows, the cost of taking payments, the balance.

A row that a correction took away is still told, as `deleted`: it may have been read before, and must not live any more.
"""

from collections.abc import Iterator
from datetime import datetime

from mpsyncd.sandbox.wildberries.canonical import LEFT, Read, Row
from mpsyncd.sandbox.wildberries.finance_fields import CURRENCY, true_row
from mpsyncd.sandbox.world.operations import Statement
from mpsyncd.sandbox.world.seller import Seller


def _finance(seller: Seller, moment: datetime) -> Iterator[Row]:
    for statement in seller.finance.statements(moment):
        for row in seller.finance.operations(statement):
            yield {**true_row(statement, row), "deleted": row.gone} | (LEFT if row.gone else {})


def _finance_reports(seller: Seller, moment: datetime) -> Iterator[Row]:
    for statement in seller.finance.statements(moment):
        sums = seller.finance.sums(statement)
        yield {
            **_head(seller, statement),
            "report_type": statement.kind,
            "retail_amount_sum": str(sums.amount),
            "for_pay_sum": str(sums.pay),
            "avg_sale_percent": str(sums.sale_percent),
            "delivery_service_sum": str(sums.delivery),
            "paid_storage_sum": str(sums.storage),
            "paid_acceptance_sum": str(sums.acceptance),
            "deduction_sum": str(sums.deduction),
            "penalty_sum": str(sums.penalty),
            "additional_payment_sum": str(sums.extra_pay),
            "cashback_amount_sum": str(sums.points),
            "cashback_discount_sum": str(sums.points_discount),
            "cashback_commission_change_sum": str(sums.points_cost),
            "payment_schedule": str(sums.schedule),
            "bank_payment_sum": str(sums.total),
        }


def _acquiring(seller: Seller, moment: datetime) -> Iterator[Row]:
    for statement in seller.finance.acquiring_statements(moment):
        for one in seller.finance.acquiring(statement):
            yield {
                "rrd_id": one.number,
                "report_id": statement.number,
                "currency": CURRENCY,
                "nm_id": one.nm_id,
                "doc_type_name": None,
                "document_type": one.document,
                "retail_amount": str(one.amount),
                "sale_date": one.sold.isoformat(),
                "acq_date": one.day.isoformat(),
                "shk_id": one.label,
                "acquiring_fee": str(one.fee),
                "acquiring_fee_vat": str(one.vat),
                "acquiring_bank": one.bank,
                "tin": one.tin,
                "tax_registration_reason_code": one.tax_code,
                "invoice_number": one.invoice,
                "invoice_date": one.invoiced.isoformat(),
                "srid": one.srid,
            }


def _acquiring_reports(seller: Seller, moment: datetime) -> Iterator[Row]:
    for statement in seller.finance.acquiring_statements(moment):
        rows = seller.finance.acquiring(statement)
        yield {
            **_head(seller, statement),
            "acquiring_fee_sum": str(sum(row.fee for row in rows)),
            "acquiring_fee_vat_sum": str(sum(row.vat for row in rows)),
        }


def _balance(seller: Seller, _moment: datetime) -> Iterator[Row]:
    purse = seller.purse
    yield {"currency": CURRENCY, "current": str(purse.current), "for_withdraw": str(purse.withdrawable)}


def _head(seller: Seller, statement: Statement) -> Row:
    return {
        "report_id": statement.number,
        "seller_finance_name": seller.spec.title,
        "date_from": statement.first.isoformat(),
        "date_to": statement.last.isoformat(),
        "create_date": statement.made.isoformat(),
        "currency": CURRENCY,
    }


TABLES: tuple[tuple[str, Read], ...] = (
    ("wb.finance", _finance),
    ("wb.finance_reports", _finance_reports),
    ("wb.acquiring", _acquiring),
    ("wb.acquiring_reports", _acquiring_reports),
    ("wb.balance", _balance),
)
