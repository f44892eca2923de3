"""Waits in the words that people read."""

from __future__ import annotations

_MINUTE = 60
_HOUR = 3600
_DAY = 86400


def span(seconds: float) -> str:
    """About how long: "14 s", "3 min", "2 h 10 min", "1 d 3 h"."""
    whole = max(1, round(seconds))
    if whole < 2 * _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{round(whole / _MINUTE)} min"
    if whole < _DAY:
        hours, rest = divmod(round(whole / _MINUTE), 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, rest = divmod(round(whole / _HOUR), 24)
    return f"{days} d {rest} h" if rest else f"{days} d"
