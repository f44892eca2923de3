"""What happens to cards while the world moves. Each event takes the seller, dice and the moment, and changes the truth."""

from dataclasses import replace
from datetime import datetime
from random import Random

from mpsyncd.sandbox.world import vocabulary as words
from mpsyncd.sandbox.world.card_birth import make_barcode, make_card, make_characteristics, make_description, make_size, make_title
from mpsyncd.sandbox.world.records import Card, Photo, Size
from mpsyncd.sandbox.world.seller import Seller

_FEWEST_CARDS = 5
_BASKETS = 30
_TOGETHER = 3


def created(seller: Seller, dice: Random, at: datetime) -> None:
    """A new card."""
    seller.cards.put(make_card(dice, nm_id=seller.article(), created_at=at, updated_at=at))


def retitled(seller: Seller, dice: Random, at: datetime) -> None:
    """Another title on one card, or on a few at once: they share their time of change."""
    for _ in range(dice.choice((1, 1, _TOGETHER))):
        _put(seller, replace(_any(seller, dice), title=make_title(dice)), at)


def described(seller: Seller, dice: Random, at: datetime) -> None:
    """Another description, or the same one with other blanks around it (no change for a reader)."""
    card = _any(seller, dice)
    text = make_description(dice) if dice.choice((True, False)) else f"{card.description.strip()} \n"
    _put(seller, replace(card, description=text), at)


def photographed(seller: Seller, dice: Random, at: datetime) -> None:
    """A picture is added, removed, or two change places."""
    card = _any(seller, dice)
    photos = list(card.photos)
    match dice.choice(("add", "remove", "swap")):
        case "remove" if photos:
            photos.pop(dice.randrange(len(photos)))
        case "swap" if len(photos) > 1:
            photos[0], photos[-1] = photos[-1], photos[0]
        case _:
            basket = photos[0].basket if photos else dice.randint(1, _BASKETS)
            photos.append(Photo(card.nm_id, basket, max((photo.number for photo in photos), default=0) + 1))
    _put(seller, replace(card, photos=tuple(photos)), at)


def moved_on_network(seller: Seller, dice: Random, at: datetime) -> None:
    """The same pictures on another host of the delivery network: no change for a reader."""
    card = _any(seller, dice)
    basket = dice.randint(1, _BASKETS)
    _put(seller, replace(card, photos=tuple(replace(photo, basket=basket) for photo in card.photos)), at)


def checked(seller: Seller, dice: Random, at: datetime) -> None:
    """The vendor's own check of documents ends: the time of change moves, nothing that a buyer sees does."""
    _put(seller, replace(_any(seller, dice), verdict=dice.choice(words.VERDICTS)), at)


def characterised(seller: Seller, dice: Random, at: datetime) -> None:
    """Another set of characteristics, perhaps an empty one."""
    _put(seller, replace(_any(seller, dice), characteristics=make_characteristics(dice)), at)


def size_dropped(seller: Seller, dice: Random, at: datetime) -> None:
    """The list of sizes shrinks; the last size stays."""
    card = _any(seller, dice)
    if len(card.sizes) > 1:
        gone = dice.randrange(len(card.sizes))
        _put(seller, replace(card, sizes=card.sizes[:gone] + card.sizes[gone + 1 :]), at)


def size_added(seller: Seller, dice: Random, at: datetime) -> None:
    """The list of sizes grows."""
    card = _any(seller, dice)
    chrt_id = max(size.chrt_id for size in card.sizes) + 1
    if chrt_id // 100 == card.nm_id:
        new = make_size(dice, chrt_id=chrt_id, place=len(card.sizes))
        _put(seller, replace(card, sizes=(*card.sizes, new)), at)


def barcode_added(seller: Seller, dice: Random, at: datetime) -> None:
    """One size gets one more barcode."""
    card = _any(seller, dice)
    lucky = dice.choice(card.sizes)
    sizes = tuple(_with_barcode(size, dice) if size is lucky else size for size in card.sizes)
    _put(seller, replace(card, sizes=sizes), at)


def trashed(seller: Seller, dice: Random, at: datetime) -> None:
    """A card moves to the bin; a few always stay."""
    if len(seller.cards) > _FEWEST_CARDS:
        card = seller.cards.take(_any(seller, dice).nm_id)
        seller.trash.put(replace(card, trashed_at=at))


def restored(seller: Seller, dice: Random, at: datetime) -> None:
    """A card comes back from the bin, as it was."""
    if len(seller.trash):
        card = seller.trash.take(dice.choice(seller.trash.ascending()).nm_id)
        _put(seller, replace(card, trashed_at=None), at)


def _any(seller: Seller, dice: Random) -> Card:
    return dice.choice(seller.cards.ascending())


def _put(seller: Seller, card: Card, at: datetime) -> None:
    seller.cards.put(replace(card, updated_at=at))


def _with_barcode(size: Size, dice: Random) -> Size:
    return replace(size, skus=(*size.skus, make_barcode(dice)))
