"""Orders by the hundred thousand, worked out from their place, so that a benchmark's world costs no memory and never moves."""

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from mpsyncd.sandbox.world.dice import dice
from mpsyncd.sandbox.world.order_birth import cancel, make_order
from mpsyncd.sandbox.world.records import Card, Order

_PATTERNS = 997
_TIE = 4
CANCELLED = 9
"""Every ninth order is cancelled, the first one too."""


class LargeBook:
    """`count` orders ascending by (changed_at, srid), four to a stamp; the same reading as :class:`OrderBook`, without `put`."""

    def __init__(self, *, cards: list[Card], count: int, seed: str, until: datetime, span: timedelta) -> None:
        rolls = dice(seed, "large")
        self._count = count
        self._step = timedelta(milliseconds=max(1, span // timedelta(milliseconds=1) // (count // _TIE + 1)))
        self._start = until.replace(microsecond=0) - self._step * (count // _TIE + 1)
        self._patterns = [
            make_order(rolls, card=rolls.choice(cards), serial=0, created_at=until, changed_at=until) for _ in range(min(_PATTERNS, count))
        ]

    def __len__(self) -> int:
        return self._count

    def at(self, place: int) -> Order:
        """The order at a place of the ascending row."""
        changed = self.changed_at(place)
        order = replace(
            self._patterns[place % len(self._patterns)],
            srid=f"lg.r{place:020}.0.0",
            cart=f"{10**15 + place // 3}",
            created_at=self.created_at(place),
            changed_at=changed,
            sticker=str(10**9 + place),
            total_price=Decimal(10_000 + place % 900_000) / 100,
        )
        return cancel(order, at=changed) if place % CANCELLED == 0 else order

    def changed_at(self, place: int) -> datetime:
        """When the order at a place changed."""
        return self._start + self._step * (place // _TIE)

    def created_at(self, place: int) -> datetime:
        """When the order at a place was made."""
        return (self.changed_at(place) - timedelta(hours=1 + place % 5)).replace(microsecond=0)

    def first(self, moment: datetime, *, inclusive: bool) -> int:
        """Place of the first order changed at `moment` or later, or only later; the count when there is none."""
        steps = (moment - self._start) / self._step
        tie = math.ceil(steps) if inclusive else math.floor(steps) + 1
        place = min(self._count, max(0, tie) * _TIE)
        while place > 0 and self._reached(place - _TIE, moment, inclusive=inclusive):
            place -= _TIE
        while place < self._count and not self._reached(place, moment, inclusive=inclusive):
            place += _TIE
        return min(place, self._count)

    def _reached(self, place: int, moment: datetime, *, inclusive: bool) -> bool:
        changed = self.changed_at(max(0, place))
        return changed >= moment if inclusive else changed > moment

    def since(self, moment: datetime, *, inclusive: bool) -> Iterator[Order]:
        """Orders changed at `moment` or later, or only later ones; ascending."""
        for place in range(self.first(moment, inclusive=inclusive), self._count):
            yield self.at(place)

    def every(self) -> Iterator[Order]:
        """All orders, ascending."""
        return (self.at(place) for place in range(self._count))
