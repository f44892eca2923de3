"""Hosts of Wildberries and the token categories that open them (vendor's page "API information", read October 2026).

A capability of a shop is a token category; each has a bit in the token and, but for a few shared hosts, a host of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

COMMON = "common-api"
"""Opened by a token of any category."""


@dataclass(frozen=True, slots=True)
class Category:
    """A token category: our name of it, its bit in claim `s`, the host that it opens."""

    capability: str
    bit: int
    host: str


CATEGORIES = (
    Category("content", 1, "content-api"),
    Category("analytics", 2, "seller-analytics-api"),
    Category("prices", 3, "discounts-prices-api"),
    Category("marketplace", 4, "marketplace-api"),
    Category("statistics", 5, "statistics-api"),
    Category("promotion", 6, "advert-api"),
    Category("feedbacks", 7, "feedbacks-api"),
    Category("buyer_chat", 9, "buyer-chat-api"),
    Category("supplies", 10, "supplies-api"),
    Category("returns", 11, "returns-api"),
    Category("documents", 12, "documents-api"),
    Category("finance", 13, "finance-api"),
    Category("users", 16, "user-management-api"),
)
READ_ONLY_BIT = 30

HOSTS = {name: f"https://{name}.wildberries.ru" for name in (COMMON, *(category.host for category in CATEGORIES))}


def capability_of(host: str) -> str | None:
    """The capability that opens this host; None for the host that every token opens."""
    return next((category.capability for category in CATEGORIES if category.host == host), None)
