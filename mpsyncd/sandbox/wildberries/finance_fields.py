"""The fields of a row of a sales report: the vendor's key, our column, how it is written, and where it stands in the truth.

Wildberries.md §5; official YAML "finances" of 2026-08-18 with the changes of October (three fields more, `sellerPromo` a number).
Sums are texts, percents numbers; a day that there is none is an empty text; what is None has no key.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, auto
from operator import attrgetter
from typing import Any

from mpsyncd.sandbox.wildberries import spelling
from mpsyncd.sandbox.world.operations import Operation, Statement

CURRENCY = "RUB"


class Form(Enum):
    """How a value is written. PLAIN: numbers, texts and flags as they are."""

    PLAIN = auto()
    MONEY = auto()
    PERCENT = auto()
    DAY = auto()
    MOMENT = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """`of` finds the value in a row of the truth."""

    key: str
    column: str
    of: Callable[[Operation], Any]
    form: Form


def head(statement: Statement) -> dict[str, object]:
    """What a row tells of the report that it stands in."""
    return {
        "reportId": statement.number,
        "dateFrom": statement.first.isoformat(),
        "dateTo": statement.last.isoformat(),
        "createDate": statement.made.isoformat(),
        "currency": CURRENCY,
        "reportType": statement.kind,
    }


def spell(statement: Statement, row: Operation, *, fields: Collection[str] = ()) -> dict[str, object]:
    """One row as the vendor spells it, or only some fields of it."""
    spelled = head(statement)
    for field in FIELDS:
        value = field.of(row)
        if value is not None or field.form is Form.DAY:
            spelled[field.key] = _written(value, field.form)
    return {key: value for key, value in spelled.items() if key in fields} if fields else spelled


def true_row(statement: Statement, row: Operation) -> dict[str, object]:
    """The same row as it should stand in wb.finance."""
    return {
        "report_id": statement.number,
        "date_from": statement.first.isoformat(),
        "date_to": statement.last.isoformat(),
        "create_date": statement.made.isoformat(),
        "currency": CURRENCY,
        "report_type": statement.kind,
        **{field.column: _true(field.of(row)) for field in FIELDS},
    }


def money(value: Decimal) -> str:
    """A sum as text, without zeros at its end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _written(value: Any, form: Form) -> object:
    match form:
        case Form.MONEY:
            return money(value)
        case Form.PERCENT:
            return spelling.number(value)
        case Form.DAY:
            return "" if value is None else value.isoformat()
        case Form.MOMENT:
            return spelling.zulu(value.astimezone(UTC).replace(microsecond=0))
        case Form.PLAIN:
            return value


def _true(value: Any) -> object:
    match value:
        case datetime():
            return value.astimezone(UTC).replace(microsecond=0).isoformat()
        case date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case _:
            return value


def _field(key: str, column: str, place: str, form: Form = Form.PLAIN) -> Field:
    return Field(key, column, attrgetter(place), form)


FIELDS = (
    _field("rrdId", "rrd_id", "number"),
    _field("giId", "gi_id", "supply"),
    _field("dlvPrc", "dlv_prc", "supply_coefficient", Form.PERCENT),
    _field("fixTariffDateFrom", "fix_tariff_date_from", "tariff_from", Form.DAY),
    _field("fixTariffDateTo", "fix_tariff_date_to", "tariff_to", Form.DAY),
    _field("subjectName", "subject_name", "goods.subject"),
    _field("nmId", "nm_id", "goods.nm_id"),
    _field("brandName", "brand_name", "goods.brand"),
    _field("vendorCode", "vendor_code", "goods.vendor_code"),
    _field("title", "title", "goods.title"),
    _field("techSize", "tech_size", "goods.tech_size"),
    _field("sku", "sku", "goods.barcode"),
    _field("docTypeName", "doc_type_name", "document"),
    _field("quantity", "quantity", "quantity"),
    _field("retailPrice", "retail_price", "price", Form.MONEY),
    _field("retailAmount", "retail_amount", "amount", Form.MONEY),
    _field("salePercent", "sale_percent", "sale_percent"),
    _field("commissionPercent", "commission_percent", "commission_percent", Form.PERCENT),
    _field("officeName", "office_name", "office"),
    _field("sellerOperName", "seller_oper_name", "basis"),
    _field("orderDt", "order_dt", "ordered_at", Form.MOMENT),
    _field("saleDt", "sale_dt", "sold_at", Form.MOMENT),
    _field("rrDate", "rr_date", "day", Form.DAY),
    _field("shkId", "shk_id", "label"),
    _field("retailPriceWithDisc", "retail_price_with_disc", "price_with_discount", Form.MONEY),
    _field("deliveryAmount", "delivery_amount", "deliveries"),
    _field("returnAmount", "return_amount", "returns"),
    _field("deliveryService", "delivery_service", "delivery", Form.MONEY),
    _field("giBoxTypeName", "gi_box_type_name", "box"),
    _field("productDiscountForReport", "product_discount_for_report", "discount", Form.PERCENT),
    _field("sellerPromo", "seller_promo", "promo_code_percent", Form.PERCENT),
    _field("spp", "spp", "platform_percent", Form.PERCENT),
    _field("kvwBase", "kvw_base", "fee_percent_base", Form.PERCENT),
    _field("kvw", "kvw", "fee_percent", Form.PERCENT),
    _field("supRatingUp", "sup_rating_up", "rating_percent", Form.PERCENT),
    _field("isKgvpV2", "is_kgvp_v2", "promotion_percent", Form.PERCENT),
    _field("ppvzSalesCommission", "ppvz_sales_commission", "commission", Form.MONEY),
    _field("forPay", "for_pay", "pay", Form.MONEY),
    _field("ppvzReward", "ppvz_reward", "reward", Form.MONEY),
    _field("acquiringFee", "acquiring_fee", "acquiring", Form.MONEY),
    _field("acquiringPercent", "acquiring_percent", "acquiring_percent", Form.PERCENT),
    _field("paymentProcessing", "payment_processing", "acquiring_kind"),
    _field("acquiringBank", "acquiring_bank", "bank"),
    _field("vw", "vw", "fee", Form.MONEY),
    _field("vwNds", "vw_nds", "fee_vat", Form.MONEY),
    _field("ppvzOfficeName", "ppvz_office_name", "point"),
    _field("ppvzOfficeId", "ppvz_office_id", "point_id"),
    _field("ppvzSupplierName", "ppvz_supplier_name", "partner"),
    _field("ppvzSupplierInn", "ppvz_supplier_inn", "partner_tin"),
    _field("declarationNumber", "declaration_number", "declaration"),
    _field("bonusTypeName", "bonus_type_name", "reason"),
    _field("stickerId", "sticker_id", "sticker"),
    _field("country", "country", "country"),
    _field("srvDbs", "srv_dbs", "paid_delivery"),
    _field("penalty", "penalty", "penalty", Form.MONEY),
    _field("additionalPayment", "additional_payment", "extra_pay", Form.MONEY),
    _field("rebillLogisticCost", "rebill_logistic_cost", "carriage", Form.MONEY),
    _field("rebillLogisticOrg", "rebill_logistic_org", "carrier"),
    _field("paidStorage", "paid_storage", "storage", Form.MONEY),
    _field("deduction", "deduction", "deduction", Form.MONEY),
    _field("paidAcceptance", "paid_acceptance", "acceptance", Form.MONEY),
    _field("orderId", "order_id", "assembly"),
    _field("kiz", "kiz", "marking"),
    _field("isB2b", "is_b2b", "business"),
    _field("trbxId", "trbx_id", "crate"),
    _field("installmentCofinancingAmount", "installment_cofinancing_amount", "instalment", Form.MONEY),
    _field("wibesDiscountPercent", "wibes_discount_percent", "club_percent", Form.PERCENT),
    _field("cashbackAmount", "cashback_amount", "points", Form.MONEY),
    _field("cashbackDiscount", "cashback_discount", "points_discount", Form.MONEY),
    _field("cashbackCommissionChange", "cashback_commission_change", "points_cost", Form.MONEY),
    _field("paymentSchedule", "payment_schedule", "schedule", Form.MONEY),
    _field("deliveryMethod", "delivery_method", "method"),
    _field("sellerPromoId", "seller_promo_id", "own_promotion"),
    _field("sellerPromoDiscount", "seller_promo_discount", "own_promotion_percent", Form.PERCENT),
    _field("loyaltyId", "loyalty_id", "loyalty"),
    _field("loyaltyDiscount", "loyalty_discount", "loyalty_percent", Form.PERCENT),
    _field("uuidPromocode", "uuid_promocode", "promo_code"),
    _field("salePricePromocodeDiscountPrc", "sale_price_promocode_discount_prc", "promo_code_discount", Form.PERCENT),
    _field("articleSubstitution", "article_substitution", "substitute"),
    _field("salePriceAffiliatedDiscountPrc", "sale_price_affiliated_discount_prc", "substitute_percent", Form.PERCENT),
    _field("agencyVat", "agency_vat", "agency_vat", Form.PERCENT),
    _field("salePriceWholesaleDiscountPrc", "sale_price_wholesale_discount_prc", "wholesale_percent", Form.PERCENT),
    _field("b2bCustomerTin", "b2b_customer_tin", "business_tin"),
    _field("paidWithSocialCertificate", "paid_with_social_certificate", "certificate"),
    _field("warehouseLogisticsCoeff", "warehouse_logistics_coeff", "warehouse_coefficient", Form.PERCENT),
    _field("buyerTaxRegistrationReasonCode", "buyer_tax_registration_reason_code", "business_code"),
    _field("utdUcdNumber", "utd_ucd_number", "transfer_number"),
    _field("utdUcdDate", "utd_ucd_date", "transfer_day", Form.DAY),
    _field("orderUid", "order_uid", "basket"),
    _field("srid", "srid", "srid"),
)
KEYS = frozenset({*head(Statement(number=0, kind=1, first=date.min, last=date.min, made=date.min)), *(field.key for field in FIELDS)})
