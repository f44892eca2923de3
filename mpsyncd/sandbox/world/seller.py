"""One invented seller: who it is and what it owns. Changed only by its birth and by events."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from mpsyncd.sandbox.options import SellerSpec
from mpsyncd.sandbox.world.belongings import make_adverts, make_chats, make_finance, make_purse, make_voices
from mpsyncd.sandbox.world.card_birth import make_card
from mpsyncd.sandbox.world.dice import dice
from mpsyncd.sandbox.world.funnel import Funnel
from mpsyncd.sandbox.world.large import LargeBook
from mpsyncd.sandbox.world.large_sales import LargeSales
from mpsyncd.sandbox.world.order_birth import changed_no_later, make_history
from mpsyncd.sandbox.world.prices import PriceList
from mpsyncd.sandbox.world.records import Card, Order
from mpsyncd.sandbox.world.sale_birth import make_sales
from mpsyncd.sandbox.world.sales import SaleBook, Standings, standing
from mpsyncd.sandbox.world.shelves import CardShelf, OrderBook
from mpsyncd.sandbox.world.stocks import StockRoom
from mpsyncd.sandbox.world.ties import tie_borders
from mpsyncd.sandbox.world.warehouses import make_offices, make_warehouses

_CARD_LIFE = timedelta(days=400)
_IN_TRASH = timedelta(days=25)
_FIRST_ARTICLE = 100_000_000
_UNCONFIRMED = 40
"""Of how many orders one more waits for its payment to be confirmed."""
_ON_CREDIT = timedelta(days=10)


class Seller:
    """Numbers and truth of one seller.

    spec, sid (UUID text), oid, tin, born (when its history ended); live `cards`, cards in the `trash`; `orders`, those whose payment is
    `unconfirmed`, `sales`; `prices`, `stocks`, `warehouses` by id, `offices`, `funnel`; statements in `finance`, money in the
    `purse`, `adverts`, `chats`, `voices`; `next_article` and `next_serial` are not used yet.
    """

    def __init__(self, spec: SellerSpec, *, seed: str, born: datetime, order_page: int, card_page: int, event_page: int) -> None:
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
        self.born = born
        name = f"{seed}/{spec.name}"
        self.prices, self.stocks, self.funnel = PriceList(seed=name), StockRoom(seed=name), Funnel(seed=name)
        self.warehouses, self.offices = make_warehouses(name), make_offices()
        self.next_serial, self.next_sale = spec.orders, 2 * spec.orders
        self.orders: OrderBook | LargeBook
        self.sales: SaleBook | LargeSales
        if spec.large:
            self.orders = LargeBook(cards=live, count=spec.orders, seed=name, until=born, span=spec.history)
            self.sales, self.unconfirmed = LargeSales(self.orders, until=born), OrderBook([])
        else:
            history = make_history(dice(seed, "orders", spec.name), cards=live, count=spec.orders, until=born, span=spec.history)
            tied = tie_borders(history, page=order_page, stamp=_changed_at, no_later=changed_no_later)
            self.orders = OrderBook(tied)
            self.sales = SaleBook(make_sales(dice(seed, "sales", spec.name), orders=tied, until=born, page=order_page))
            count, span = spec.orders // _UNCONFIRMED, min(spec.history, _ON_CREDIT)
            self.unconfirmed = OrderBook(make_history(dice(seed, "credit", spec.name), cards=live, count=count, until=born, span=span))
        self.finance = make_finance(spec, name=name, owner=self.oid, cards=live, orders=self.orders, born=born)
        self.purse = make_purse(name)
        self.adverts = make_adverts(spec, name=name, cards=live, born=born)
        self.chats = make_chats(spec, name=name, orders=self.orders, born=born, page=event_page)
        self.voices = make_voices(spec, name=name, cards=live, orders=self.orders, born=born)

    def standings(self, *, start: datetime, end: datetime) -> Standings:
        """Where orders stand by the time of their status, from the newest, between two moments."""
        if isinstance(self.sales, LargeSales):
            return self.sales.newest(start=start, end=end)
        latest = self.sales.latest
        every = (standing(order, latest(order.srid)) for order in (*self.orders.every(), *self.unconfirmed.every()))
        rows = sorted((one for one in every if start <= one.since <= end), key=lambda one: (one.since, one.order.srid), reverse=True)
        return Standings(len(rows), rows.__getitem__)

    def article(self) -> int:
        """A new article number."""
        self.next_article += 7
        return self.next_article

    def serial(self) -> int:
        """A new number of an order."""
        self.next_serial += 1
        return self.next_serial

    def sale_number(self) -> int:
        """A new number of a sale."""
        self.next_sale += 1
        return self.next_sale

    def _new_card(self, seed: str, born: datetime) -> Card:
        nm_id = self.article()
        rolls = dice(seed, "card", nm_id)
        youngest = 0.95 if self.spec.large else 0.1
        created = born - _CARD_LIFE * (youngest + (1 - youngest) * rolls.random())
        updated = created + (born - created) * rolls.random() * 0.99
        return make_card(rolls, nm_id=nm_id, created_at=created, updated_at=updated)


def _changed_at(order: Order) -> datetime:
    return order.changed_at


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
