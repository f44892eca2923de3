"""Statements of a seller. Weeks are worked out from the seed when they are first asked for; only corrections are remembered apart.

A statement appears on the Monday after its week, the one about taking payments nine days after the week. Knows no clock.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from random import Random

from mpsyncd.sandbox.world.calendar import DAY, WEEK, at, day_of, monday
from mpsyncd.sandbox.world.finance_birth import Deal, make_acquiring, make_deals, make_operations
from mpsyncd.sandbox.world.finance_sums import Sums, sums_of
from mpsyncd.sandbox.world.operations import Acquiring, Goods, Operation, Statement
from mpsyncd.sandbox.world.records import Order

_EPOCH = date(2020, 1, 6)
_STATEMENTS, _ACQUIRING = 600_000_000, 300_000_000
_DAILY = 4 * 10**18
_ROWS = 1_200_000_000
_ROWS_A_WEEK = 10_000
_ADDED = 7_000_000_000
_PUBLISHED_AT = 6
_SECOND_SHARE = 6
_SECOND_WEEKS = 0.5


@dataclass(frozen=True, slots=True)
class Stock:
    """What statements are made of: goods, and the orders of the world's birth with the goods in them."""

    goods: tuple[Goods, ...]
    orders: tuple[tuple[Order, Goods], ...]


class UnknownRowError(LookupError):
    """None of the statements has a row of this number."""


class FinanceBook:
    """Statements from `weeks` whole weeks before `born` on, each with about `rows` rows. `stock` is asked once, late."""

    def __init__(
        self, *, dice: Callable[[object], Random], owner: int, stock: Callable[[], Stock], born: datetime, weeks: int, rows: int
    ) -> None:
        self._dice = dice
        self._owner = owner
        self._make_stock = stock
        self._stock: Stock | None = None
        self._first = monday(day_of(born)) - weeks * WEEK if weeks else None
        self._rows = rows
        self._weeks: dict[date, dict[int, list[Operation]]] = {}
        self._acquiring: dict[date, list[Acquiring]] = {}
        self._added = 0

    def statements(self, moment: datetime, *, daily: bool = False) -> list[Statement]:
        """What has appeared by `moment`, oldest first."""
        return list(self._daily(moment) if daily else self._weekly(moment))

    def operations(self, statement: Statement) -> list[Operation]:
        """Rows of a statement in the order in which they are shown, those that are gone included."""
        week = self._week(monday(statement.first))
        if statement.number >= _DAILY:
            return [row for rows in week.values() for row in rows if row.day == statement.first]
        return week[statement.kind]

    def walk(self, statements: Iterable[Statement], *, after: int = 0) -> Iterator[tuple[Statement, Operation]]:
        """Rows of the statements one after the other, from behind the row numbered `after` (0: all).

        Rows that are gone keep their place, so that who stands at one finds the way on.

        Raises:
            UnknownRowError: no row has this number.
        """
        found = after == 0
        for statement in statements:
            for row in self.operations(statement):
                if found and not row.gone:
                    yield statement, row
                found = found or row.number == after
        if not found:
            raise UnknownRowError

    def sums(self, statement: Statement) -> Sums:
        """Sums of a statement as it stands."""
        return sums_of((row, 1) for row in self.operations(statement) if not row.gone)

    def acquiring_statements(self, moment: datetime) -> list[Statement]:
        """Statements about taking payments that have appeared by `moment`, oldest first."""
        return [
            Statement(number=_ACQUIRING + _ordinal(first), kind=1, first=first, last=first + WEEK - DAY, made=first + WEEK + 8 * DAY)
            for first in self._mondays(moment)
            if moment >= at(first + WEEK + 8 * DAY, hour=_PUBLISHED_AT)
        ]

    def acquiring(self, statement: Statement) -> list[Acquiring]:
        """Rows of such a statement in the order in which they are shown."""
        first = statement.first
        if first not in self._acquiring:
            made = self._made(first)
            rows = [row for kind in sorted(made) for row in made[kind]]
            self._acquiring[first] = make_acquiring(self._dice(f"acquiring/{first}"), rows, made=statement.made)
        return self._acquiring[first]

    def correct(self, statement: Statement, *, dice: Random) -> None:
        """One row of a weekly statement changes, goes away, or is added."""
        rows = self._week(statement.first)[statement.kind]
        here = [place for place, row in enumerate(rows) if not row.gone]
        place = dice.choice(here)
        row = rows[place]
        match dice.choice(("change", "change", "remove", "add")):
            case "change":
                rows[place] = replace(row, pay=row.pay + Decimal(dice.randint(1, 9_999)) / 100, reason="Корректировка")
            case "remove" if len(here) > 1:
                rows[place] = replace(row, gone=True)
            case _:
                self._added += 1
                rows.append(replace(row, number=_ADDED + self._added))

    def _weekly(self, moment: datetime) -> Iterator[Statement]:
        for first in self._mondays(moment):
            for kind in sorted(self._week(first)):
                number = _STATEMENTS + 2 * _ordinal(first) + kind
                yield Statement(number=number, kind=kind, first=first, last=first + WEEK - DAY, made=first + WEEK)

    def _daily(self, moment: datetime) -> Iterator[Statement]:
        day = self._first
        while day is not None and moment >= at(day + DAY, hour=_PUBLISHED_AT):
            number = _DAILY + self._owner * 10**8 + int(f"{day:%Y%m%d}")
            yield Statement(number=number, kind=1, first=day, last=day, made=day + DAY)
            day += DAY

    def _mondays(self, moment: datetime) -> Iterator[date]:
        first = self._first
        while first is not None and moment >= at(first + WEEK, hour=_PUBLISHED_AT):
            yield first
            first += WEEK

    def _week(self, first: date) -> dict[int, list[Operation]]:
        if first not in self._weeks:
            self._weeks[first] = self._made(first)
        return self._weeks[first]

    def _made(self, first: date) -> dict[int, list[Operation]]:
        """The week as it was before any correction: the same rows each time."""
        if self._stock is None:
            self._stock = self._make_stock()
        dice = self._dice(f"week/{first}")
        deals: list[Deal] = make_deals(dice, first=first, goods=self._stock.goods, orders=self._stock.orders, count=self._rows)
        second = len(deals) // _SECOND_SHARE if dice.random() < _SECOND_WEEKS else 0
        number = _ROWS + _ordinal(first) * _ROWS_A_WEEK
        made = {1: make_operations(dice, deals=deals[second:], first=first, number=number, main=True)}
        if second:
            made[2] = make_operations(dice, deals=deals[:second], first=first, number=number + _ROWS_A_WEEK // 2, main=False)
        return made


def _ordinal(first: date) -> int:
    return (first - _EPOCH) // WEEK
