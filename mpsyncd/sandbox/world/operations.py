"""What is settled with a seller: weekly and daily statements, their rows, and the cost of taking payments.

Sums are Decimal in the statement's currency, percents Decimal, days are those of Moscow's calendar. Nothing here knows a vendor's spelling.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

ZERO = Decimal(0)
SOLD, RETURNED = "Продажа", "Возврат"
"""What the document of a row is, where it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """One size of one card as it stood when the world was born."""

    nm_id: int
    subject: str
    brand: str
    vendor_code: str
    title: str
    tech_size: str
    barcode: str


NO_GOODS = Goods(nm_id=0, subject="", brand="", vendor_code="", title="", tech_size="", barcode="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The head of a report. `kind` 1 is the main one, 2 is about goods bought out; `made` is the day on which it appears."""

    number: int
    kind: int
    first: date
    last: date
    made: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A row of a statement. `gone` marks a row that a correction took away; None is what the row does not have at all."""

    number: int
    day: date
    document: str
    basis: str
    ordered_at: datetime
    sold_at: datetime
    goods: Goods = NO_GOODS
    srid: str = ""
    basket: str = ""
    label: int = 0
    assembly: int = 0
    sticker: str = ""
    quantity: int = 0
    deliveries: int = 0
    returns: int = 0
    price: Decimal = ZERO
    amount: Decimal = ZERO
    price_with_discount: Decimal = ZERO
    sale_percent: int = 0
    discount: Decimal = ZERO
    commission_percent: Decimal = ZERO
    platform_percent: Decimal = ZERO
    fee_percent_base: Decimal = ZERO
    fee_percent: Decimal = ZERO
    rating_percent: Decimal = ZERO
    promotion_percent: Decimal = ZERO
    promo_code_percent: Decimal = ZERO
    commission: Decimal = ZERO
    pay: Decimal = ZERO
    reward: Decimal = ZERO
    acquiring: Decimal = ZERO
    acquiring_percent: Decimal = ZERO
    acquiring_kind: str = ""
    bank: str = ""
    fee: Decimal = ZERO
    fee_vat: Decimal = ZERO
    supply: int = 0
    supply_coefficient: Decimal = ZERO
    tariff_from: date | None = None
    tariff_to: date | None = None
    box: str = ""
    office: str = ""
    point: str = ""
    point_id: int = 0
    partner: str = ""
    partner_tin: str = ""
    declaration: str = ""
    reason: str | None = None
    country: str = ""
    paid_delivery: bool = False
    delivery: Decimal = ZERO
    penalty: Decimal = ZERO
    extra_pay: Decimal = ZERO
    carriage: Decimal = ZERO
    carrier: str | None = None
    storage: Decimal = ZERO
    deduction: Decimal = ZERO
    acceptance: Decimal = ZERO
    marking: str | None = None
    business: bool = False
    business_tin: str = ""
    business_code: str = ""
    transfer_number: str = ""
    transfer_day: date | None = None
    crate: str = ""
    instalment: Decimal = ZERO
    club_percent: Decimal = ZERO
    points: Decimal = ZERO
    points_discount: Decimal = ZERO
    points_cost: Decimal = ZERO
    schedule: Decimal = ZERO
    method: str = ""
    own_promotion: int = 0
    own_promotion_percent: Decimal = ZERO
    loyalty: int = 0
    loyalty_percent: Decimal = ZERO
    promo_code: str = ""
    promo_code_discount: Decimal = ZERO
    substitute: str = ""
    substitute_percent: Decimal = ZERO
    agency_vat: Decimal | None = None
    wholesale_percent: Decimal = ZERO
    certificate: bool = False
    warehouse_coefficient: Decimal = ZERO
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquiring:
    """What taking one payment cost. `fee` includes `vat`."""

    number: int
    day: date
    sold: date
    bank: str
    tin: str
    tax_code: str
    srid: str
    document: str
    nm_id: int
    label: int
    amount: Decimal
    fee: Decimal
    vat: Decimal
    invoice: str
    invoiced: date


@dataclass(frozen=True, slots=True)
class Purse:
    """What the seller has, and what of it may be paid out."""

    current: Decimal
    withdrawable: Decimal
