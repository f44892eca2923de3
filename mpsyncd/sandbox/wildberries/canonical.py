"""How the truth is written: snake_case columns, moments as ISO texts in UTC, days and decimals as texts, JSON as the vendor nests it.

Keys with a leading underscore are remarks, not columns. `_left` marks rows that need not be compared: the vendor shows them no more, or
not reliably yet, so they may stand in a table, may be marked deleted, and may be missing. `_may_lack` names columns that not every way of
reading the row tells: null is as good as the value.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from mpsyncd.sandbox.world.seller import Seller

Row = dict[str, object]
Read = Callable[[Seller, datetime], Iterator[Row]]
"""Rows of a table for a seller at a moment of the world."""

LEFT: Row = {"_left": True}


def utc(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC with its offset."""
    return moment.astimezone(UTC).isoformat()
