"""The daily look at keys, against a real database and a vendor that is played."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from mpsyncd.daemon.keeper import Keeper
from mpsyncd.model.errors import Unauthorized
from mpsyncd.model.feed import FeedState
from mpsyncd.model.stream import Lane
from mpsyncd.settings import Settings
from mpsyncd.storage import feeds, shops
from mpsyncd.storage.pool import open_database
from support.storage import add_shop, execute, identity, plan

if TYPE_CHECKING:
    from mpsyncd.daemon.connections import Connections
    from mpsyncd.daemon.stores import Storage
    from mpsyncd.model.shop import Shop
    from mpsyncd.model.source import Identity
    from mpsyncd.storage.pool import Database


@dataclass
class Vendor:
    """What keys say (an exception is raised), and what the vendor says of them."""

    told: dict[str, Identity | Exception] = field(default_factory=dict)
    refusals: dict[str, str | None] = field(default_factory=dict)

    async def identity(self, shop: Shop) -> Identity:
        told = self.told[shop.name]
        if isinstance(told, Exception):
            raise told
        return told

    async def second_opinion(self, shop: Shop) -> str | None:
        return self.refusals[shop.name]


def keeper(database: Database, vendor: Vendor) -> Keeper:
    return Keeper(cast("Storage", SimpleNamespace(pool=database)), cast("Connections", vendor), Settings)


async def state_of(database: Database, shop: Shop) -> Any:
    async with database.connection() as connection:
        stored = await shops.get(connection, shop.shop_id)
        return stored, [feed.state for feed in await feeds.of_shop(connection, shop.shop_id)]


async def test_every_day_parked_feeds_try_again_and_keys_are_read_anew(database: str) -> None:
    async with open_database(database) as pool:
        aging, broken = await add_shop(pool, "aging"), await add_shop(pool, "broken")
        await plan(pool, aging, ("cards", Lane.LIVE), ("orders", Lane.LIVE))
        await execute(pool, "UPDATE mpsync.feeds SET state = 'parked', park_capability = 'content' WHERE stream = 'cards'")
        vendor = Vendor({"aging": identity("aging", warnings=("ends within 3 days",)), "broken": Unauthorized("expired")})
        await keeper(pool, vendor).look_at_keys()
        stored, states = await state_of(pool, aging)
        assert stored.identity["warnings"] == ["ends within 3 days"]
        assert states == [FeedState.PENDING, FeedState.PENDING]
        assert (await state_of(pool, broken))[0].identity == broken.identity


async def test_a_key_that_the_vendor_takes_again_brings_its_shop_back(database: str) -> None:
    async with open_database(database) as pool:
        back, still = await add_shop(pool, "back"), await add_shop(pool, "still")
        await plan(pool, back, ("orders", Lane.LIVE))
        await execute(pool, "UPDATE mpsync.shops SET status = 'disabled', key_failed_at = now()")
        await execute(pool, "UPDATE mpsync.feeds SET state = 'parked'")
        await keeper(pool, Vendor(refusals={"back": None, "still": "expired"})).look_at_keys()
        stored, states = await state_of(pool, back)
        assert (stored.works, states) == (True, [FeedState.PENDING])
        assert not (await state_of(pool, still))[0].works
