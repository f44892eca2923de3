"""Which arithmetic belongs to which kind of rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from mpsyncd.model.rate import Rate, RateKind
from mpsyncd.transport.bucket import Bucket
from mpsyncd.transport.daily import Daily
from mpsyncd.transport.flights import Flights
from mpsyncd.transport.sliding import Adaptive, Sliding

if TYPE_CHECKING:
    from mpsyncd.transport.meter import Meter


def meter(rate: Rate) -> Meter:
    """A fresh meter for a tuned rate."""
    match rate.kind:
        case RateKind.BUCKET:
            return Bucket(rate)
        case RateKind.WINDOW:
            return Sliding(rate)
        case RateKind.ROLLING:
            return Sliding(rate, weighs=True)
        case RateKind.ADAPTIVE:
            return Adaptive(rate)
        case RateKind.DAY:
            return Daily(rate)
        case RateKind.CONCURRENCY:
            return Flights(rate)
        case _:
            assert_never(rate.kind)
