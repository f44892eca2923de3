"""Slices in Moscow's calendar."""

from datetime import UTC, date, datetime, timedelta

import pytest

from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.sources.wildberries.days import days, months, next_month, today, weeks
from mpsyncd.sources.wildberries.report_rows import week_range, whole_weeks

MIDNIGHT = datetime(2026, 11, 15, 21, tzinfo=UTC)  # between Sunday the 15th and Monday the 16th in Moscow


def window(start: datetime, end: datetime) -> Slice:
    return Slice(slice_id=1, kind=SliceKind.WINDOW, now=MIDNIGHT, start=start, end=end)


def test_days_are_moscows_and_the_end_is_left_out() -> None:
    day = timedelta(days=1)
    assert days(window(MIDNIGHT - day, MIDNIGHT)) == (date(2026, 11, 15), date(2026, 11, 15))
    assert days(window(MIDNIGHT - day, MIDNIGHT + timedelta(microseconds=1))) == (date(2026, 11, 15), date(2026, 11, 16))
    assert today(window(MIDNIGHT, MIDNIGHT)) == date(2026, 11, 16)


@pytest.mark.parametrize("begin", range(7))
@pytest.mark.parametrize("length", [1, 7, 21])
def test_weeks_hold_every_day_and_are_whole(begin: int, length: int) -> None:
    part = window(MIDNIGHT + timedelta(days=begin), MIDNIGHT + timedelta(days=begin + length))
    (first, last), (monday, sunday) = days(part), weeks(part)
    assert (monday.weekday(), sunday.weekday()) == (0, 6)
    assert timedelta(0) <= first - monday < timedelta(days=7)
    assert timedelta(0) <= sunday - last < timedelta(days=7)


def test_reports_begin_on_a_monday_before_which_nothing_is_asked_for() -> None:
    part = window(datetime(2023, 5, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC))
    assert whole_weeks(part) == (date(2024, 1, 29), date(2024, 2, 4))
    assert week_range(part) == (date(2024, 1, 29), date(2024, 2, 5))
    assert date(2024, 1, 29).weekday() == 0


def test_months_over_a_new_year() -> None:
    part = window(datetime(2026, 11, 30, 20, 59, tzinfo=UTC), datetime(2027, 1, 31, 21, tzinfo=UTC))
    assert months(part) == [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]
    assert months(window(MIDNIGHT, MIDNIGHT + timedelta(days=1))) == [date(2026, 11, 1)]
    assert next_month(date(2026, 12, 31)) == date(2027, 1, 1)
