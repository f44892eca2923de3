"""How buyers met each card on each day. Nothing is kept: numbers are worked out from the card, the day and its age.

A day fills up while it lasts; a small part of visits and orders comes within two days more. What became of the orders is booked on the
day of the order and is known after two weeks, bit by bit.
"""

from collections.abc import Iterable
from typing import NamedTuple

from mpsyncd.sandbox.world.dice import rolled

SETTLED_HOURS = 13 * 24
"""Age after which a day changes no more, in hours since it began."""
_DAY, _COUNTED = 24, 72
_ON_THE_DAY, _WHOLE = 970, 1_000
_QUIET = 40


class Traffic(NamedTuple):
    """Counts and whole roubles. The last six are the part of the vendor's club."""

    opens: int = 0
    carts: int = 0
    orders: int = 0
    order_sum: int = 0
    buyouts: int = 0
    buyout_sum: int = 0
    cancels: int = 0
    cancel_sum: int = 0
    wishes: int = 0
    club_orders: int = 0
    club_order_sum: int = 0
    club_buyouts: int = 0
    club_buyout_sum: int = 0
    club_cancels: int = 0
    club_cancel_sum: int = 0


class Funnel:
    """Traffic of all cards of one seller."""

    def __init__(self, *, seed: str) -> None:
        self._seed = seed
        self._appeal: dict[int, tuple[int, int]] = {}

    def day(self, nm_id: int, day: int, *, hours: int) -> Traffic:
        """Traffic of a card on a day (its ordinal number) that began so many whole hours ago."""
        visits, price = self._appeal.get(nm_id) or self._meet(nm_id)
        roll = rolled(f"{self._seed}/traffic/{nm_id}/{day}")
        counted, known = _counted(hours), _known(hours)
        opens = visits * (40 + roll[0]) // 168 * counted // _WHOLE
        carts = opens * (4 + roll[1] % 16) // 100
        orders = carts * (10 + roll[2] % 50) // 100
        bought = orders * (50 + roll[3] % 46) // 100
        buyouts = bought * known // _WHOLE
        cancels = (orders - bought) // (1 + roll[4] % 2) * known // _WHOLE
        price = price * (90 + (day // 30 * 7 + nm_id) % 20) // 100
        club, club_price = roll[5] % 30, price * 97 // 100
        club_orders, club_buyouts, club_cancels = orders * club // 100, buyouts * club // 100, cancels * club // 100
        return Traffic(
            opens,
            carts,
            orders,
            orders * price,
            buyouts,
            buyouts * price,
            cancels,
            cancels * price,
            opens * (roll[6] % 9) // 100,
            club_orders,
            club_orders * club_price,
            club_buyouts,
            club_buyouts * club_price,
            club_cancels,
            club_cancels * club_price,
        )

    def _meet(self, nm_id: int) -> tuple[int, int]:
        roll = rolled(f"{self._seed}/appeal/{nm_id}")
        visits = 0 if roll[0] < _QUIET else roll[1] * roll[2] // 64
        self._appeal[nm_id] = visits, 200 + roll[3] * 33
        return self._appeal[nm_id]


def together(days: Iterable[Traffic]) -> Traffic:
    """The sum of days; nothing for no day."""
    every = list(days)
    return Traffic(*map(sum, zip(*every, strict=True))) if every else Traffic()


def _counted(hours: int) -> int:
    """Per mille of a day's visits that have been counted."""
    if hours >= _COUNTED:
        return _WHOLE
    if hours >= _DAY:
        return _ON_THE_DAY + (_WHOLE - _ON_THE_DAY) * (hours - _DAY) // (_COUNTED - _DAY)
    return max(0, _ON_THE_DAY * hours // _DAY)


def _known(hours: int) -> int:
    """Per mille of a day's orders whose outcome is known."""
    return min(_WHOLE, max(0, (hours - _DAY) * _WHOLE // (SETTLED_HOURS - _DAY)))
