"""`POST seller-analytics-api /api/analytics/v1/stocks-report/wb-warehouses` and `…/seller-warehouses` (wildberries.md §7).

From the official YAML "analytics" of 2026-08-18; the second is known from evidence of autumn 2026. Nothing to tell is 204. The vendor's
own warehouses are all called one name and -999999; a seller with `named_warehouses` still gets them apart.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from operator import attrgetter

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Request, Response, json_response
from mpsyncd.sandbox.wildberries.asking import body_of
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.problems import analytics_refusal
from mpsyncd.sandbox.wildberries.shape import Shape, at_most, faults_of, is_whole, list_of, within
from mpsyncd.sandbox.wildberries.tokens import TokenType
from mpsyncd.sandbox.world.records import Card
from mpsyncd.sandbox.world.seller import Seller
from mpsyncd.sandbox.world.stocks import SELLER_SHARE, VENDOR_PLACES, VENDOR_SHARE, Place, Stock

_LIMIT = Limit.per(60, limit=3, burst=1)
_PAGE = 250_000
_HIDDEN = Place(-999_999, "Склад WB", "Склад WB")
_SHAPE: Shape = {
    "nmIds": at_most(1_000, list_of(is_whole)),
    "chrtIds": list_of(is_whole),
    "limit": within(1, _PAGE),
    "offset": within(0, 2**32 - 1),
}


def vendor_stocks(seller: Seller, card: Card) -> Iterator[Stock]:
    """What of a card lies at the vendor, as it is told: by size, and by warehouse only where warehouses are named."""
    rows = seller.stocks.rows(card, VENDOR_PLACES, share=VENDOR_SHARE)
    if seller.spec.named_warehouses:
        yield from rows
        return
    for _, group in groupby(rows, key=attrgetter("chrt_id")):
        apart = list(group)
        sums = {name: sum(getattr(one, name) for one in apart) for name in ("quantity", "to_client", "from_client")}
        yield replace(apart[0], place=_HIDDEN, **sums)


def seller_stocks(seller: Seller, card: Card) -> Iterator[Stock]:
    """What of a card lies in the seller's own warehouses."""
    return iter(seller.stocks.rows(card, seller_places(seller), share=SELLER_SHARE))


def seller_places(seller: Seller) -> tuple[Place, ...]:
    """The seller's warehouses that are not about to go."""
    districts = {office.id: office.district or "" for office in seller.offices}
    return tuple(Place(one.id, one.name, districts[one.office_id]) for one in seller.warehouses.values() if not one.deleting)


def row(stock: Stock) -> dict[str, object]:
    """One size in one warehouse of the seller as the vendor spells it."""
    return {
        "nmId": stock.nm_id,
        "chrtId": stock.chrt_id,
        "warehouseId": stock.place.id,
        "warehouseName": stock.place.name,
        "regionName": stock.place.region,
        "quantity": stock.quantity,
    }


def vendor_row(stock: Stock) -> dict[str, object]:
    """The same in a warehouse of the vendor."""
    return row(stock) | {"inWayToClient": stock.to_client, "inWayFromClient": stock.from_client}


def at_vendor(call: Call) -> Response:
    """Stock in the vendor's warehouses."""
    return _page(call, vendor_stocks, vendor_row)


def at_seller(call: Call) -> Response:
    """Stock in the seller's warehouses."""
    return _page(call, seller_stocks, row)


def _page(call: Call, stocks: Callable[[Seller, Card], Iterator[Stock]], spell: Callable[[Stock], dict[str, object]]) -> Response:
    body = body_of(call.request)
    if body is None:
        return analytics_refusal("request body is no JSON object")
    if faults := list(faults_of(body, _SHAPE)):
        return analytics_refusal("; ".join(faults))
    articles, sizes = set(body.get("nmIds", ())), set(body.get("chrtIds", ()))
    cards = (card for card in call.seller.cards.ascending() if not articles or card.nm_id in articles)
    wanted = [one for card in cards for one in stocks(call.seller, card) if not articles or not sizes or one.chrt_id in sizes]
    offset = body.get("offset", 0)
    page = sorted(wanted, key=lambda one: (one.nm_id, one.chrt_id, one.place.id))[offset : offset + body.get("limit", _PAGE)]
    return json_response({"data": {"items": [spell(stock) for stock in page]}}) if page else Response(status=204)


def _cursor(request: Request) -> object:
    body = body_of(request) or {}
    return {name: body.get(name) for name in ("nmIds", "limit", "offset")}


def _endpoint(name: str, answer: Callable[[Call], Response]) -> Endpoint:
    return Endpoint(
        method="POST",
        host="seller-analytics-api",
        path=f"/api/analytics/v1/stocks-report/{name}",
        gate=f"analytics.stocks.{name}",
        limit=_LIMIT,
        answer=answer,
        types=frozenset({TokenType.PERSONAL, TokenType.SERVICE}),
        cursor=_cursor,
        empty=b'{"data":{"items":[]}}',
        no_content=True,
    )


ENDPOINTS = (_endpoint("wb-warehouses", at_vendor), _endpoint("seller-warehouses", at_seller))
