"""From a published rate to the one that is kept: overrides by name, the share of an address, the time scale of sandboxes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mpsyncd.model.rate import Rate, RateKind, Scope

if TYPE_CHECKING:
    from mpsyncd.transport.options import LimitOverride, TransportOptions


def tuned(rate: Rate, *, source: str, options: TransportOptions) -> Rate:
    """The rate as this process keeps it."""
    override = options.source(source).limits.get(rate.name)
    if override is not None:
        rate = _overridden(rate, override)
    if rate.scope is Scope.ADDRESS and options.share > 1:
        rate = _shared(rate, options.share)
    if options.limit_scale != 1:
        rate = _scaled(rate, options.limit_scale)
    return rate


def _overridden(rate: Rate, override: LimitOverride) -> Rate:
    return replace(
        rate,
        limit=rate.limit if override.limit is None else override.limit,
        per=rate.per if override.per is None else override.per,
        burst=rate.burst if override.burst is None else override.burst,
    )


def _shared(rate: Rate, share: int) -> Rate:
    """One daemon's part. A limit below the number of daemons is stretched in time instead."""
    if rate.limit >= share:
        return replace(rate, limit=rate.limit // share, burst=max(1, rate.burst // share))
    if rate.kind in {RateKind.DAY, RateKind.CONCURRENCY}:
        return replace(rate, limit=1, burst=1)
    return replace(rate, limit=1, per=rate.per * share / rate.limit, burst=1)


def _scaled(rate: Rate, scale: float) -> Rate:
    if rate.kind is RateKind.CONCURRENCY:
        return rate
    if rate.kind is RateKind.DAY:  # the calendar is not ours to speed up
        return replace(rate, limit=max(1, round(rate.limit * scale)))
    return replace(rate, per=rate.per / scale)
