"""Makes sales and returns out of orders. Says nothing of any vendor's spelling."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random

from mpsyncd.sandbox.world.records import Order
from mpsyncd.sandbox.world.sales import Sale
from mpsyncd.sandbox.world.ties import tie_borders

SETTLED_WITHIN = timedelta(hours=23)
_FIRST_NUMBER = 9_100_000_000
_CENT = Decimal("0.01")
_BOUGHT, _RETURNED, _DEFECTIVE = 0.8, 0.08, 0.3
_SILENT, _WITH_WALLET = 0.5, 0.4
_DELIVERY, _REGRET = timedelta(days=6), timedelta(days=12)
_REPORTED_WITHIN = timedelta(minutes=30)


def make_sale(dice: Random, *, order: Order, number: int, at: datetime, reported_at: datetime, returned: bool = False) -> Sale:
    """The unit of the order taken, or brought back, at a moment; its sums are settled within a day."""
    return Sale(
        sale_id=f"{'R' if returned else 'S'}{_FIRST_NUMBER + number}",
        order=order,
        returned=returned,
        defective=returned and dice.random() < _DEFECTIVE,
        happened_at=at.replace(microsecond=0),
        reported_at=reported_at,
        settled_at=(reported_at + SETTLED_WITHIN * dice.random()).replace(second=0, microsecond=0) + timedelta(minutes=1),
        silent=dice.random() < _SILENT,
        wallet=dice.randint(1, 200) if dice.random() < _WITH_WALLET else 0,
        for_pay=(order.price_with_discount * Decimal(dice.randint(60, 90)) / 100).quantize(_CENT),
    )


def make_sales(dice: Random, *, orders: list[Order], until: datetime, page: int) -> list[Sale]:
    """What has become of the orders by `until`, with ties on the borders of a walk by pages of this size."""
    numbers = count(1)
    sales: list[Sale] = []
    for order in orders:
        at = _batched(order.created_at + timedelta(days=1) + _DELIVERY * dice.random())
        if order.cancelled_at is not None or not order.created_at < at <= until or dice.random() > _BOUGHT:
            continue
        sales.append(make_sale(dice, order=order, number=next(numbers), at=at, reported_at=_reported(dice, at, until)))
        back = _batched(at + timedelta(days=1) + _REGRET * dice.random())
        if back <= until and dice.random() < _RETURNED:
            reported = _reported(dice, back, until)
            sales.append(make_sale(dice, order=order, number=next(numbers), at=back, reported_at=reported, returned=True))
    sales.sort(key=lambda sale: (sale.changed_at(until), sale.sale_id))
    return tie_borders(
        sales, page=page, stamp=lambda sale: sale.changed_at(until), no_later=lambda sale, stamp: _changed_no_later(sale, stamp, until)
    )


def _batched(moment: datetime) -> datetime:
    """Points of issue hand in what they gave out four times a day, so many units share a stamp."""
    return moment.replace(hour=moment.hour // 6 * 6, minute=0, second=0, microsecond=0)


def _reported(dice: Random, at: datetime, until: datetime) -> datetime:
    return min(until, at + _REPORTED_WITHIN * dice.random()).replace(microsecond=0)


def _changed_no_later(sale: Sale, stamp: datetime, until: datetime) -> Sale:
    reported, happened = min(sale.reported_at, stamp), min(sale.happened_at, stamp)
    settled = stamp if sale.settled(until) and not sale.silent else sale.settled_at
    return replace(sale, reported_at=stamp if sale.silent else reported, happened_at=happened, settled_at=max(settled, reported))
