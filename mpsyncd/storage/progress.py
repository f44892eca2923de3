"""The arithmetic of progress: fractions and percent out of committed work. Pure; a hundred percent means that everything is done."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

NEARLY = 0.99
"""What is not done yet never shows more than this."""
_WHOLE = 100
_TELLING = 0.1
"""From this share on the time that it took says something of the rest."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """What is known of the time that one feed still takes.

    planned: seconds by limit for all of it, None without a plan. elapsed: seconds since it began. unsure: the plan is only a least.
    """

    fraction: float | None
    planned: Mapping[str, float] | None
    elapsed: float
    unsure: bool


def eta(feeds: Iterable[Remaining]) -> tuple[timedelta | None, bool]:
    """Return the time that the limits ask for what is left of these feeds, and whether it is only a least.

    Feeds that share a limit wait for each other, different limits run side by side. A plan that was only a least gives way to the pace so
    far, once enough is committed to tell one. None when a feed has no plan.
    """
    left: defaultdict[str, float] = defaultdict(float)
    least = False
    for feed in feeds:
        if feed.planned is None:
            return None, True
        share = 1.0 if feed.fraction is None else max(0.0, 1.0 - feed.fraction)
        pace = None
        if feed.unsure and feed.fraction is not None and feed.fraction >= _TELLING:
            pace = feed.elapsed * (1.0 - feed.fraction) / feed.fraction
        least = least or (feed.unsure and pace is None)
        for limit, seconds in feed.planned.items():
            left[limit] += share * seconds if pace is None else pace
    return timedelta(seconds=max(left.values(), default=0.0)), least


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
