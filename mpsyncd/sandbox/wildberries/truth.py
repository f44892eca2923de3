"""The truth as it should stand in the `wb` tables: canonical snake_case columns, straight from the records of the world.

Moments are UTC ISO texts, decimals are texts (jsonb columns keep JSON numbers), `cancel_date` is null when there is none.
Keys with a leading underscore are remarks, not columns: `_left` marks rows that the vendor shows no more (an order past its
retention, a card in the bin), so they may stand in a table, may be marked deleted, and may be missing.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from mpsyncd.sandbox.wildberries import spelling
from mpsyncd.sandbox.wildberries.orders import RETENTION
from mpsyncd.sandbox.world.records import Card, Fulfilment, Order
from mpsyncd.sandbox.world.seller import Seller

Row = dict[str, object]


def order_row(order: Order, *, moment: datetime) -> Row:
    """A row of wb.orders."""
    left: Row = {"_left": True} if order.created_at < moment - RETENTION else {}
    return {
        "srid": order.srid,
        "date": utc(order.created_at),
        "last_change_date": utc(order.changed_at),
        "warehouse_name": order.warehouse,
        "warehouse_type": "Склад WB" if order.fulfilment is Fulfilment.MARKETPLACE else "Склад продавца",
        "country_name": order.country,
        "oblast_okrug_name": order.district,
        "region_name": order.region,
        "supplier_article": order.vendor_code,
        "nm_id": order.nm_id,
        "barcode": order.barcode,
        "category": order.category,
        "subject": order.subject,
        "brand": order.brand,
        "tech_size": order.tech_size,
        "income_id": order.income_id,
        "is_supply": order.is_supply,
        "is_realization": order.is_realization,
        "total_price": str(order.total_price),
        "discount_percent": str(order.discount_percent),
        "spp": str(order.spp),
        "finished_price": str(order.finished_price),
        "price_with_disc": str(order.price_with_discount),
        "is_cancel": order.cancelled_at is not None,
        "cancel_date": None if order.cancelled_at is None else utc(order.cancelled_at),
        "sticker": order.sticker,
        "g_number": order.cart,
    } | left


def card_row(card: Card) -> Row:
    """A row of wb.cards; `deleted` says that the card lies in the bin."""
    left: Row = {} if card.trashed_at is None else {"_left": True}
    return {
        "nm_id": card.nm_id,
        "imt_id": card.imt_id,
        "nm_uuid": str(card.uuid),
        "subject_id": card.subject_id,
        "subject_name": card.subject,
        "vendor_code": card.vendor_code,
        "brand": card.brand,
        "title": card.title,
        "description": card.description,
        "gtin": card.gtin,
        "need_kiz": card.need_kiz,
        "kiz_marked": card.kiz_marked,
        "video": card.video,
        "wholesale": spelling.wholesale(card),
        "dimensions": spelling.dimensions(card),
        "documents": spelling.documents(card),
        "tags": spelling.tags(card),
        "created_at": utc(card.created_at),
        "updated_at": utc(card.updated_at),
        "deleted": card.trashed_at is not None,
    } | left


def trashed_card_row(card: Card) -> Row:
    """A row of wb.trashed_cards; lists are kept as the vendor nests them."""
    return {
        "nm_id": card.nm_id,
        "vendor_code": card.vendor_code,
        "subject_id": card.subject_id,
        "subject_name": card.subject,
        "kiz_marked": card.kiz_marked,
        "video": card.video,
        "photos": [spelling.photo(photo) for photo in card.photos],
        "sizes": [spelling.size(size) for size in card.sizes],
        "wholesale": spelling.wholesale(card),
        "dimensions": spelling.dimensions(card),
        "characteristics": [spelling.characteristic(one) for one in card.characteristics] or None,
        "trashed_at": None if card.trashed_at is None else utc(card.trashed_at),
        "created_at": utc(card.created_at),
    }


def _orders(seller: Seller, moment: datetime) -> Iterator[Row]:
    return (order_row(order, moment=moment) for order in seller.orders.every())


def _cards(seller: Seller, _moment: datetime) -> Iterator[Row]:
    return (card_row(card) for card in (*seller.cards.ascending(), *seller.trash.ascending()))


def _trashed_cards(seller: Seller, _moment: datetime) -> Iterator[Row]:
    return (trashed_card_row(card) for card in seller.trash.ascending())


def _card_sizes(seller: Seller, _moment: datetime) -> Iterator[Row]:
    for card in seller.cards.ascending():
        for size in card.sizes:
            yield {
                "nm_id": card.nm_id,
                "chrt_id": size.chrt_id,
                "tech_size": size.tech_size,
                "wb_size": size.wb_size,
                "skus": list(size.skus),
            }


def _card_photos(seller: Seller, _moment: datetime) -> Iterator[Row]:
    for card in seller.cards.ascending():
        for position, photo in enumerate(card.photos):
            yield {"nm_id": card.nm_id, "position": position, **{folder: photo.url(folder) for folder in spelling.PHOTO_SIZES}}


def _card_characteristics(seller: Seller, _moment: datetime) -> Iterator[Row]:
    for card in seller.cards.ascending():
        for one in card.characteristics:
            yield {"nm_id": card.nm_id, "id": one.id, "name": one.name, "value": spelling.value_of(one.value)}


TABLES: tuple[tuple[str, Callable[[Seller, datetime], Iterator[Row]]], ...] = (
    ("wb.orders", _orders),
    ("wb.cards", _cards),
    ("wb.card_sizes", _card_sizes),
    ("wb.card_photos", _card_photos),
    ("wb.card_characteristics", _card_characteristics),
    ("wb.trashed_cards", _trashed_cards),
)
"""Each table with the reading of its rows for a seller at a moment of the world. Parts are those of live cards."""


def utc(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC with its offset."""
    return moment.astimezone(UTC).isoformat()
