"""Puts equal stamps on both sides of the borders of pages, where a careless reader loses rows. Knows nothing of what is stamped."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

T = TypeVar("T")


def tie_borders(rows: list[T], *, page: int, stamp: Callable[[T], datetime], no_later: Callable[[T, datetime], T]) -> list[T]:
    """The same ascending rows, with one stamp on both sides of every border of a walk by pages that repeats the border's rows.

    stamp: what the rows are sorted by. no_later: the row with an earlier stamp.
    """
    tied = list(rows)
    start = 0
    while start + page < len(tied):
        last = stamp(tied[start + page - 1])
        tied[start + page] = no_later(tied[start + page], last)
        first = next(place for place in range(start, len(tied)) if stamp(tied[place]) == last)
        start = first if first > start else start + page
    return tied
