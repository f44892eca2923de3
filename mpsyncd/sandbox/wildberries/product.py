"""A card as the funnel's methods describe it."""

from collections.abc import Iterable

from mpsyncd.sandbox.wildberries.stocks import seller_places
from mpsyncd.sandbox.world.dice import rolled
from mpsyncd.sandbox.world.records import Card
from mpsyncd.sandbox.world.seller import Seller
from mpsyncd.sandbox.world.stocks import SELLER_SHARE, VENDOR_PLACES, VENDOR_SHARE


def product(card: Card) -> dict[str, object]:
    """What every method tells of it."""
    return {
        "nmId": card.nm_id,
        "title": card.title,
        "vendorCode": card.vendor_code,
        "brandName": card.brand,
        "subjectId": card.subject_id,
        "subjectName": card.subject,
    }


def with_stocks(seller: Seller, cards: Iterable[Card]) -> dict[int, dict[str, object]]:
    """What the sums tell of each besides, by article: tags, ratings, units and what they are worth. Of cards in the bin nothing lies."""
    places = seller_places(seller)
    found: dict[int, dict[str, object]] = {}
    for card in cards:
        sold = card.trashed_at is None
        at_vendor = sum(one.quantity for one in seller.stocks.rows(card, VENDOR_PLACES, share=VENDOR_SHARE)) if sold else 0
        at_seller = sum(one.quantity for one in seller.stocks.rows(card, places, share=SELLER_SHARE)) if sold else 0
        roll = rolled(f"rating/{card.nm_id}")
        found[card.nm_id] = product(card) | {
            "tags": [{"id": tag.id, "name": tag.name} for tag in card.tags],
            "productRating": roll[0] % 101 / 10,
            "feedbackRating": roll[1] % 51 / 10,
            "stocks": {"wb": at_vendor, "mp": at_seller, "balanceSum": (at_vendor + at_seller) * seller.prices.of(card.nm_id).base},
        }
    return found
