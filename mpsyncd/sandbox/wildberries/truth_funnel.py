"""The truth of the sales funnel: by card and day, and in sums over the last month.

Not compared are cards in the bin and days at the vendor's border. What the CSV reports do not tell of a day may be lacking.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from mpsyncd.sandbox.wildberries.canonical import LEFT, Read, Row
from mpsyncd.sandbox.wildberries.funnel_csv import ragged
from mpsyncd.sandbox.wildberries.product import with_stocks
from mpsyncd.sandbox.wildberries.traffic import CURRENCY, DEPTH, age, cards_of, period_of, statistic, today
from mpsyncd.sandbox.world.seller import Seller

TOTALS = 30
"""Days that the sums are over, today among them."""
_ONLY_IN_PAGES = ("avg_price", "avg_orders_count_per_day", "share_order_percent", "time_to_ready", "localization_percent", "wb_club")


def _funnel(seller: Seller, moment: datetime) -> Iterator[Row]:
    """Every day since the oldest that the vendor told when the world was born."""
    births = {card.nm_id: today(card.created_at) for card in cards_of(seller)}
    trashed = {card.nm_id for card in seller.trash.ascending()}
    last = today(moment)
    day = today(seller.born) - timedelta(days=DEPTH + 1)
    while day <= last:
        ordinal, hours = day.toordinal(), age(day, at=moment)
        told = {nm_id: seller.funnel.day(nm_id, ordinal, hours=hours) for nm_id, born in births.items() if born <= day}
        revenue = sum(one.order_sum for one in told.values())
        border = day <= last - timedelta(days=DEPTH)
        for nm_id, one in told.items():
            row = {"nm_id": nm_id, "day": day.isoformat(), "currency": CURRENCY, **_columns(statistic(nm_id, one, days=1, revenue=revenue))}
            row["_may_lack"] = [*_ONLY_IN_PAGES, "currency"] if ragged(nm_id, day) else _ONLY_IN_PAGES
            yield row | LEFT if border or nm_id in trashed else row
        day += timedelta(days=1)


def _product_totals(seller: Seller, moment: datetime) -> Iterator[Row]:
    end = today(moment)
    start = end - timedelta(days=TOTALS - 1)
    cards = cards_of(seller)
    sums = period_of(seller, cards, start=start, end=end, at=moment)
    revenue = sum(one.order_sum for one in sums.values())
    trashed = {card.nm_id for card in seller.trash.ascending()}
    for nm_id, told in with_stocks(seller, (card for card in cards if card.nm_id in sums)).items():
        left = LEFT if nm_id in trashed else {}
        numbers = _columns(statistic(nm_id, sums[nm_id], days=TOTALS, revenue=revenue))
        yield _product(told) | {"currency": CURRENCY, "first_day": start.isoformat(), "last_day": end.isoformat()} | numbers | left


def _product(told: dict[str, Any]) -> Row:
    return {
        "nm_id": told["nmId"],
        "title": told["title"],
        "vendor_code": told["vendorCode"],
        "brand_name": told["brandName"],
        "subject_id": told["subjectId"],
        "subject_name": told["subjectName"],
        "tags": told["tags"],
        "product_rating": str(told["productRating"]),
        "feedback_rating": str(told["feedbackRating"]),
        "stocks": told["stocks"],
    }


def _columns(told: dict[str, Any]) -> Row:
    return {
        "open_count": told["openCount"],
        "cart_count": told["cartCount"],
        "order_count": told["orderCount"],
        "order_sum": str(told["orderSum"]),
        "buyout_count": told["buyoutCount"],
        "buyout_sum": str(told["buyoutSum"]),
        "cancel_count": told["cancelCount"],
        "cancel_sum": str(told["cancelSum"]),
        "avg_price": str(told["avgPrice"]),
        "avg_orders_count_per_day": str(told["avgOrdersCountPerDay"]),
        "share_order_percent": str(told["shareOrderPercent"]),
        "add_to_wishlist": told["addToWishlist"],
        "time_to_ready": told["timeToReady"],
        "localization_percent": str(told["localizationPercent"]),
        "wb_club": told["wbClub"],
        "add_to_cart_percent": str(told["conversions"]["addToCartPercent"]),
        "cart_to_order_percent": str(told["conversions"]["cartToOrderPercent"]),
        "buyout_percent": str(told["conversions"]["buyoutPercent"]),
    }


TABLES: tuple[tuple[str, Read], ...] = (("wb.funnel", _funnel), ("wb.product_totals", _product_totals))
