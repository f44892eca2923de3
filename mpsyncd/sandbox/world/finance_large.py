"""Statements with rows by the hundred thousand, worked out from their place: they cost no memory and never move.

Rows are copies of a few hundred patterns. What differs from row to row stands in :class:`Traits`, so that who writes them by the million
can spell a pattern once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random

from mpsyncd.sandbox.world.calendar import DAY, WEEK, at, day_of, monday
from mpsyncd.sandbox.world.finance_birth import make_deals, make_operations
from mpsyncd.sandbox.world.finance_book import Stock, UnknownRowError
from mpsyncd.sandbox.world.finance_sums import Sums, sums_of
from mpsyncd.sandbox.world.operations import Acquiring, Operation, Statement

_PATTERNS = 499
_FIRST_ROW, _FIRST_STATEMENT = 8_000_000_001, 700_000_000
_TURN = 4
_DAYS = 7


@dataclass(frozen=True, slots=True)
class Traits:
    """What a row has of its own; everything else is its pattern's."""

    number: int
    day: date
    sold_at: datetime
    label: int
    srid: str


class LargeFinance:
    """`count` rows, spread evenly over the whole weeks before `born`; the numbers of every four neighbours fall instead of rising."""

    def __init__(self, *, dice: Random, stock: Stock, count: int, born: datetime, weeks: int) -> None:
        first = monday(day_of(born)) - weeks * WEEK
        deals = make_deals(dice, first=first, goods=stock.goods, orders=(), count=_PATTERNS)
        self.patterns = make_operations(dice, deals=deals, first=first, number=0, main=True)
        self._count = count
        self._weeks = [_statement(week, first + week * WEEK) for week in range(weeks)]

    def statements(self, moment: datetime, *, daily: bool = False) -> Sequence[Statement]:
        """The weekly ones, all of which have appeared; no daily ones."""
        return [] if daily else [one for one in self._weeks if moment >= at(one.made)]

    def walk(self, statements: Iterable[Statement], *, after: int = 0) -> Iterator[tuple[Statement, Operation]]:
        """Rows one after the other."""
        for statement, place in self.places(statements, after=after):
            own = self.traits(statement, place)
            pattern = self.patterns[place % len(self.patterns)]
            yield statement, replace(pattern, number=own.number, day=own.day, sold_at=own.sold_at, label=own.label, srid=own.srid)

    def operations(self, statement: Statement) -> Iterator[Operation]:
        """Rows of a statement in the order in which they are shown."""
        return (row for _, row in self.walk([statement]))

    def sums(self, statement: Statement) -> Sums:
        """Sums of a statement."""
        low, high = self.span(statement)
        cycle = len(self.patterns)
        rest = {place % cycle for place in range(low + (high - low) // cycle * cycle, high)}
        return sums_of((row, (high - low) // cycle + (place in rest)) for place, row in enumerate(self.patterns))

    def places(self, statements: Iterable[Statement], *, after: int = 0) -> Iterator[tuple[Statement, int]]:
        """Statement and place of each row.

        Raises:
            UnknownRowError: there is no row `after`.
        """
        chosen = list(statements)
        ranges = [(one, *self.span(one)) for one in chosen]
        start = self._place(after) + 1 if after else 0
        if after and not any(low < start <= high for _, low, high in ranges):
            raise UnknownRowError
        for statement, low, high in ranges:
            for place in range(max(low, start), high):
                yield statement, place

    def traits(self, statement: Statement, place: int) -> Traits:
        """What the row at a place has of its own."""
        low, high = self.span(statement)
        sold = at(statement.first) + timedelta(seconds=(place - low) * _DAYS * 86_400 // (high - low))
        block = place - place % _TURN
        return Traits(
            number=_FIRST_ROW + block + (_TURN - 1 - place % _TURN),
            day=day_of(sold),
            sold_at=sold,
            label=10**10 + place,
            srid=f"lg.f{place // 2:024}.0.0",
        )

    def span(self, statement: Statement) -> tuple[int, int]:
        """Places of a statement's rows: first, and behind the last."""
        week = statement.number - _FIRST_STATEMENT
        return self._count * week // len(self._weeks), self._count * (week + 1) // len(self._weeks)

    def acquiring_statements(self, _moment: datetime) -> Sequence[Statement]:
        """None: nobody measures these."""
        return []

    def acquiring(self, _statement: Statement) -> Sequence[Acquiring]:
        """None."""
        return []

    def _place(self, number: int) -> int:
        raw = number - _FIRST_ROW
        return raw - raw % _TURN + (_TURN - 1 - raw % _TURN)


def _statement(week: int, first: date) -> Statement:
    return Statement(number=_FIRST_STATEMENT + week, kind=1, first=first, last=first + WEEK - DAY, made=first + WEEK)
