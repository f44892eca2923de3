"""Published limits (developers.kaiten.ru, overview, read 2026-09-29: 5 requests a second; measured on a live company: 50). Numbers only."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.rate import Rate, RateKind, Scope

if TYPE_CHECKING:
    from mpsyncd.model.source import Identity

API = "api"
_MOST = 200
_RATES = (Rate(name=API, kind=RateKind.ADAPTIVE, limit=5, per=timedelta(seconds=1), burst=_MOST, scope=Scope.TOKEN),)


def rates(identity: Identity) -> tuple[Rate, ...]:
    """One limit for all methods, which whoever uses the same key shares."""
    _ = identity
    return _RATES
