"""Makes what is settled in one week out of dice, the seller's goods and its oldest orders. Says nothing of paging or of any spelling."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from mpsyncd.sandbox.world import vocabulary as words
from mpsyncd.sandbox.world.calendar import DAY, at, day_of
from mpsyncd.sandbox.world.operations import RETURNED, SOLD, Acquiring, Goods, Operation
from mpsyncd.sandbox.world.records import Order

_CENT = Decimal("0.01")
_HUNDRED = Decimal(100)
_WEEK = 7
_ROWS_A_DEAL = 3
_BANKS = ("Банк Полынь", "Сопка-Банк")
_BACK, _PENALTY, _REWARD, _CARRIAGE, _RARE = 0.15, 0.06, 0.1, 0.08, 0.04
_VAT = Decimal(20) / 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One unit that was sold: of an order that the world knows, or of one that is older than what it remembers."""

    srid: str
    basket: str
    goods: Goods
    ordered_at: datetime
    sold_at: datetime
    price: Decimal
    discount: int
    platform: Decimal
    label: int


def goods_of(order: Order, *, title: str) -> Goods:
    """The size that was ordered."""
    return Goods(
        nm_id=order.nm_id,
        subject=order.subject,
        brand=order.brand,
        vendor_code=order.vendor_code,
        title=title,
        tech_size=order.tech_size,
        barcode=order.barcode,
    )


def make_deals(dice: Random, *, first: date, goods: Sequence[Goods], orders: Sequence[tuple[Order, Goods]], count: int) -> list[Deal]:
    """About as many deals as make `count` rows, sold in the week that begins at `first`; known orders first."""
    wanted = max(1, count // _ROWS_A_DEAL)
    known = [pair for pair in orders if first - _WEEK * DAY <= day_of(pair[0].created_at) < first]
    chosen = dice.sample(known, min(wanted, len(known)))
    deals = [_known(dice, order, thing, first=first) for order, thing in chosen]
    return [*deals, *(_invented(dice, dice.choice(goods), first=first) for _ in range(wanted - len(deals)) if goods)]


def make_operations(dice: Random, *, deals: Sequence[Deal], first: date, number: int, main: bool) -> list[Operation]:
    """Rows of a statement in the order in which they are shown: their numbers rise from `number`, but not along the rows."""
    rows = [row for deal in deals for row in _rows_of(dice, deal)]
    if main:
        rows.extend(_rows_of_week(dice, first))
    numbered = []
    for row in rows:
        number += dice.randint(1, 3)
        numbered.append(replace(row, number=number))
    dice.shuffle(numbered)
    if len(numbered) > 1 and numbered[-1].number == number:
        numbered[0], numbered[-1] = numbered[-1], numbered[0]
    return numbered


def make_acquiring(dice: Random, operations: Sequence[Operation], *, made: date) -> list[Acquiring]:
    """A row for every payment that a bank took."""
    rows = [_acquired(dice, row, made=made) for row in operations if row.bank]
    dice.shuffle(rows)
    return rows


def sale(dice: Random, deal: Deal) -> Operation:
    """The row of a sale."""
    with_discount = _cents(deal.price * (_HUNDRED - deal.discount) / _HUNDRED)
    amount = _cents(with_discount * (_HUNDRED - deal.platform) / _HUNDRED)
    acquiring_percent = Decimal(dice.randint(110, 450)) / 100
    acquiring = _cents(amount * acquiring_percent / _HUNDRED)
    base, reduction = Decimal(dice.randint(1500, 2800)) / 100, Decimal(dice.choice((0, 0, 150, 325))) / 100
    fee = _cents(amount * (base - reduction) / _HUNDRED)
    vat = _cents(fee * Decimal("0.2"))
    sold = replace(
        _bare(deal, document=SOLD, basis=SOLD),
        quantity=1,
        price=deal.price,
        amount=amount,
        price_with_discount=with_discount,
        sale_percent=deal.discount,
        discount=Decimal(deal.discount),
        platform_percent=deal.platform,
        commission_percent=base,
        fee_percent_base=base,
        fee_percent=base - reduction,
        rating_percent=reduction,
        commission=_cents(fee - acquiring),
        pay=_cents(with_discount - fee - vat - acquiring),
        acquiring=acquiring,
        acquiring_percent=acquiring_percent,
        acquiring_kind="Комиссия за организацию платежа с НДС",
        bank=dice.choice(_BANKS),
        fee=fee,
        fee_vat=vat,
    )
    return _with_programmes(dice, sold)


def _with_programmes(dice: Random, sold: Operation) -> Operation:
    """The sale with what discounts, points, promotions and buyers who are firms add to it."""
    business = dice.random() < _RARE
    return replace(
        sold,
        promotion_percent=Decimal(dice.choice((0, 0, 5))),
        promo_code_percent=Decimal(dice.choice((0, 0, 0, 3))),
        marking=f"01{sold.goods.barcode:0>14}21{dice.randrange(10**9):09}" if dice.random() < _BACK else None,
        points=Decimal(dice.choice((0, 0, 2, 7))),
        points_discount=Decimal(dice.choice((0, 0, 19))),
        points_cost=Decimal(dice.choice((0, 0, 20))) / 100,
        club_percent=Decimal(dice.choice((0, 0, 1))),
        own_promotion=dice.choice((0, 0, 14_350)),
        certificate=dice.random() < _RARE,
        instalment=Decimal(dice.choice((0, 0, 0, 1250))) / 100,
        promo_code=str(dice.randrange(10**6)) if dice.random() < _RARE else "",
        business=business,
        business_tin="010101010101" if business else "",
        business_code="770112330" if business else "",
        transfer_number=str(dice.randrange(10**10)) if business else "",
        transfer_day=day_of(sold.sold_at) if business else None,
    )


def _rows_of(dice: Random, deal: Deal) -> Iterator[Operation]:
    sold = sale(dice, deal)
    yield sold
    yield _delivery(dice, deal, reason="К клиенту при продаже", back=False)
    if dice.random() < _BACK:
        yield replace(sold, number=0, document=RETURNED, basis=RETURNED, sold_at=_later(dice, deal.sold_at))
        yield _delivery(dice, deal, reason="От клиента при возврате", back=True)
    if dice.random() < _PENALTY:
        fine = _money(dice, 5_000, 250_000)
        yield replace(_bare(deal, basis="Штраф"), penalty=fine, reason="Штраф МП. Невыполненный заказ (отмена клиентом после недовоза)")
    if dice.random() < _REWARD:
        yield replace(_bare(deal, basis="Возмещение за выдачу и возврат товаров на ПВЗ"), reward=_money(dice, 500, 5_000))
    if dice.random() < _CARRIAGE:
        cost = Decimal(dice.randint(100, 90_000)) / 1_000
        basis = "Возмещение издержек по перевозке/по складским операциям с товаром"
        yield replace(_bare(deal, basis=basis), carriage=cost, carrier="ИП Возчик Пётр(010101010102)")


def _rows_of_week(dice: Random, first: date) -> Iterator[Operation]:
    last = first + DAY * (_WEEK - 1)
    yield replace(_of_day(last, basis="Хранение"), storage=_money(dice, 10_000, 900_000))
    yield replace(_of_day(last, basis="Удержание"), deduction=_money(dice, 10_000, 600_000), reason="Оказание услуг «ВБ.Продвижение»")
    if dice.random() < _BACK:
        yield replace(_of_day(first, basis="Обработка товара"), acceptance=_money(dice, 1_000, 90_000), supply=dice.randint(10**6, 10**8))
    if dice.random() < _BACK:
        yield replace(_of_day(first, basis="Разовое изменение срока перечисления денежных средств"), schedule=-_money(dice, 100, 9_000))
    if dice.random() < _BACK:
        yield replace(_of_day(last, basis="Коррекция продаж"), extra_pay=_money(dice, -90_000, 90_000), agency_vat=Decimal(0))


def _bare(deal: Deal, *, document: str = "", basis: str) -> Operation:
    return Operation(
        number=0,
        day=day_of(deal.sold_at),
        document=document,
        basis=basis,
        ordered_at=deal.ordered_at,
        sold_at=deal.sold_at,
        goods=deal.goods,
        srid=deal.srid,
        basket=deal.basket,
        label=deal.label,
        sticker=str(deal.label // 3),
        supply=deal.label // 100,
        country="Россия",
        office=words.WAREHOUSES[0],
        point="Приречный Набережная 6к2",
        point_id=deal.label % 100_000,
        partner="ИП Пункт Выдачи",
        partner_tin="010101010103",
        method="FBW, (МГТ)",
        crate=f"WB-TRBX-{deal.label % 10_000_000}",
    )


def _of_day(day: date, *, basis: str) -> Operation:
    return Operation(number=0, day=day, document="", basis=basis, ordered_at=at(day), sold_at=at(day))


def _delivery(dice: Random, deal: Deal, *, reason: str, back: bool) -> Operation:
    fixed = dice.random() < _BACK
    day = day_of(deal.sold_at)
    return replace(
        _bare(deal, basis="Логистика"),
        delivery=_money(dice, 3_000, 45_000),
        reason=reason,
        deliveries=0 if back else 1,
        returns=1 if back else 0,
        box=dice.choice(("Монопаллета", "Короб", "Микс")),
        supply_coefficient=Decimal(dice.randint(10, 30)) / 10,
        warehouse_coefficient=Decimal(dice.choice((0, 115, 145))) / 100,
        tariff_from=day - DAY * 3 if fixed else None,
        tariff_to=day + DAY * 57 if fixed else None,
    )


def _known(dice: Random, order: Order, goods: Goods, *, first: date) -> Deal:
    return Deal(
        srid=order.srid,
        basket=f"id{order.cart}",
        goods=goods,
        ordered_at=order.created_at,
        sold_at=_in_week(dice, first),
        price=order.total_price,
        discount=order.discount_percent,
        platform=order.spp,
        label=dice.randint(10**9, 10**11),
    )


def _invented(dice: Random, goods: Goods, *, first: date) -> Deal:
    sold = _in_week(dice, first)
    return Deal(
        srid=f"{dice.choice(('ebs', '11', 'dc'))}.r{dice.getrandbits(112):028x}.{dice.randint(0, 3)}.1",
        basket=f"id{dice.getrandbits(128):032x}",
        goods=goods,
        ordered_at=sold - timedelta(days=dice.randint(2, 12), seconds=dice.randint(0, 80_000)),
        sold_at=sold,
        price=_money(dice, 15_000, 950_000),
        discount=dice.randint(0, 70),
        platform=Decimal(dice.choice((0, 5, 12, 26, 31))),
        label=dice.randint(10**9, 10**11),
    )


def _acquired(dice: Random, row: Operation, *, made: date) -> Acquiring:
    sign = -1 if row.document == RETURNED else 1
    return Acquiring(
        number=row.number + 500_000_000,
        day=row.day + DAY,
        sold=row.day,
        bank=row.bank,
        tin="010101010104",
        tax_code="770112330",
        srid=row.srid,
        document=row.document,
        nm_id=row.goods.nm_id,
        label=row.label,
        amount=sign * row.amount,
        fee=sign * row.acquiring,
        vat=sign * _cents(row.acquiring * _VAT),
        invoice=f"С/Ф {dice.randint(1, 99_999)}",
        invoiced=made - DAY,
    )


def _in_week(dice: Random, first: date) -> datetime:
    return at(first) + timedelta(seconds=dice.randrange(_WEEK * 86_400))


def _later(dice: Random, moment: datetime) -> datetime:
    return moment + timedelta(minutes=dice.randint(1, 90))


def _money(dice: Random, low: int, high: int) -> Decimal:
    return Decimal(dice.randint(low, high)) / 100


def _cents(value: Decimal) -> Decimal:
    return value.quantize(_CENT)
