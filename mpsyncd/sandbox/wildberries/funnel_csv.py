"""The funnel by card and day as a CSV file in a ZIP archive (wildberries.md §4).

There are blanks behind the header's commas, and some lines lack their last cell.
"""

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime

from mpsyncd.sandbox.wildberries.traffic import CURRENCY, conversions, days_of
from mpsyncd.sandbox.world.records import Card
from mpsyncd.sandbox.world.seller import Seller

_HEADER = (
    "nmID, dt, openCardCount, addToCartCount, ordersCount, ordersSumRub, buyoutsCount, buyoutsSumRub, cancelCount, cancelSumRub, "
    "addToCartConversion, cartToOrderConversion, buyoutPercent, addToWishlist, currency"
)
_RAGGED = 97
_LEVEL = 1


def archive(seller: Seller, cards: list[Card], *, name: str, start: date, end: date, at: datetime) -> bytes:
    """The archive with one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as target:
        target.writestr(f"{name}.csv", "\n".join((_HEADER, *_lines(seller, cards, start=start, end=end, at=at), "")))
    return packed.getvalue()


def ragged(nm_id: int, day: date) -> bool:
    """Whether the line of a card's day lacks its last cell."""
    return (nm_id + day.toordinal()) % _RAGGED == 0


def _lines(seller: Seller, cards: list[Card], *, start: date, end: date, at: datetime) -> Iterator[str]:
    for card in cards:
        for day, one in days_of(seller, card, start=start, end=end, at=at):
            cells = (card.nm_id, day, *one[:8], *conversions(one), one.wishes)
            yield ",".join(map(str, cells if ragged(card.nm_id, day) else (*cells, CURRENCY)))
