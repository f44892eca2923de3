"""Where a seller's truth stands, in the order in which it is read. Knows no vendor and no clock."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
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
        self._sorted: list[Card] | None = None

    def __len__(self) -> int:
        return len(self._cards)

    def put(self, card: Card) -> None:
        """Add a card, or replace the one with its article."""
        self._cards[card.nm_id] = card
        self._sorted = None

    def take(self, nm_id: int) -> Card:
        """Remove a card and give it back.

        Raises:
            KeyError: there is no such card.
        """
        self._sorted = None
        return self._cards.pop(nm_id)

    def ascending(self) -> list[Card]:
        """All cards in order. Not to be changed by the caller."""
        if self._sorted is None:
            self._sorted = sorted(self._cards.values(), key=lambda card: (self._moment(card), card.nm_id))
        return self._sorted
