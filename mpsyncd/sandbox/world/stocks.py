"""Units on the shelves of the vendor and of the seller. Numbers are worked out from the size, the place and how often they changed."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from mpsyncd.sandbox.world.dice import rolled
from mpsyncd.sandbox.world.records import Card, Size

VENDOR_SHARE, SELLER_SHARE = 150, 90
"""Of 256 sizes, how many lie in a place at all."""
_EMPTY = 40


@dataclass(frozen=True, slots=True)
class Place:
    """A warehouse where goods lie; `region` is empty where nobody tells it."""

    id: int
    name: str
    region: str


@dataclass(frozen=True, slots=True)
class Stock:
    """Units of one size in one place: to be had, on the way to buyers, on the way back."""

    nm_id: int
    chrt_id: int
    place: Place
    quantity: int
    to_client: int
    from_client: int


VENDOR_PLACES = (
    Place(507_001, "Заречье", "Центральный"),
    Place(507_002, "Степной", "Приволжский"),
    Place(507_003, "Кедровка", "Сибирский"),
)


class StockRoom:
    """What lies where. A size may have no row in a place, and get or lose it when its numbers change."""

    def __init__(self, *, seed: str) -> None:
        self._seed = seed
        self._changes: Counter[int] = Counter()
        self._known: dict[tuple[int, int], tuple[Card, object, list[Stock]]] = {}

    def change(self, card: Card, size: Size) -> None:
        """Other numbers for a size, everywhere."""
        self._changes[card.nm_id] += 1
        self._changes[size.chrt_id] += 1

    def rows(self, card: Card, places: tuple[Place, ...], *, share: int) -> list[Stock]:
        """Stock by size and place. Worked out again only when the card or its numbers have changed."""
        state = self._changes[card.nm_id], places
        known = self._known.get((card.nm_id, share))
        if known is None or known[0] is not card or known[1] != state:
            known = self._known[card.nm_id, share] = card, state, list(self._work_out(card, places, share))
        return known[2]

    def _work_out(self, card: Card, places: tuple[Place, ...], share: int) -> Iterator[Stock]:
        for size in card.sizes:
            for place in places:
                roll = rolled(f"{self._seed}/stock/{size.chrt_id}/{place.id}/{self._changes[size.chrt_id]}")
                if roll[0] < share:
                    quantity = 0 if roll[1] < _EMPTY else roll[2] * roll[3] // 64
                    yield Stock(card.nm_id, size.chrt_id, place, quantity, roll[4] % 20, roll[5] % 6)
