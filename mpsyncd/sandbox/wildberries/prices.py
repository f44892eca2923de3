"""`GET discounts-prices-api /api/v2/list/goods/filter` (wildberries.md §7; official YAML "items" of 2026-08-18).

The walk ends behind the last product with an empty list, which some sellers get as null.
"""

from decimal import Decimal

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Request, Response, json_response
from mpsyncd.sandbox.wildberries.asking import strange, whole
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.problems import prices_refusal
from mpsyncd.sandbox.wildberries.spelling import number
from mpsyncd.sandbox.world.prices import PriceTag
from mpsyncd.sandbox.world.records import Card, Size

CURRENCY = "RUB"
_LIMIT = Limit.per(6, limit=10, burst=5)
_BASE_LIMIT = Limit.per(3_600, limit=4, burst=1)
_PAGE = 1_000
_KNOWN = frozenset({"limit", "offset", "filterNmID"})
_CENT, _HUNDRED = Decimal("0.01"), Decimal(100)


def discounted(tag: PriceTag, size: Size) -> Decimal:
    """Price of a size after the seller's discount."""
    return (tag.price(size.chrt_id) * (_HUNDRED - tag.discount) / _HUNDRED).quantize(_CENT)


def club_discounted(tag: PriceTag, size: Size) -> Decimal:
    """The same after the discount of the vendor's club."""
    return (discounted(tag, size) * (_HUNDRED - tag.club_discount) / _HUNDRED).quantize(_CENT)


def thresholds(tag: PriceTag) -> list[dict[str, int]] | None:
    """Steps of wholesale; a product without any does not tell them."""
    steps = enumerate(tag.wholesale, start=1)
    return [{"minQuantity": units, "wholesaleDiscount": percent, "level": level} for level, (units, percent) in steps] or None


def row(card: Card, tag: PriceTag) -> dict[str, object]:
    """One product as the vendor spells it."""
    optional = {"wholesaleDiscountThreshold": thresholds(tag), "isBadTurnover": tag.slow or None}
    return {
        "nmID": card.nm_id,
        "vendorCode": card.vendor_code,
        "sizes": [
            {
                "sizeID": size.chrt_id,
                "price": tag.price(size.chrt_id),
                "discountedPrice": number(discounted(tag, size)),
                "clubDiscountedPrice": number(club_discounted(tag, size)),
                "techSizeName": size.tech_size,
            }
            for size in card.sizes
        ],
        "currencyIsoCode4217": CURRENCY,
        "discount": tag.discount,
        "clubDiscount": tag.club_discount,
        "editableSizePrice": tag.by_size,
        **{key: value for key, value in optional.items() if value is not None},
    }


def prices(call: Call) -> Response:
    """Products with their prices, by article."""
    given = dict(call.request.query)
    limit, offset = whole(given.get("limit")), whole(given.get("offset", "0"))
    article = whole(given["filterNmID"]) if "filterNmID" in given else 0
    if strange(call.request, known=_KNOWN) or offset is None or article is None or limit is None or not 1 <= limit <= _PAGE:
        return prices_refusal("Invalid request parameters")
    cards = sorted((card for card in call.seller.cards.ascending() if article in {0, card.nm_id}), key=lambda card: card.nm_id)
    found = [row(card, call.seller.prices.of(card.nm_id)) for card in cards[offset : offset + limit]]
    told = None if not found and call.seller.oid % 2 else found
    return json_response({"data": {"listGoods": told}, "error": False, "errorText": ""})


def _cursor(request: Request) -> object:
    return dict(request.query)


ENDPOINTS = (
    Endpoint(
        method="GET",
        host="discounts-prices-api",
        path="/api/v2/list/goods/filter",
        gate="prices",
        limit=_LIMIT,
        base_limit=_BASE_LIMIT,
        answer=prices,
        cursor=_cursor,
        empty=b'{"data":{"listGoods":[]},"error":false,"errorText":""}',
    ),
)
