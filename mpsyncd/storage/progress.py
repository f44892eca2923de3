"""The arithmetic of progress: fractions and percent out of committed work. Pure; a hundred percent means that everything is done."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

NEARLY = 0.99
"""What is not done yet never shows more than this."""
_WHOLE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """What is committed of the slices that a feed reads now.

    total, read: seconds of the source's time in slices with two ends; a slice without, that tells its own share, counts as one.
    unbounded: how many slices have no end to measure against. rows: rows committed in those. walked: a walk waits for its sweep only.
    """

    known: int = 0
    done: int = 0
    total: float = 0.0
    read: float = 0.0
    unbounded: int = 0
    rows: int = 0
    walked: bool = False


def fraction(*, done: bool, work: UnderWay | None, rows_before: int = 0) -> float | None:
    """Return how much of a feed is committed: 1.0 when `done`, None when there is no telling.

    `rows_before` is how many rows the last complete walk left; without one, a walk's end can not be known.
    """
    if done:
        return 1.0
    if work is None or not work.known:
        return 0.0
    if work.walked:
        return NEARLY
    if work.unbounded:
        return min(NEARLY, work.rows / rows_before) if rows_before > 0 else None
    share = work.read / work.total if work.total > 0 else work.done / work.known
    return min(NEARLY, max(0.0, share))


def percent(fractions: Iterable[float | None], weights: Iterable[float] | None = None) -> int:
    """Return whole percent, rounded down; what can not be told counts as nothing, and 100 needs every part to be done."""
    parts = list(fractions)
    shares = [1.0] * len(parts) if weights is None else list(weights)
    if not parts or sum(shares) <= 0:
        return 0
    if all(part == 1.0 for part in parts):
        return _WHOLE
    told = sum((part or 0.0) * share for part, share in zip(parts, shares, strict=True)) / sum(shares)
    return min(_WHOLE - 1, math.floor(told * _WHOLE + 1e-9))
