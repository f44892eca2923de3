"""Limits as vendors publish them: a rate is a value, the gate that enforces it lives in `transport.limiter`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Scope(StrEnum):
    """Who shares one budget."""

    SHOP = "shop"
    SELLER = "seller"
    LOGIN = "login"
    TOKEN = "token"  # noqa: S105 - the name of a scope
    ORGANISATION = "organisation"
    ADDRESS = "address"
    GLOBAL = "global"


class RateKind(StrEnum):
    """How the vendor counts."""

    BUCKET = "bucket"
    """`limit` per `per` refill a bucket of `burst`."""
    WINDOW = "window"
    """At most `limit` requests in any `per`."""
    CONCURRENCY = "concurrency"
    """At most `limit` requests under way."""
    DAY = "day"
    """At most `limit` per calendar day of `zone`."""
    ROLLING = "rolling"
    """At most `limit` units of weight in any `per`."""
    ADAPTIVE = "adaptive"
    """Like WINDOW, until the vendor's headers say more or less; never more than a `burst` above 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One published limit.

    `name` is what requests name in `limits=` (e.g. "statistics.orders") and what settings tune. `penalty` is the weight of a request that
    the vendor answered with 4XX (Wildberries' marketplace methods: 10). `reserve` is the share of a day's quota kept for the live lane.
    """

    name: str
    kind: RateKind = RateKind.BUCKET
    limit: int
    per: timedelta = timedelta(seconds=1)
    burst: int = 1
    scope: Scope = Scope.SELLER
    zone: str = "UTC"
    penalty: int = 1
    reserve: float = 0.0

    @property
    def interval(self) -> timedelta:
        """The time that one request costs in the long run."""
        return self.per / self.limit
