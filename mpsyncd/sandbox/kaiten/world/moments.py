"""Moments as the vendor keeps them: UTC, whole milliseconds."""

from datetime import datetime


def milli(moment: datetime) -> datetime:
    """The moment without what is finer than a millisecond."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
