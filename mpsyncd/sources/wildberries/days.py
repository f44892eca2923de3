"""Slices in the vendor's calendar: Moscow's days, and the whole weeks and months that hold them. Must not know any method."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from mpsyncd.sources.rows import MOSCOW

if TYPE_CHECKING:
    from datetime import datetime

    from mpsyncd.model.page import Slice

_DAY = timedelta(days=1)
_WEEK = 7
_DECEMBER = 12


def today(part: Slice) -> date:
    """The day at which the attempt began."""
    return part.now.astimezone(MOSCOW).date()


def days(part: Slice) -> tuple[date, date]:
    """The first and the last day that a slice touches."""
    return _days(part.start or part.now, part.end or part.now)


def days_between(start: datetime, end: datetime) -> int:
    """How many days two instants touch."""
    first, last = _days(start, end)
    return (last - first) // _DAY + 1


def weeks(part: Slice) -> tuple[date, date]:
    """The Monday of a slice's first week and the Sunday of its last one."""
    first, last = days(part)
    return first - first.weekday() * _DAY, last + (_WEEK - 1 - last.weekday()) * _DAY


def months(part: Slice) -> list[date]:
    """The first days of the months that a slice touches."""
    return months_between(part.start or part.now, part.end or part.now)


def months_between(start: datetime, end: datetime) -> list[date]:
    """The same of two instants."""
    first, last = _days(start, end)
    found = [first.replace(day=1)]
    while (following := next_month(found[-1])) <= last:
        found.append(following)
    return found


def next_month(day: date) -> date:
    """The first day of the month after this one."""
    return date(day.year + 1, 1, 1) if day.month == _DECEMBER else date(day.year, day.month + 1, 1)


def _days(start: datetime, end: datetime) -> tuple[date, date]:
    first = start.astimezone(MOSCOW).date()
    return first, max(first, (end - timedelta.resolution).astimezone(MOSCOW).date())
