"""What becomes of orders: units bought and brought back, and where each order stands now. Knows no vendor and no clock."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, auto

from mpsyncd.sandbox.world.records import Order

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST_ID = chr(0x10FFFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A unit that a buyer took, or brought back. `order` is the order as it was then.

    Its sums are known from `settled_at` on; that may be `silent` and leave the time of change alone. `wallet` is a discount in whole
    roubles; only what was brought back can be `defective`.
    """

    sale_id: str
    order: Order
    returned: bool
    defective: bool
    happened_at: datetime
    reported_at: datetime
    settled_at: datetime
    silent: bool
    wallet: int
    for_pay: Decimal

    def settled(self, at: datetime) -> bool:
        """Whether the sums are known at a moment."""
        return at >= self.settled_at

    def changed_at(self, at: datetime) -> datetime:
        """The time of the last change as it is told at a moment."""
        return self.settled_at if self.settled(at) and not self.silent else self.reported_at


class Status(Enum):
    """What has become of an order."""

    CREATED = auto()
    BOUGHT = auto()
    CANCELLED = auto()
    RETURNED = auto()
    RETURNED_DEFECTIVE = auto()


@dataclass(frozen=True, slots=True)
class Standing:
    """An order with its status of now and since when it has it."""

    order: Order
    status: Status
    since: datetime


@dataclass(frozen=True, slots=True)
class Standings:
    """So many standings in a row, each worked out when it is looked at."""

    count: int
    at: Callable[[int], Standing]

    def page(self, *, offset: int, limit: int) -> list[Standing]:
        """The standings from a place on."""
        return [self.at(place) for place in range(offset, min(self.count, offset + limit))]


class SaleBook:
    """Sales by id and by order, and ascending by (time of change, id); that time depends on when one asks."""

    def __init__(self, sales: list[Sale]) -> None:
        self._sales: dict[str, Sale] = {}
        self._of_order: dict[str, Sale] = {}
        self._index: list[tuple[datetime, str]] = []
        for sale in sales:
            self.put(sale)

    def __len__(self) -> int:
        return len(self._sales)

    def put(self, sale: Sale) -> None:
        """Add a sale, or replace the one with its id. What was brought back must come after what was taken."""
        old = self._sales.get(sale.sale_id)
        for stamp in _stamps(old) if old is not None else ():
            del self._index[bisect_left(self._index, (stamp, sale.sale_id))]
        self._sales[sale.sale_id] = sale
        latest = self._of_order.get(sale.order.srid)
        if latest is None or latest.sale_id == sale.sale_id or sale.returned:
            self._of_order[sale.order.srid] = sale
        for stamp in _stamps(sale):
            insort(self._index, (stamp, sale.sale_id))

    def latest(self, srid: str) -> Sale | None:
        """What happened last to the unit of an order."""
        return self._of_order.get(srid)

    def from_end(self, back: int) -> Sale:
        """The sale that stands so many places before the last change."""
        return self._sales[self._index[-1 - back][1]]

    def since(self, moment: datetime, *, inclusive: bool, at: datetime) -> Iterator[Sale]:
        """Sales that at `at` are told to have changed at `moment` or later, or only later; ascending."""
        start = bisect_left(self._index, (moment, "")) if inclusive else bisect_right(self._index, (moment, _LAST_ID))
        for place in range(start, len(self._index)):
            stamp, sale_id = self._index[place]
            sale = self._sales[sale_id]
            if sale.changed_at(at) == stamp:
                yield sale

    def every(self, *, at: datetime) -> Iterator[Sale]:
        """All sales, ascending."""
        return self.since(_FIRST, inclusive=True, at=at)


def standing(order: Order, sale: Sale | None) -> Standing:
    """Where an order stands, with what happened last to its unit."""
    if sale is not None:
        defective = Status.RETURNED_DEFECTIVE if sale.defective else Status.RETURNED
        return Standing(order, defective if sale.returned else Status.BOUGHT, sale.happened_at)
    if order.cancelled_at is not None:
        return Standing(order, Status.CANCELLED, order.cancelled_at)
    return Standing(order, Status.CREATED, order.created_at)


def _stamps(sale: Sale) -> set[datetime]:
    return {sale.reported_at} if sale.silent else {sale.reported_at, sale.settled_at}
