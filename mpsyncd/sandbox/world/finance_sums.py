"""Sums of a statement, added up from its rows. Returns count against sales."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from mpsyncd.sandbox.world.operations import RETURNED, ZERO, Operation

_SIGNED = ("amount", "pay")
_ADDED = (
    "delivery",
    "storage",
    "acceptance",
    "deduction",
    "penalty",
    "extra_pay",
    "points",
    "points_discount",
    "points_cost",
    "schedule",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Each field is the sum of the rows' field of the same name; `sale_percent` is the mean over goods sold."""

    amount: Decimal
    pay: Decimal
    delivery: Decimal
    storage: Decimal
    acceptance: Decimal
    deduction: Decimal
    penalty: Decimal
    extra_pay: Decimal
    points: Decimal
    points_discount: Decimal
    points_cost: Decimal
    schedule: Decimal
    sale_percent: Decimal

    @property
    def total(self) -> Decimal:
        """What is left to pay out."""
        taken = self.delivery + self.storage + self.acceptance + self.deduction + self.penalty
        return self.pay - taken + self.extra_pay + self.schedule


def sums_of(rows: Iterable[tuple[Operation, int]]) -> Sums:
    """Sums of rows, each with how many times it stands there."""
    totals = dict.fromkeys((*_SIGNED, *_ADDED), ZERO)
    percents, sold = 0, 0
    for row, times in rows:
        sign = -times if row.document == RETURNED else times
        for name in _SIGNED:
            totals[name] += sign * getattr(row, name)
        for name in _ADDED:
            totals[name] += times * getattr(row, name)
        percents += times * row.sale_percent * row.quantity
        sold += times * row.quantity
    mean = (Decimal(percents) / sold).quantize(Decimal("0.01")) if sold else ZERO
    return Sums(**totals, sale_percent=mean)
