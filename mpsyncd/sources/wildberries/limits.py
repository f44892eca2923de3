"""Published limits, by kind of token (the vendor's limit tables as of 2026-10-24). Numbers only; gates live in transport.

A bucket of `burst` is refilled by `limit` per `per`, per seller and kind of token. Names are "host.method"; "content" is the bucket that
the content methods without a line of their own share, "prices" and "feedbacks" those of a whole category, "marketplace.warehouses" that of
the methods about the seller's warehouses.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.rate import Rate, RateKind
from mpsyncd.sources.wildberries.hosts import HOSTS

if TYPE_CHECKING:
    from mpsyncd.model.source import Identity

BASE, PERSONAL, SERVICE = "base", "personal", "service"

_SECOND, _MINUTE, _HOUR, _DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_FOR_EVERY_TOKEN = (
    Rate(name="content.cards", limit=100, per=_MINUTE, burst=5),
    Rate(name="content", limit=100, per=_MINUTE, burst=5),
    Rate(name="marketplace.warehouses", limit=300, per=_MINUTE, burst=20, penalty=10),
    # Methods that base tokens may not use have one line for all.
    Rate(name="analytics.wb_stocks", limit=3, per=_MINUTE),
    Rate(name="analytics.seller_stocks", limit=3, per=_MINUTE),
    # Days are counted in the vendor's calendar.
    Rate(name="analytics.reports_a_day", kind=RateKind.DAY, limit=20, zone="Europe/Moscow"),
    Rate(name="finance.reports", limit=1, per=_MINUTE),
    Rate(name="finance.acquiring", limit=1, per=_MINUTE),
    Rate(name="finance.acquiring_reports", limit=1, per=_MINUTE),
    # The vendor lets 99 through at once but warns against automated use, so a burst stays as small as the refill.
    *(Rate(name=f"ping.{host}", limit=3, per=timedelta(seconds=30), burst=3) for host in HOSTS),
)
_REPORT_METHODS = ("report_create", "report_list", "report_file", "report_retry")
_CHAT_METHODS = ("chats", "events", "download")
_FOR_OTHERS = (
    Rate(name="analytics.funnel", limit=3, per=_MINUTE, burst=3),
    *(Rate(name=f"analytics.{method}", limit=3, per=_MINUTE, burst=3) for method in _REPORT_METHODS),
    Rate(name="statistics.orders", limit=1, per=_MINUTE, burst=10),
    Rate(name="statistics.sales", limit=1, per=_MINUTE),
    Rate(name="analytics.order_feed", limit=1, per=_MINUTE),
    Rate(name="prices", limit=10, per=6 * _SECOND, burst=5),
    Rate(name="common.seller_info", limit=1, per=_MINUTE, burst=10),
    Rate(name="finance.detailed", limit=1, per=_MINUTE),
    Rate(name="finance.balance", limit=1, per=_MINUTE),
    Rate(name="advert.count", limit=5, per=_SECOND, burst=5),
    Rate(name="advert.adverts", limit=5, per=_SECOND, burst=5),
    Rate(name="advert.fullstats", limit=3, per=_MINUTE),
    Rate(name="advert.upd", limit=1, per=_SECOND, burst=5),
    Rate(name="advert.payments", limit=1, per=_SECOND, burst=5),
    Rate(name="advert.balance", limit=1, per=_SECOND, burst=5),
    Rate(name="advert.budget", limit=20, per=_MINUTE, burst=4),
    *(Rate(name=f"chat.{method}", limit=10, per=10 * _SECOND, burst=10) for method in _CHAT_METHODS),
    Rate(name="feedbacks", limit=3, per=_SECOND, burst=6),
    Rate(name="returns.claims", limit=20, per=_MINUTE, burst=10),
    Rate(name="analytics.item_returns", limit=1, per=_MINUTE, burst=10),
)
_FOR_BASE = (
    Rate(name="analytics.funnel", limit=2, per=_HOUR),
    *(Rate(name=f"analytics.{method}", limit=1, per=_HOUR) for method in _REPORT_METHODS),
    Rate(name="statistics.orders", limit=1, per=3 * _HOUR),
    Rate(name="statistics.sales", limit=1, per=2 * _HOUR),
    Rate(name="analytics.order_feed", limit=1, per=3 * _HOUR),
    Rate(name="prices", limit=4, per=_HOUR),
    Rate(name="common.seller_info", limit=1, per=_DAY),
    Rate(name="finance.detailed", limit=2, per=_DAY),
    Rate(name="finance.balance", limit=1, per=_DAY),
    Rate(name="advert.count", limit=4, per=_HOUR),
    Rate(name="advert.adverts", limit=1, per=_HOUR),
    Rate(name="advert.fullstats", limit=1, per=_HOUR),
    Rate(name="advert.upd", limit=1, per=_HOUR),
    Rate(name="advert.payments", limit=1, per=_HOUR),
    Rate(name="advert.balance", limit=2, per=_HOUR),
    Rate(name="advert.budget", limit=4, per=_HOUR),
    Rate(name="chat.chats", limit=1, per=_HOUR),
    Rate(name="chat.events", limit=1, per=_HOUR),
    Rate(name="chat.download", limit=10, per=_HOUR),
    Rate(name="feedbacks", limit=5, per=_HOUR),
    Rate(name="returns.claims", limit=1, per=_HOUR),
    Rate(name="analytics.item_returns", limit=2, per=_HOUR),
)


def rates(identity: Identity) -> tuple[Rate, ...]:
    """Every limit that requests with a token of this kind may name."""
    return _FOR_EVERY_TOKEN + (_FOR_BASE if identity.variant == BASE else _FOR_OTHERS)
