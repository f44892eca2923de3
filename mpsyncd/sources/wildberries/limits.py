"""Published limits, by kind of token (the vendor's limit tables as of 2026-10-24). Numbers only; gates live in transport.

A bucket of `burst` is refilled by `limit` per `per`, per seller and kind of token. Names are "host.method"; "content" is the bucket that
the content methods without a line of their own share.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.rate import Rate
from mpsyncd.sources.wildberries.hosts import HOSTS

if TYPE_CHECKING:
    from mpsyncd.model.source import Identity

BASE, PERSONAL, SERVICE = "base", "personal", "service"

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_FOR_EVERY_TOKEN = (
    Rate(name="content.cards", limit=100, per=_MINUTE, burst=5),
    Rate(name="content", limit=100, per=_MINUTE, burst=5),
    # The vendor lets 99 through at once but warns against automated use, so a burst stays as small as the refill.
    *(Rate(name=f"ping.{host}", limit=3, per=timedelta(seconds=30), burst=3) for host in HOSTS),
)
_FOR_OTHERS = (
    Rate(name="statistics.orders", limit=1, per=_MINUTE, burst=10),
    Rate(name="common.seller_info", limit=1, per=_MINUTE, burst=10),
)
_FOR_BASE = (
    Rate(name="statistics.orders", limit=1, per=3 * _HOUR),
    Rate(name="common.seller_info", limit=1, per=_DAY),
)


def rates(identity: Identity) -> tuple[Rate, ...]:
    """Every limit that requests with a token of this kind may name."""
    return _FOR_EVERY_TOKEN + (_FOR_BASE if identity.variant == BASE else _FOR_OTHERS)
