"""Small helpers for messages to people: close matches of a mistyped name, and lists. Pure."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST = 5


def did_you_mean(wrong: str, known: Sequence[str]) -> str:
    """Return a sentence with the names that look like `wrong`, else with the first few there are."""
    close = get_close_matches(wrong, known, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(map(repr, close))}?"
    if not known:
        return "There is none yet."
    more = f" and {len(known) - _MOST} more" if len(known) > _MOST else ""
    return f"There are: {', '.join(sorted(known)[:_MOST])}{more}."
