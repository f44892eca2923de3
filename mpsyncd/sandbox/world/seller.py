"""One invented seller: who it is and what it owns. Changed only by its birth and by events."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from mpsyncd.sandbox.options import SellerSpec
from mpsyncd.sandbox.world.card_birth import make_card
from mpsyncd.sandbox.world.dice import dice
from mpsyncd.sandbox.world.large import LargeBook
from mpsyncd.sandbox.world.order_birth import make_history, tie_borders
from mpsyncd.sandbox.world.records import Card
from mpsyncd.sandbox.world.shelves import CardShelf, OrderBook

_CARD_LIFE = timedelta(days=400)
_IN_TRASH = timedelta(days=25)
_FIRST_ARTICLE = 100_000_000


class Seller:
    """Numbers and truth of one seller.

    spec, sid (UUID text), oid, tin; `orders`, live `cards`, cards in the `trash`; `next_article` and `next_serial` are not used yet.
    """

    def __init__(self, spec: SellerSpec, *, seed: str, born: datetime, order_page: int, card_page: int) -> None:
        rolls = dice(seed, "seller", spec.name)
        self.spec = spec
        self.sid = str(UUID(int=rolls.getrandbits(128), version=4))
        self.oid = rolls.randint(10**5, 10**7)
        self.tin = f"{rolls.randrange(10**10):010}"
        self.next_article = _FIRST_ARTICLE + rolls.randrange(10**5) * 1_000
        everything = [self._new_card(seed, born) for _ in range(spec.cards + spec.trashed)]
        live = sorted(everything[: spec.cards], key=_updated)
        trash = sorted((_thrown_away(card, seed, born) for card in everything[spec.cards :]), key=_trashed)
        self.cards = CardShelf(_tie_updates(live, card_page), moment=_updated_at)
        self.trash = CardShelf(_tie_bins(trash, card_page), moment=_trashed_at)
        self.next_serial = spec.orders
        self.orders: OrderBook | LargeBook
        if spec.large:
            self.orders = LargeBook(cards=live, count=spec.orders, seed=f"{seed}/{spec.name}", until=born, span=spec.history)
        else:
            roll = dice(seed, "orders", spec.name)
            history = make_history(roll, cards=live, count=spec.orders, until=born, span=spec.history)
            self.orders = OrderBook(tie_borders(history, page=order_page))

    def article(self) -> int:
        """A new article number."""
        self.next_article += 7
        return self.next_article

    def serial(self) -> int:
        """A new number of an order."""
        self.next_serial += 1
        return self.next_serial

    def _new_card(self, seed: str, born: datetime) -> Card:
        nm_id = self.article()
        rolls = dice(seed, "card", nm_id)
        created = born - _CARD_LIFE * (0.1 + 0.9 * rolls.random())
        updated = created + (born - created) * rolls.random() * 0.99
        return make_card(rolls, nm_id=nm_id, created_at=created, updated_at=updated)


def _thrown_away(card: Card, seed: str, born: datetime) -> Card:
    return replace(card, trashed_at=born - _IN_TRASH * dice(seed, "trash", card.nm_id).random())


def _updated_at(card: Card) -> datetime:
    return card.updated_at


def _trashed_at(card: Card) -> datetime:
    return card.trashed_at or card.updated_at


def _updated(card: Card) -> tuple[datetime, int]:
    return _updated_at(card), card.nm_id


def _trashed(card: Card) -> tuple[datetime, int]:
    return _trashed_at(card), card.nm_id


def _borders(count: int, page: int) -> set[int]:
    """Places that begin a page, read from either end."""
    return {place for start in range(page, count, page) for place in (start, count - start)}


def _tie_updates(cards: list[Card], page: int) -> list[Card]:
    tied = list(cards)
    for place in sorted(_borders(len(tied), page)):
        stamp = tied[place - 1].updated_at
        tied[place] = replace(tied[place], updated_at=stamp, created_at=min(stamp, tied[place].created_at))
    return tied


def _tie_bins(cards: list[Card], page: int) -> list[Card]:
    tied = list(cards)
    for place in sorted(_borders(len(tied), page)):
        tied[place] = replace(tied[place], trashed_at=tied[place - 1].trashed_at)
    return tied
