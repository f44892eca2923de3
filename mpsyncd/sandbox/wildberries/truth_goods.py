"""The truth of prices, stocks, warehouses and offices."""

from collections.abc import Iterator
from datetime import datetime

from mpsyncd.sandbox.wildberries.canonical import Read, Row
from mpsyncd.sandbox.wildberries.prices import CURRENCY, club_discounted, discounted, thresholds
from mpsyncd.sandbox.wildberries.stocks import seller_stocks, vendor_stocks
from mpsyncd.sandbox.world.seller import Seller
from mpsyncd.sandbox.world.stocks import Stock


def _prices(seller: Seller, _moment: datetime) -> Iterator[Row]:
    for card in seller.cards.ascending():
        tag = seller.prices.of(card.nm_id)
        yield {
            "nm_id": card.nm_id,
            "vendor_code": card.vendor_code,
            "currency_iso_code4217": CURRENCY,
            "discount": str(tag.discount),
            "club_discount": str(tag.club_discount),
            "editable_size_price": tag.by_size,
            "wholesale_discount_threshold": thresholds(tag),
            "is_bad_turnover": tag.slow or None,
        }


def _price_sizes(seller: Seller, _moment: datetime) -> Iterator[Row]:
    for card in seller.cards.ascending():
        tag = seller.prices.of(card.nm_id)
        for size in card.sizes:
            yield {
                "nm_id": card.nm_id,
                "size_id": size.chrt_id,
                "price": str(tag.price(size.chrt_id)),
                "discounted_price": str(discounted(tag, size)),
                "club_discounted_price": str(club_discounted(tag, size)),
                "tech_size_name": size.tech_size,
            }


def _stocks(seller: Seller, _moment: datetime) -> Iterator[Row]:
    for card in seller.cards.ascending():
        for stock in vendor_stocks(seller, card):
            yield _stock(stock) | {"in_way_to_client": stock.to_client, "in_way_from_client": stock.from_client}


def _seller_stocks(seller: Seller, _moment: datetime) -> Iterator[Row]:
    return (_stock(stock) for card in seller.cards.ascending() for stock in seller_stocks(seller, card))


def _stock(stock: Stock) -> Row:
    return {
        "nm_id": stock.nm_id,
        "chrt_id": stock.chrt_id,
        "warehouse_id": stock.place.id,
        "warehouse_name": stock.place.name,
        "region_name": stock.place.region,
        "quantity": stock.quantity,
    }


def _warehouses(seller: Seller, _moment: datetime) -> Iterator[Row]:
    for one in seller.warehouses.values():
        yield {
            "id": one.id,
            "name": one.name,
            "office_id": one.office_id,
            "cargo_type": one.cargo,
            "delivery_type": one.delivery,
            "is_deleting": one.deleting,
            "is_processing": one.processing,
        }


def _offices(seller: Seller, _moment: datetime) -> Iterator[Row]:
    chosen = {one.office_id for one in seller.warehouses.values()}
    for one in seller.offices:
        yield {
            "id": one.id,
            "name": one.name,
            "address": one.address,
            "city": one.city,
            "federal_district": one.district,
            "longitude": str(one.longitude),
            "latitude": str(one.latitude),
            "cargo_type": one.cargo,
            "delivery_type": one.delivery,
            "selected": one.id in chosen,
        }


TABLES: tuple[tuple[str, Read], ...] = (
    ("wb.prices", _prices),
    ("wb.price_sizes", _price_sizes),
    ("wb.stocks", _stocks),
    ("wb.seller_stocks", _seller_stocks),
    ("wb.warehouses", _warehouses),
    ("wb.offices", _offices),
)
"""Sizes are those of products that are sold."""
