"""What a seller asks for its goods. Tags are made when first looked at, so that new cards have one; only events change them."""

from dataclasses import dataclass

from mpsyncd.sandbox.world.dice import dice

_OFTEN, _RARELY = 0.5, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTag:
    """Prices of a card: whole roubles before discounts, discounts in percent, steps of wholesale as (units, percent).

    `by_size`: sizes may have prices of their own. `slow`: the vendor calls the goods hard to sell.
    """

    nm_id: int
    base: int
    discount: int
    club_discount: int
    by_size: bool
    wholesale: tuple[tuple[int, int], ...]
    slow: bool

    def price(self, chrt_id: int) -> int:
        """Price of a size before discounts."""
        return self.base + (chrt_id % 3 * 50 if self.by_size else 0)


class PriceList:
    """Tags by article."""

    def __init__(self, *, seed: str) -> None:
        self._seed = seed
        self._tags: dict[int, PriceTag] = {}

    def of(self, nm_id: int) -> PriceTag:
        """The tag of a card."""
        if nm_id not in self._tags:
            self._tags[nm_id] = _first_tag(self._seed, nm_id)
        return self._tags[nm_id]

    def put(self, tag: PriceTag) -> None:
        """Replace the tag of a card."""
        self._tags[tag.nm_id] = tag


def _first_tag(seed: str, nm_id: int) -> PriceTag:
    rolls = dice(seed, "price", nm_id)
    return PriceTag(
        nm_id=nm_id,
        base=rolls.randint(150, 9_500),
        discount=rolls.randint(0, 70),
        club_discount=rolls.choice((0, 0, 3, 5)),
        by_size=rolls.random() < _OFTEN,
        wholesale=tuple((10 * step, 5 * step) for step in range(1, rolls.choice((0, 0, 0, 1, 2, 3)) + 1)),
        slow=rolls.random() < _RARELY,
    )
