"""Warehouses of sellers, and the vendor's offices that they are bound to. All names are invented."""

from dataclasses import dataclass

from mpsyncd.sandbox.world import vocabulary as words
from mpsyncd.sandbox.world.dice import dice

FEWEST = 2
_AT_BIRTH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    """A warehouse of the seller. cargo: 1 small, 2 huge, 3 large goods; delivery: how the vendor numbers it."""

    id: int
    name: str
    office_id: int
    cargo: int
    delivery: int
    deleting: bool = False
    processing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A place of the vendor that takes goods in; no district outside Russia."""

    id: int
    name: str
    address: str
    city: str
    district: str | None
    longitude: float
    latitude: float
    cargo: int
    delivery: int


def make_offices() -> tuple[Office, ...]:
    """The vendor's offices, the same for every seller."""
    rolls = dice("offices")
    return tuple(
        Office(
            id=100 + 7 * number,
            name=f"{city} {number + 1}",
            address=f"ул. {street}, {number + 1}, {city}",
            city=city,
            district=district,
            longitude=round(30 + 60 * rolls.random(), 6),
            latitude=round(45 + 15 * rolls.random(), 6),
            cargo=rolls.choice((1, 1, 3)),
            delivery=rolls.choice((1, 1, 1, 2, 6)),
        )
        for number, (city, district, street) in enumerate(
            (city, district, street) for street in words.STREETS for city, district in words.OFFICE_CITIES
        )
    )


def make_warehouses(seed: str) -> dict[int, Warehouse]:
    """The seller's warehouses at birth, by id. The first is the one that its orders are sent from."""
    rolls = dice(seed, "warehouses")
    offices = make_offices()
    ids = sorted(rolls.sample(range(10_000, 2_000_000), _AT_BIRTH))
    return {
        number: Warehouse(
            id=number,
            name=words.SELLER_WAREHOUSE if place == 0 else f"{words.SELLER_WAREHOUSE} {place + 1}",
            office_id=rolls.choice(offices).id,
            cargo=rolls.choice((1, 2, 3)),
            delivery=rolls.choice((1, 2, 3, 5, 6)),
        )
        for place, number in enumerate(ids)
    }
