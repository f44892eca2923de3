"""Whether many texts are plain numbers or days, told in one go: they come by the dozen in a row and by the million in a day."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_WHOLE = re.compile(r"(?:[+-]?+[0-9]++\n)*+")
_DAY = re.compile(r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}\n)*+")
_DECIMAL = re.compile(r"(?:[+-]?+[0-9]++(?:\.[0-9]++)?+\n)*+")


def all_whole(texts: Sequence[str]) -> bool:
    """Whether each text is digits with or without a sign, and nothing around them."""
    return _all(texts, _WHOLE)


def all_decimal(texts: Sequence[str]) -> bool:
    """Whether each text is a whole number or one with a point between digits, and nothing around it."""
    return _all(texts, _DECIMAL)


def all_days(texts: Sequence[str]) -> bool:
    """Whether each text has the form of a day, YYYY-MM-DD, and nothing around it; no calendar is asked."""
    return _all(texts, _DAY)


def _all(texts: Sequence[str], form: re.Pattern[str]) -> bool:
    lines = "\n".join(texts) + "\n"
    return form.fullmatch(lines) is not None and lines.count("\n") == len(texts)
