"""What happens to orders while the world moves. Each event takes the seller, dice and the moment, and changes the truth."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from mpsyncd.sandbox.world.moving import orders_of, sales_of
from mpsyncd.sandbox.world.order_birth import cancel, make_order, reprice
from mpsyncd.sandbox.world.records import Order
from mpsyncd.sandbox.world.seller import Seller

_LATE_SHARE = 0.1
_LATEST = timedelta(minutes=20)
_CART = 3


def ordered(seller: Seller, dice: Random, at: datetime) -> None:
    """One to three units are ordered in one cart."""
    first = _place(seller, dice, created_at=at, changed_at=reported(dice, at))
    for _ in range(dice.randrange(_CART)):
        again = _place(seller, dice, created_at=first.created_at, changed_at=first.changed_at)
        orders_of(seller).put(replace(again, cart=first.cart))


def cancelled(seller: Seller, dice: Random, at: datetime) -> None:
    """An order of any age is cancelled, unless a buyer has taken it."""
    order = any_order(seller, dice)
    if order is not None and order.cancelled_at is None and sales_of(seller).latest(order.srid) is None:
        orders_of(seller).put(cancel(order, at=at))


def changed_late(seller: Seller, dice: Random, at: datetime) -> None:
    """The vendor corrects its discount, or the parcel gets a sticker, long after the order."""
    order = any_order(seller, dice)
    if order is None:
        return
    changed = replace(order, changed_at=max(order.changed_at, reported(dice, at)))
    if dice.choice((True, False)):
        orders_of(seller).put(reprice(changed, spp=Decimal(dice.randint(0, 310)) / 10))
    else:
        orders_of(seller).put(replace(changed, sticker=str(dice.randint(10**8, 10**10))))


def _place(seller: Seller, dice: Random, *, created_at: datetime, changed_at: datetime) -> Order:
    created = min(created_at, changed_at).replace(microsecond=0)
    card = dice.choice(seller.cards.ascending())
    order = make_order(dice, card=card, serial=seller.serial(), created_at=created, changed_at=changed_at)
    orders_of(seller).put(order)
    return order


def any_order(seller: Seller, dice: Random) -> Order | None:
    """An order that the statistics know, whichever."""
    book = orders_of(seller)
    return book.at(dice.randrange(len(book))) if len(book) else None


def reported(dice: Random, at: datetime) -> datetime:
    """The vendor's stamp of a change: mostly now, at times up to twenty minutes behind, with and without a fraction."""
    moment = at - _LATEST * dice.random() if dice.random() < _LATE_SHARE else at
    return moment.replace(microsecond=dice.choice((0, 0, moment.microsecond // 1_000 * 1_000)))
