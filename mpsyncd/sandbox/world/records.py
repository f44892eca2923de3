"""The truth: what the invented sellers own, in Python's own types (UTC datetimes, Decimal, int).

Nothing here knows how a vendor spells it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto
from uuid import UUID

Value = str | int | Decimal | tuple[str, ...]


class Fulfilment(Enum):
    """Whose warehouse ships an order."""

    MARKETPLACE = auto()
    SELLER = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One ordered unit. `cancelled_at` is None while the order stands."""

    srid: str
    cart: str
    created_at: datetime
    changed_at: datetime
    cancelled_at: datetime | None
    nm_id: int
    chrt_id: int
    vendor_code: str
    barcode: str
    tech_size: str
    brand: str
    category: str
    subject: str
    warehouse: str
    fulfilment: Fulfilment
    country: str
    district: str
    region: str
    income_id: int
    is_supply: bool
    is_realization: bool
    total_price: Decimal
    discount_percent: int
    spp: Decimal
    price_with_discount: Decimal
    finished_price: Decimal
    sticker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A size of a card. `wb_size` is None where the card has no Russian size at all."""

    chrt_id: int
    tech_size: str
    wb_size: str | None
    skus: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture on the delivery network. The same picture may move to another `basket` (host) by itself."""

    nm_id: int
    basket: int
    number: int

    def url(self, folder: str) -> str:
        """Address of the picture in one of the vendor's sizes, such as `big` or `tm`."""
        place = f"vol{self.nm_id // 100_000}/part{self.nm_id // 1_000}/{self.nm_id}"
        return f"https://basket-{self.basket:02}.wbbasket.example/{place}/images/{folder}/{self.number}.webp"


@dataclass(frozen=True, slots=True)
class Characteristic:
    """A property of a card; the type of the value depends on the property."""

    id: int
    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class Tag:
    """A seller's own label on a card."""

    id: int
    name: str
    color: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """Size in whole centimetres, weight in kilograms."""

    length: int
    width: int
    height: int
    weight: Decimal
    is_valid: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A product card. `trashed_at` is set while the card lies in the bin; `quantum` is None when not sold wholesale."""

    nm_id: int
    imt_id: int
    uuid: UUID
    subject_id: int
    subject: str
    vendor_code: str
    brand: str
    title: str
    description: str
    need_kiz: bool
    kiz_marked: bool
    gtin: str | None
    video: str | None
    quantum: int | None
    package: Package
    verdict: str
    photos: tuple[Photo, ...]
    characteristics: tuple[Characteristic, ...]
    sizes: tuple[Size, ...]
    tags: tuple[Tag, ...]
    created_at: datetime
    updated_at: datetime
    trashed_at: datetime | None = None
