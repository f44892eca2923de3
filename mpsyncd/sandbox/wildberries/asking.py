"""Reads requests: bodies, parameters, moments, days. Says what is there; what is wrong with it is said in each host's own words."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import orjson

from mpsyncd.sandbox.http import Request

_LONGEST_NUMBER = 9


def body_of(request: Request) -> dict[str, Any] | None:
    """The JSON object of the body, or None for anything else."""
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def strange(request: Request, *, known: Collection[str]) -> str | None:
    """A parameter that the method does not know, or that is given twice."""
    names = [name for name, _ in request.query]
    return next((name for name in names if name not in known or names.count(name) > 1), None)


def whole(text: str | None) -> int | None:
    """A whole number that is not negative, or None for anything else."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else None


def is_day(value: object) -> bool:
    """A text such as 2026-11-21."""
    return day(value) is not None


def day(value: object) -> date | None:
    """The day of such a text, or None."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == len("2026-11-21") else None
    except ValueError:
        return None


def is_moment(value: object) -> bool:
    """A text with date, time and offset."""
    return moment(value) is not None


def moment(value: object) -> datetime | None:
    """The moment of such a text, or None. Moments that no clock in UTC can show are none."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        return found if found is not None and found.tzinfo is not None and found.timestamp() > 0 else None
    except (ValueError, OverflowError):
        return None
