"""Makes new cards out of dice and invented words. Says nothing of paging or of any vendor's spelling."""

from datetime import datetime
from decimal import Decimal
from random import Random
from uuid import UUID

from mpsyncd.sandbox.world import vocabulary as words
from mpsyncd.sandbox.world.records import Card, Characteristic, Package, Photo, Size, Tag

_BAR_LENGTH = 13
_MAX_PHOTOS = 6
_MAX_SENTENCES = 4
_RARELY, _SOMETIMES, _OFTEN, _MOSTLY = 0.1, 0.3, 0.5, 0.9


def make_card(dice: Random, *, nm_id: int, created_at: datetime, updated_at: datetime) -> Card:
    """A card with its sizes, photos and characteristics; `nm_id` decides every other number of it."""
    kind = dice.choice(words.KINDS)
    sizes = tuple(make_size(dice, chrt_id=nm_id * 100 + place, place=place) for place in range(dice.randint(2, 7))) if kind.sized else ()
    return Card(
        nm_id=nm_id,
        imt_id=nm_id // 2 + 50_000_000,
        uuid=UUID(int=dice.getrandbits(128), version=4),
        subject_id=kind.subject_id,
        subject=kind.subject,
        vendor_code=f"{kind.subject[:3].lower()}-{nm_id % 100_000:05}{dice.choice(('', '/2', ' б'))}",
        brand=dice.choice(words.BRANDS),
        title=make_title(dice, nouns=kind.nouns),
        description=make_description(dice),
        need_kiz=kind.sized and dice.random() < _OFTEN,
        kiz_marked=dice.random() < _SOMETIMES,
        gtin=f"0{nm_id:013}" if dice.random() < _SOMETIMES else None,
        video=f"https://video.wbbasket.example/{nm_id}/index.m3u8" if dice.random() < _RARELY else None,
        quantum=dice.randint(2, 120) if dice.random() < _RARELY else None,
        package=make_package(dice),
        verdict=words.VERDICTS[0],
        photos=make_photos(dice, nm_id=nm_id),
        characteristics=make_characteristics(dice),
        sizes=sizes or (make_single_size(dice, chrt_id=nm_id * 100),),
        tags=make_tags(dice),
        created_at=created_at,
        updated_at=updated_at,
    )


def make_title(dice: Random, *, nouns: tuple[str, ...] | None = None) -> str:
    """A noun and two qualities."""
    noun = dice.choice(nouns or dice.choice(words.KINDS).nouns)
    return f"{noun} {' '.join(dice.sample(words.ADJECTIVES, 2))}"


def make_description(dice: Random) -> str:
    """A few sentences; now and then none at all, or with a line break inside."""
    sentences = dice.sample(words.SENTENCES, dice.randint(0, _MAX_SENTENCES))
    return dice.choice((" ", " ", "\n")).join(sentences)


def make_barcode(dice: Random) -> str:
    """Thirteen digits, a leading zero included: a barcode is a text."""
    return f"{dice.randrange(10**_BAR_LENGTH):013}"


def make_size(dice: Random, *, chrt_id: int, place: int) -> Size:
    """The size at a place of the row from XS upwards, with one or two barcodes."""
    step = place % len(words.TECH_SIZES)
    skus = tuple(make_barcode(dice) for _ in range(dice.choice((1, 1, 1, 2))))
    return Size(chrt_id=chrt_id, tech_size=words.TECH_SIZES[step], wb_size=words.WB_SIZES[step], skus=skus)


def make_single_size(dice: Random, *, chrt_id: int) -> Size:
    """The one size of goods that have none; its Russian size is empty or not told."""
    return Size(chrt_id=chrt_id, tech_size="0", wb_size=dice.choice(("", "", None)), skus=(make_barcode(dice),))


def make_photos(dice: Random, *, nm_id: int) -> tuple[Photo, ...]:
    """None to six pictures on one host."""
    basket = dice.randint(1, 30)
    return tuple(Photo(nm_id, basket, number + 1) for number in range(dice.randint(0, _MAX_PHOTOS)))


def make_characteristics(dice: Random) -> tuple[Characteristic, ...]:
    """Values of every type that the vendor sends: list of texts, whole number, fraction, text."""
    every = (
        Characteristic(14_177_449, "Цвет", tuple(dice.sample(words.COLORS, dice.randint(1, 2)))),
        Characteristic(14_177_450, "Состав", (dice.choice(words.MATERIALS),)),
        Characteristic(88_952, "Вес товара без упаковки (г)", dice.randint(10, 5_000)),
        Characteristic(90_630, "Высота предмета", Decimal(dice.randint(10, 999)) / 10),
        Characteristic(15_000_001, "Комплектация", "1 шт."),
    )
    return tuple(sorted(dice.sample(every, dice.randint(0, len(every))), key=lambda one: one.id))


def make_tags(dice: Random) -> tuple[Tag, ...]:
    """Mostly none, at most two."""
    chosen = dice.sample(range(len(words.TAGS)), dice.choice((0, 0, 0, 1, 2)))
    return tuple(Tag(590_000 + place, *words.TAGS[place]) for place in sorted(chosen))


def make_package(dice: Random) -> Package:
    """Centimetres and kilograms with at most three digits after the point."""
    return Package(
        length=dice.randint(5, 90),
        width=dice.randint(5, 60),
        height=dice.randint(1, 40),
        weight=Decimal(dice.randint(20, 9_000)) / 1_000,
        is_valid=dice.random() < _MOSTLY,
    )
