"""Where a seller's truth stands, in the order in which it is read. Knows no vendor and no clock."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from mpsyncd.sandbox.world.records import Card, Order

_FIRST = datetime.min.replace(tzinfo=UTC)


class OrderBook:
    """Orders by id, and ascending by (changed_at, srid)."""

    def __init__(self, orders: list[Order]) -> None:
        self._orders = {order.srid: order for order in orders}
        self._index = sorted((order.changed_at, order.srid) for order in orders)

    def __len__(self) -> int:
        return len(self._orders)

    def put(self, order: Order) -> None:
        """Add an order, or replace the one with its id."""
        old = self._orders.get(order.srid)
        if old is not None:
            del self._index[bisect_left(self._index, (old.changed_at, old.srid))]
        self._orders[order.srid] = order
        insort(self._index, (order.changed_at, order.srid))

    def take(self, srid: str) -> Order:
        """Remove an order and give it back.

        Raises:
            KeyError: there is no such order.
        """
        order = self._orders.pop(srid)
        del self._index[bisect_left(self._index, (order.changed_at, srid))]
        return order

    def at(self, place: int) -> Order:
        """The order at a place of the ascending row."""
        return self._orders[self._index[place][1]]

    def since(self, moment: datetime, *, inclusive: bool) -> Iterator[Order]:
        """Orders changed at `moment` or later, or only later ones; ascending."""
        start = bisect_left(self._index, (moment, "")) if inclusive else bisect_right(self._index, (moment, chr(0x10FFFF)))
        for place in range(start, len(self._index)):
            yield self._orders[self._index[place][1]]

    def every(self) -> Iterator[Order]:
        """All orders, ascending."""
        return self.since(_FIRST, inclusive=True)


class CardShelf:
    """Cards by article, and ascending by (moment, nm_id), where the moment is the one that the list is sorted by."""

    def __init__(self, cards: list[Card], *, moment: Callable[[Card], datetime]) -> None:
        self._moment = moment
        self._cards = {card.nm_id: card for card in cards}
        self._row = sorted(cards, key=self._place)

    def __len__(self) -> int:
        return len(self._row)

    def put(self, card: Card) -> None:
        """Add a card, or replace the one with its article."""
        if card.nm_id in self._cards:
            self.take(card.nm_id)
        self._cards[card.nm_id] = card
        insort(self._row, card, key=self._place)

    def take(self, nm_id: int) -> Card:
        """Remove a card and give it back.

        Raises:
            KeyError: there is no such card.
        """
        card = self._cards.pop(nm_id)
        del self._row[bisect_left(self._row, self._place(card), key=self._place)]
        return card

    def ascending(self) -> Sequence[Card]:
        """All cards in order. Not to be kept by the caller: the next change moves it."""
        return self._row

    def _place(self, card: Card) -> tuple[datetime, int]:
        return self._moment(card), card.nm_id
