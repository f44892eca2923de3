"""Makes new orders of the cards that a seller has. Says nothing of paging or of any vendor's spelling."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from mpsyncd.sandbox.world import vocabulary as words
from mpsyncd.sandbox.world.records import Card, Fulfilment, Order

_HUNDRED = Decimal(100)
_CENT = Decimal("0.01")
_ZERO = Decimal(0)
_CANCELLED = 0.15
_BATCHED, _FRACTIONAL = 0.5, 0.7
_BY_SELLER = 0.15
_WHOLE_ROUBLES = 0.2


def make_order(dice: Random, *, card: Card, serial: int, created_at: datetime, changed_at: datetime) -> Order:
    """One unit of one size of the card. `serial` is unique within the seller and becomes part of the order's id."""
    size = dice.choice(card.sizes)
    kind = next(kind for kind in words.KINDS if kind.subject_id == card.subject_id)
    by_seller = dice.random() < _BY_SELLER
    country, district, region = dice.choice(words.PLACES)
    total = Decimal(dice.randint(15_000, 950_000)) / (1 if dice.random() < _WHOLE_ROUBLES else 100)
    bare = Order(
        srid=f"{dice.choice(('ebs', '11', 'dc'))}.r{dice.getrandbits(96):024x}{serial:08x}.{dice.randint(0, 3)}.0",
        cart=f"{dice.randrange(10**18, 10**19)}{dice.randint(0, 9)}",
        created_at=created_at,
        changed_at=changed_at,
        cancelled_at=None,
        nm_id=card.nm_id,
        chrt_id=size.chrt_id,
        vendor_code=card.vendor_code,
        barcode=dice.choice(size.skus) if size.skus else "",
        tech_size=size.tech_size,
        brand=card.brand,
        category=kind.category,
        subject=card.subject,
        warehouse=words.SELLER_WAREHOUSE if by_seller else dice.choice(words.WAREHOUSES),
        fulfilment=Fulfilment.SELLER if by_seller else Fulfilment.MARKETPLACE,
        country=country,
        district=district,
        region=region,
        income_id=0 if by_seller else dice.randint(10**6, 10**8),
        is_supply=False,
        is_realization=True,
        total_price=total.quantize(_CENT),
        discount_percent=dice.randint(0, 70),
        spp=_ZERO,
        price_with_discount=_ZERO,
        finished_price=_ZERO,
        sticker=dice.choice(("", str(dice.randint(10**8, 10**10)))),
    )
    return reprice(bare, spp=Decimal(dice.choice((0, 5, 12, 26, 26, 31))))


def reprice(order: Order, *, spp: Decimal) -> Order:
    """The order with another vendor's discount: both derived prices follow."""
    with_discount = (order.total_price * (_HUNDRED - order.discount_percent) / _HUNDRED).quantize(_CENT)
    finished = (with_discount * (_HUNDRED - spp) / _HUNDRED).quantize(_CENT)
    return replace(order, spp=spp, price_with_discount=with_discount, finished_price=finished)


def cancel(order: Order, *, at: datetime) -> Order:
    """The order cancelled at a whole second, and so changed."""
    return replace(order, cancelled_at=at.replace(microsecond=0), changed_at=max(order.changed_at, at))


def make_history(dice: Random, *, cards: list[Card], count: int, until: datetime, span: timedelta) -> list[Order]:
    """`count` orders spread over `span`, ascending by change; most change days after they were made, in batches of one stamp."""
    orders: list[Order] = []
    for serial in range(count):
        created = (until - span * dice.random()).replace(microsecond=0)
        late = min(until, created + timedelta(days=dice.choice((0, 0, 1, 2, 5, 14)) * dice.random(), minutes=1))
        order = make_order(dice, card=dice.choice(cards), serial=serial, created_at=created, changed_at=max(created, _stamp(dice, late)))
        if order.changed_at > created and dice.random() < _CANCELLED:
            order = cancel(order, at=order.changed_at)
        orders.append(order)
    orders.sort(key=lambda order: (order.changed_at, order.srid))
    return orders


def changed_no_later(order: Order, stamp: datetime) -> Order:
    """The order changed at an earlier stamp; nothing of it happened later."""
    cancelled = None if order.cancelled_at is None else min(order.cancelled_at, stamp)
    return replace(order, changed_at=stamp, created_at=min(order.created_at, stamp), cancelled_at=cancelled)


def _stamp(dice: Random, moment: datetime) -> datetime:
    """Half of the changes come from batches and share a whole minute; some of the others have a fraction of a second."""
    roll = dice.random()
    if roll < _BATCHED:
        return moment.replace(second=0, microsecond=0)
    return moment.replace(microsecond=moment.microsecond // 1_000 * 1_000 if roll < _FRACTIONAL else 0)
