"""Rate headers in the spellings that vendors use: X-RateLimit-*, X-Ratelimit-*, Ratelimit-*, Retry-After. Names come in lower case."""

from __future__ import annotations

import math
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from mpsyncd.transport.meter import Moment, Said

if TYPE_CHECKING:
    from collections.abc import Mapping

_EPOCH_FROM = 1e9
"""Larger numbers are instants, smaller ones are seconds from now."""


def said(headers: Mapping[str, str], *, asked: float, now: Moment) -> Said:
    """What the answer says of its limit."""
    remaining = _number(headers, "remaining")
    limit = _number(headers, "limit")
    reset = _number(headers, "reset")
    reset_at = None
    if reset is not None:
        reset_at = now.to_mono(reset) if reset > _EPOCH_FROM else now.mono + reset
    return Said(
        asked=asked,
        limit=None if limit is None else int(limit),
        remaining=None if remaining is None else max(0, int(remaining)),
        reset_at=reset_at,
    )


def retry_after(headers: Mapping[str, str], *, wall: float) -> float | None:
    """Seconds of a Retry-After header, given as a number or as a date."""
    text = headers.get("retry-after", "").strip()
    seconds = _float(text)
    if seconds is not None:
        return max(0.0, seconds)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - wall)


def request_id(headers: Mapping[str, str]) -> str | None:
    """The vendor's id of the request."""
    for name in ("x-request-id", "x-requestid", "request-id", "x-o3-trace-id", "x-trace-id"):
        if headers.get(name):
            return headers[name]
    return None


def _number(headers: Mapping[str, str], what: str) -> float | None:
    for prefix in ("x-ratelimit-", "ratelimit-"):
        number = _float(headers.get(prefix + what, ""))
        if number is not None:
            return number
    return None


def _float(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
