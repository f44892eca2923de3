"""The sales funnel's numbers as the vendor tells them: of which cards, over which days, in which spelling (wildberries.md §4).

Days are Moscow's. The vendor renews the numbers every hour, so they stand still between whole hours.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from mpsyncd.sandbox.wildberries.spelling import MOSCOW
from mpsyncd.sandbox.world.dice import rolled
from mpsyncd.sandbox.world.funnel import Traffic, together
from mpsyncd.sandbox.world.records import Card
from mpsyncd.sandbox.world.seller import Seller

CURRENCY = "RUB"
DEPTH = 365
"""Days before today that are told."""
_HOUR = timedelta(hours=1)
_LOCALIZATION = 100


def today(now: datetime) -> date:
    """The day in Moscow."""
    return now.astimezone(MOSCOW).date()


def cards_of(seller: Seller, *, skip_deleted: bool = False) -> list[Card]:
    """Cards that have a funnel, by article: live ones, and those in the bin unless they are to be skipped."""
    every = (*seller.cards.ascending(), *(() if skip_deleted else seller.trash.ascending()))
    return sorted(every, key=lambda card: card.nm_id)


def fits(card: Card, question: Mapping[str, Any]) -> bool:
    """Whether a card is asked for: by every list of articles, brands, subjects and tags that is not empty."""
    return (
        (not question.get("nmIds") or card.nm_id in question["nmIds"])
        and (not question.get("brandNames") or card.brand in question["brandNames"])
        and (not question.get("subjectIds") or card.subject_id in question["subjectIds"])
        and (not question.get("tagIds") or any(tag.id in question["tagIds"] for tag in card.tags))
    )


def days_of(seller: Seller, card: Card, *, start: date, end: date, at: datetime) -> Iterator[tuple[date, Traffic]]:
    """The card's traffic on each day of a period as it is known at a moment; days before the card was made are not there."""
    first = max(start, today(card.created_at))
    hours = age(first, at=at)
    for place, ordinal in enumerate(range(first.toordinal(), end.toordinal() + 1)):
        yield date.fromordinal(ordinal), seller.funnel.day(card.nm_id, ordinal, hours=hours - 24 * place)


def age(day: date, *, at: datetime) -> int:
    """Whole hours from a day's beginning to a moment's hour."""
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return (hour - datetime.combine(day, time(), tzinfo=MOSCOW)) // _HOUR


def period_of(seller: Seller, cards: list[Card], *, start: date, end: date, at: datetime) -> dict[int, Traffic]:
    """Sums over a period by article; cards that were made later are not there."""
    there = [card for card in cards if today(card.created_at) <= end]
    return {card.nm_id: together(one for _, one in days_of(seller, card, start=start, end=end, at=at)) for card in there}


def statistic(nm_id: int, one: Traffic, *, days: int, revenue: int) -> dict[str, object]:
    """Traffic over so many days, with the revenue of the whole shop in them, as `statistic.selected` has it, without the period."""
    roll = rolled(f"delivery/{nm_id}")
    return {
        "openCount": one.opens,
        "cartCount": one.carts,
        "orderCount": one.orders,
        "orderSum": one.order_sum,
        "buyoutCount": one.buyouts,
        "buyoutSum": one.buyout_sum,
        "cancelCount": one.cancels,
        "cancelSum": one.cancel_sum,
        "avgPrice": one.order_sum // one.orders if one.orders else 0,
        "avgOrdersCountPerDay": round(one.orders / days, 2),
        "shareOrderPercent": round(100 * one.order_sum / revenue, 2) if revenue else 0,
        "addToWishlist": one.wishes,
        "timeToReady": {"days": roll[0] % 6, "hours": roll[1] % 24, "mins": roll[2] % 60},
        "localizationPercent": _LOCALIZATION,
        "wbClub": _club(one, days=days),
        "conversions": dict(zip(("addToCartPercent", "cartToOrderPercent", "buyoutPercent"), conversions(one), strict=True)),
    }


def conversions(one: Traffic) -> tuple[int, int, int]:
    """Whole percents: cards opened that were put into a cart, carts that became orders, finished orders that were taken."""
    return _percent(one.carts, one.opens), _percent(one.orders, one.carts), _percent(one.buyouts, one.buyouts + one.cancels)


def _club(one: Traffic, *, days: int) -> dict[str, object]:
    return {
        "orderCount": one.club_orders,
        "orderSum": one.club_order_sum,
        "buyoutSum": one.club_buyout_sum,
        "buyoutCount": one.club_buyouts,
        "cancelSum": one.club_cancel_sum,
        "cancelCount": one.club_cancels,
        "avgPrice": one.club_order_sum // one.club_orders if one.club_orders else 0,
        "buyoutPercent": _percent(one.club_buyouts, one.club_buyouts + one.club_cancels),
        "avgOrderCountPerDay": round(one.club_orders / days, 2),
    }


def _percent(part: int, whole: int) -> int:
    return 100 * part // whole if whole else 0
