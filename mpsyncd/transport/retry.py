"""How long to wait before a repeatable request is sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta
    from random import Random


def pause(failures: int, *, base: timedelta, cap: timedelta, random: Random) -> timedelta:
    """The pause after so many failures in a row: base, twice, four times… capped, spread by up to a quarter either way."""
    plain: timedelta = min(base * 2 ** min(failures - 1, 20), cap)
    return min(plain * random.uniform(0.75, 1.25), cap)
