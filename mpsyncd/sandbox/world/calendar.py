"""Days of the invented sellers, who all live by Moscow's clock. Knows no vendor."""

from datetime import date, datetime, time, timedelta, timezone

MOSCOW = timezone(timedelta(hours=3))
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


def day_of(moment: datetime) -> date:
    """The calendar day of an aware moment."""
    return moment.astimezone(MOSCOW).date()


def at(day: date, *, hour: int = 0) -> datetime:
    """The moment of a day at which the clock strikes this hour."""
    return datetime.combine(day, time(hour), tzinfo=MOSCOW)


def monday(day: date) -> date:
    """The Monday of a day's week."""
    return day - DAY * day.weekday()
