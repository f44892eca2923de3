"""How the vendor writes numbers, moments and parts of cards. Takes truth, gives what goes into JSON."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

from mpsyncd.sandbox.world.records import Card, Characteristic, Photo, Size, Value

MOSCOW = timezone(timedelta(hours=3))
NO_DATE = "0001-01-01T00:00:00"
PHOTO_SIZES = ("big", "c246x328", "c516x688", "square", "tm")


def moscow(moment: datetime) -> str:
    """Moscow wall clock without a zone; a fraction only when there is one, without its trailing zeros."""
    return _short(moment.astimezone(MOSCOW).replace(tzinfo=None).isoformat())


def zulu(moment: datetime) -> str:
    """UTC with Z; a fraction only when there is one, without its trailing zeros."""
    return _short(moment.replace(tzinfo=None).isoformat()) + "Z"


def number(value: Decimal) -> int | float:
    """A whole number without a point, anything else with as many digits as it has."""
    return int(value) if value == value.to_integral_value() else float(value)


def value_of(value: Value) -> object:
    """The value of a characteristic: a text, a number or a list of texts."""
    match value:
        case Decimal():
            return number(value)
        case tuple():
            return list(value)
        case _:
            return value


def photo(one: Photo) -> dict[str, str]:
    """Addresses of a picture in all sizes."""
    return {folder: one.url(folder) for folder in PHOTO_SIZES}


def size(one: Size) -> dict[str, object]:
    """A size; a Russian size that is not told has no key."""
    bare: dict[str, object] = {"chrtID": one.chrt_id, "techSize": one.tech_size, "wbSize": one.wb_size, "skus": list(one.skus)}
    if one.wb_size is None:
        del bare["wbSize"]
    return bare


def characteristic(one: Characteristic) -> dict[str, object]:
    """A property of a card."""
    return {"id": one.id, "name": one.name, "value": value_of(one.value)}


def dimensions(card: Card) -> dict[str, object]:
    """The package in centimetres and kilograms."""
    package = card.package
    return {
        "length": package.length,
        "width": package.width,
        "height": package.height,
        "weightBrutto": number(package.weight),
        "isValid": package.is_valid,
    }


def wholesale(card: Card) -> dict[str, object]:
    """Whether the card is sold wholesale, and by how many."""
    return {"enabled": card.quantum is not None, "quantum": card.quantum or 0}


def tags(card: Card) -> list[dict[str, object]]:
    """The seller's labels."""
    return [{"id": tag.id, "name": tag.name, "color": tag.color} for tag in card.tags]


def documents(card: Card) -> dict[str, object]:
    """The vendor's verdict on documents (autumn 2026)."""
    return {"items": [], "overallVerdict": card.verdict, "excludeDocuments": False}


def _short(text: str) -> str:
    return text.rstrip("0") if "." in text else text
