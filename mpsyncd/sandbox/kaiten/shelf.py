"""Cards in the orders in which they are asked for; sorted again only after something has changed."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from mpsyncd.sandbox.kaiten.world.company import Company
from mpsyncd.sandbox.kaiten.world.records import Card, Condition

Order = tuple[tuple[str, bool], ...]
"""Names of fields, each with whether it descends."""

FIELDS: Mapping[str, Callable[[Card], Any]] = MappingProxyType(
    {
        "id": lambda card: card.id,
        "created": lambda card: card.created,
        "updated": lambda card: card.updated,
        "title": lambda card: card.title,
        "sort_order": lambda card: card.sort_order,
        "last_moved_at": lambda card: card.moved_at,
    }
)
"""What cards can be ordered by here. Ties stand by number."""
_BY_UPDATED: Order = (("updated", False),)


class Shelf:
    """The cards of a company."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._as_of = -1
        self._sorted: dict[tuple[Condition, Order], list[Card]] = {}

    def cards(self, condition: Condition, order: Order) -> list[Card]:
        """All cards of a condition in an order."""
        if self._as_of != self._company.changes:
            self._sorted.clear()
            self._as_of = self._company.changes
        key = (condition, order)
        if key not in self._sorted:
            cards = sorted((card for card in self._company.cards.values() if card.condition is condition), key=FIELDS["id"])
            for name, descends in reversed(order):
                cards.sort(key=FIELDS[name], reverse=descends)
            self._sorted[key] = cards
        return self._sorted[key]

    def since(self, condition: Condition, moment: datetime) -> list[Card]:
        """Cards updated at this moment or later, in the order of their update."""
        cards = self.cards(condition, _BY_UPDATED)
        return cards[bisect_left(cards, moment, key=FIELDS["updated"]) :]
