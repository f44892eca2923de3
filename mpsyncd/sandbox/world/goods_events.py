"""What happens to prices, stocks and the seller's warehouses while the world moves."""

from dataclasses import replace
from datetime import datetime
from random import Random

from mpsyncd.sandbox.world.seller import Seller
from mpsyncd.sandbox.world.warehouses import FEWEST, Warehouse

_MOST_CHANGED = 4


def repriced(seller: Seller, dice: Random, _at: datetime) -> None:
    """Another price, or another discount, on one card."""
    tag = seller.prices.of(dice.choice(seller.cards.ascending()).nm_id)
    match dice.choice(("price", "discount", "club")):
        case "price":
            seller.prices.put(replace(tag, base=dice.randint(150, 9_500)))
        case "discount":
            seller.prices.put(replace(tag, discount=dice.randint(0, 70)))
        case _:
            seller.prices.put(replace(tag, club_discount=(tag.club_discount + 2) % 9))


def restocked(seller: Seller, dice: Random, _at: datetime) -> None:
    """Units come and go: other numbers for a few sizes of one card."""
    card = dice.choice(seller.cards.ascending())
    for size in dice.sample(card.sizes, min(len(card.sizes), dice.randint(1, _MOST_CHANGED))):
        seller.stocks.change(card, size)


def warehouse_changed(seller: Seller, dice: Random, _at: datetime) -> None:
    """The seller renames a warehouse, opens one, or closes one: that is told first, and is done the next time."""
    one = dice.choice(list(seller.warehouses.values()))
    standing = [each for each in seller.warehouses.values() if not each.deleting]
    match dice.choice(("rename", "process", "open", "close")):
        case "rename":
            _put(seller, replace(one, name=f"{one.name.removesuffix(' (новый)')} (новый)"))
        case "process":
            _put(seller, replace(one, processing=not one.processing))
        case "open":
            number, office = max(seller.warehouses) + 1, dice.choice(seller.offices)
            _put(seller, replace(one, id=number, name=f"Склад {number}", office_id=office.id, deleting=False))
        case _ if one.deleting:
            del seller.warehouses[one.id]
        case _ if len(standing) > FEWEST:
            _put(seller, replace(one, deleting=True))


def _put(seller: Seller, warehouse: Warehouse) -> None:
    seller.warehouses[warehouse.id] = warehouse
