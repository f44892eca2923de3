"""The truth as it should stand in the `wb` tables, straight from the records of the world; how it is written stands in canonical.py.

Here that of cards, and the list of all tables.
"""

from collections.abc import Iterator
from datetime import datetime

from mpsyncd.sandbox.wildberries import spelling, truth_adverts, truth_finance, truth_funnel, truth_goods, truth_orders, truth_talk
from mpsyncd.sandbox.wildberries.canonical import LEFT, Read, Row, utc
from mpsyncd.sandbox.world.records import Card
from mpsyncd.sandbox.world.seller import Seller


def card_row(card: Card) -> Row:
    """A row of wb.cards; `deleted` says that the card lies in the bin."""
    left = {} if card.trashed_at is None else LEFT
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


TABLES: tuple[tuple[str, Read], ...] = (
    *truth_orders.TABLES,
    ("wb.cards", _cards),
    ("wb.card_sizes", _card_sizes),
    ("wb.card_photos", _card_photos),
    ("wb.card_characteristics", _card_characteristics),
    ("wb.trashed_cards", _trashed_cards),
    *truth_goods.TABLES,
    *truth_funnel.TABLES,
    *truth_finance.TABLES,
    *truth_adverts.TABLES,
    *truth_talk.TABLES,
)
"""Each table with the reading of its rows. Parts are those of live cards."""
