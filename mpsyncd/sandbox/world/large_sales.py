"""Sales of a large seller, worked out from their place like its orders: every order that is not cancelled is taken two days later."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from mpsyncd.sandbox.world.large import CANCELLED, LargeBook
from mpsyncd.sandbox.world.sales import Sale, Standing, Standings, standing

_DELIVERY, _REPORT = timedelta(days=2), timedelta(minutes=20)
_TOLD_BACK = timedelta(days=32)
_FIRST_NUMBER = 9_000_000_000
_SHARE, _CENT = Decimal("0.75"), Decimal("0.01")


class LargeSales:
    """The same reading as :class:`SaleBook`, without `put`. Sums are known at once, so it does not matter when one asks."""

    def __init__(self, orders: LargeBook, *, until: datetime) -> None:
        self._orders = orders
        self._until = until
        every = len(orders) - len(orders) // CANCELLED - bool(len(orders) % CANCELLED)
        self._count = bisect_right(range(every), until, key=self.changed_at)
        self._newest: list[tuple[datetime, int]] = []

    def __len__(self) -> int:
        return self._count

    def at(self, place: int) -> Sale:
        """The sale at a place of the ascending row."""
        number = _order_place(place)
        order, changed = self._orders.at(number), self.changed_at(place)
        return Sale(
            sale_id=f"S{_FIRST_NUMBER + place}",
            order=order,
            returned=False,
            defective=False,
            happened_at=(changed - _REPORT).replace(microsecond=0),
            reported_at=changed,
            settled_at=changed,
            silent=False,
            wallet=number % 50,
            for_pay=(order.price_with_discount * _SHARE).quantize(_CENT),
        )

    def changed_at(self, place: int) -> datetime:
        """When the sale at a place changed."""
        return self._orders.changed_at(_order_place(place)) + _DELIVERY

    def first(self, moment: datetime, *, inclusive: bool) -> int:
        """Place of the first sale changed at `moment` or later, or only later; the count when there is none."""
        search = bisect_left if inclusive else bisect_right
        return search(range(self._count), moment, key=self.changed_at)

    def since(self, moment: datetime, *, inclusive: bool, at: datetime) -> Iterator[Sale]:  # noqa: ARG002 - as every book
        """Sales changed at `moment` or later, or only later; ascending."""
        return (self.at(place) for place in range(self.first(moment, inclusive=inclusive), self._count))

    def every(self, *, at: datetime) -> Iterator[Sale]:  # noqa: ARG002 - as every book
        """All sales, ascending."""
        return (self.at(place) for place in range(self._count))

    def standing(self, number: int) -> Standing:
        """Where the order at a place of the orders' row stands."""
        sold = number % CANCELLED and self._sale_place(number) < self._count
        return standing(self._orders.at(number), self.at(self._sale_place(number)) if sold else None)

    def newest(self, *, start: datetime, end: datetime) -> Standings:
        """Where orders stand by the time of their status, from the newest, between two moments; not further back than a month."""
        if not self._newest:
            early = self._orders.first(self._until - _TOLD_BACK - _DELIVERY, inclusive=True)
            self._newest = sorted(((self._status_since(number), number) for number in range(early, len(self._orders))), reverse=True)
        newest = bisect_left(self._newest, -end.timestamp(), key=lambda one: -one[0].timestamp())
        oldest = bisect_right(self._newest, -start.timestamp(), key=lambda one: -one[0].timestamp())
        return Standings(oldest - newest, lambda place: self.standing(self._newest[newest + place][1]))

    def _status_since(self, number: int) -> datetime:
        changed = self._orders.changed_at(number)
        if number % CANCELLED == 0:
            return changed.replace(microsecond=0)
        if self._sale_place(number) < self._count:
            return (changed + _DELIVERY - _REPORT).replace(microsecond=0)
        return self._orders.created_at(number)

    @staticmethod
    def _sale_place(number: int) -> int:
        return number - number // CANCELLED - 1


def _order_place(place: int) -> int:
    return place + place // (CANCELLED - 1) + 1
