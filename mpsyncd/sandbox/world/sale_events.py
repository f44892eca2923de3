"""What happens to orders after they were made, while the world moves: taken, brought back, paid for at last or never."""

from dataclasses import replace
from datetime import datetime
from random import Random

from mpsyncd.sandbox.world.moving import orders_of, sales_of
from mpsyncd.sandbox.world.order_birth import cancel, make_order
from mpsyncd.sandbox.world.order_events import any_order, reported
from mpsyncd.sandbox.world.records import Order
from mpsyncd.sandbox.world.sale_birth import make_sale
from mpsyncd.sandbox.world.sales import Sale
from mpsyncd.sandbox.world.seller import Seller

_NEWEST = 40
_ALL = 10_000


def taken(seller: Seller, dice: Random, at: datetime) -> None:
    """A buyer takes the unit of an order."""
    order = any_order(seller, dice)
    if order is not None and order.cancelled_at is None and sales_of(seller).latest(order.srid) is None:
        sales_of(seller).put(make_sale(dice, order=order, number=seller.sale_number(), at=at, reported_at=reported(dice, at)))


def brought_back(seller: Seller, dice: Random, at: datetime) -> None:
    """A buyer brings a unit back."""
    sale = _any_sale(seller, dice, newest=_ALL)
    latest = None if sale is None else sales_of(seller).latest(sale.order.srid)
    if latest is not None and not latest.returned:
        number, stamp = seller.sale_number(), reported(dice, at)
        sales_of(seller).put(make_sale(dice, order=latest.order, number=number, at=at, reported_at=stamp, returned=True))


def settled(seller: Seller, dice: Random, at: datetime) -> None:
    """The sums of a sale become known sooner than they must."""
    sale = _any_sale(seller, dice, newest=_NEWEST)
    if sale is not None and sale.settled_at > at >= sale.reported_at:
        sales_of(seller).put(replace(sale, settled_at=at))


def ordered_on_credit(seller: Seller, dice: Random, at: datetime) -> None:
    """An order whose payment is not confirmed yet: the order feed has it, the statistics do not."""
    made = at.replace(microsecond=0)
    card = dice.choice(seller.cards.ascending())
    seller.unconfirmed.put(make_order(dice, card=card, serial=seller.serial(), created_at=made, changed_at=made))


def paid_late(seller: Seller, dice: Random, at: datetime) -> None:
    """The payment of an order is confirmed: it shows up in the statistics with its old date."""
    order = _unpaid(seller, dice)
    if order is not None:
        seller.unconfirmed.take(order.srid)
        orders_of(seller).put(replace(order, changed_at=at))


def never_paid(seller: Seller, dice: Random, at: datetime) -> None:
    """The payment of an order fails: it is cancelled, and the statistics never hear of it."""
    order = _unpaid(seller, dice)
    if order is not None:
        seller.unconfirmed.put(cancel(order, at=at))


def _unpaid(seller: Seller, dice: Random) -> Order | None:
    order = seller.unconfirmed.at(dice.randrange(len(seller.unconfirmed))) if len(seller.unconfirmed) else None
    return None if order is None or order.cancelled_at is not None else order


def _any_sale(seller: Seller, dice: Random, *, newest: int) -> Sale | None:
    """One of so many that changed last."""
    book = sales_of(seller)
    return book.from_end(dice.randrange(min(newest, len(book)))) if len(book) else None
