"""The shop list against the table: what it adds, changes and switches off, and what it leaves alone."""

from datetime import timedelta
from typing import Any

import pytest

from mpsyncd.model.errors import Refused, Unauthorized
from mpsyncd.model.shop import Shop, ShopStatus
from mpsyncd.model.source import Credentials, Identity
from mpsyncd.model.stream import Lane
from mpsyncd.storage import shop_list, shop_list_write, shop_status, shops, vault
from mpsyncd.storage.keyfile import new_key_line, parse_keys
from mpsyncd.storage.pool import Database
from mpsyncd.storage.shop_list import Entry, Plan
from support.storage import KEYRING, NOW, add_shop, execute, identity, plan, value

FILE = "/etc/mpsyncd/shops.toml"


def entry(name: str, line: int, *, key: str | None = None, paused: bool = False, customer: str = "default") -> Entry:
    return Entry(name=(customer, "wildberries", name), line=line, paused=paused, secrets={"token": key or f"{name}:1"})


def identify(source: str, credentials: Credentials) -> Identity:
    """Keys of these tests say whose they are before a colon."""
    assert source == "wildberries"
    seller, _, number = credentials["token"].partition(":")
    if not number:
        raise Unauthorized("The token is cut.")
    return identity(seller, expires_at=NOW + timedelta(days=int(number)))


async def compared(database: Database, *entries: Entry, **options: Any) -> Plan:
    async with database.connection() as connection:
        return await shop_list.plan(connection, KEYRING, entries, file=FILE, identify=identify, **options)


async def applied(database: Database, *entries: Entry, **options: Any) -> tuple[str, ...]:
    async with database.transaction() as connection:
        await shop_list_write.take_turn(connection)
        found = await shop_list.plan(connection, KEYRING, entries, file=FILE, identify=identify, **options)
        assert found.problems == ()
        if found.changes:
            await shop_list_write.write(connection, KEYRING, found)
    again = await compared(database, *entries, **options)
    assert (again.changes, again.problems) == ((), ())
    return found.words()


async def shop(database: Database, name: str) -> Shop:
    async with database.connection() as connection:
        return await shops.find(connection, name)


async def key(database: Database, shop_id: int) -> vault.StoredKey:
    async with database.connection() as connection:
        return await vault.load_key(connection, KEYRING, shop_id)


async def test_new_entries_are_added_with_their_keys(pool: Database) -> None:
    other = await add_shop(pool, "by-hand")
    told = await applied(pool, entry("north", 1), entry("linen", 5, paused=True, customer="Flax"))
    assert told == ("shop north: added", "shop linen: added")
    north, linen = await shop(pool, "north"), await shop(pool, "linen")
    assert (north.status, north.works, north.list_file, north.list_line) == (ShopStatus.SYNCING, True, FILE, 1)
    assert (linen.customer, linen.works, linen.paused, linen.list_line) == ("Flax", False, True, 5)
    assert north.lease_group == "wildberries:north"
    assert north.expires_at == NOW + timedelta(days=1)
    assert (await key(pool, linen.shop_id)).secrets == {"token": "linen:1"}
    assert await value(pool, "SELECT count(*) FROM mpsync.leases WHERE lease_group LIKE 'wildberries:%'") == 3
    assert (await shop(pool, "by-hand")) == other


async def test_the_same_list_changes_nothing(pool: Database) -> None:
    await applied(pool, entry("north", 1))
    before = await value(pool, "SELECT string_agg(s::text, '') FROM mpsync.shops s")
    assert await applied(pool, entry("north", 1)) == ()
    assert await value(pool, "SELECT string_agg(s::text, '') FROM mpsync.shops s") == before
    assert await applied(pool, entry("north", 7)) == ()
    assert (await shop(pool, "north")).list_line == 7


async def test_another_key_replaces_the_old_one_and_wakes_what_it_had_parked(pool: Database) -> None:
    await applied(pool, entry("north", 1))
    north = await shop(pool, "north")
    feeds = await plan(pool, north, ("orders", Lane.LIVE), ("cards", Lane.LIVE))
    await execute(pool, "UPDATE mpsync.feeds SET state = 'parked', cursor = '{\"at\": 1}' WHERE feed_id = $1", feeds[0].feed_id)
    await execute(pool, "UPDATE mpsync.shops SET status = 'disabled', key_failed_at = now(), status_message = 'refused'")
    first = await key(pool, north.shop_id)
    assert await applied(pool, entry("north", 1, key="north:9")) == ("shop north: key changed",)
    second = await key(pool, north.shop_id)
    assert second.secrets == {"token": "north:9"}
    assert second.version > first.version
    renewed = await shop(pool, "north")
    assert (renewed.status, renewed.status_message, renewed.works) == (ShopStatus.SYNCING, None, True)
    assert renewed.expires_at == NOW + timedelta(days=9)
    assert await value(pool, "SELECT count(*) FROM mpsync.feeds WHERE state = 'parked'") == 0
    assert await value(pool, "SELECT cursor ->> 'at' FROM mpsync.feeds WHERE feed_id = $1", feeds[0].feed_id) == "1"


async def test_a_key_that_can_not_be_opened_any_more_is_written_anew(pool: Database) -> None:
    await applied(pool, entry("north", 1))
    lost = parse_keys(new_key_line(), origin="another machine")
    async with pool.transaction() as connection:
        found = await shop_list.plan(connection, lost, [entry("north", 1)], file=FILE, identify=identify)
        assert found.words() == ("shop north: key changed",)
        await shop_list_write.write(connection, lost, found)
        assert (await vault.load_key(connection, lost, (await shops.find(connection, "north")).shop_id)).secrets == {"token": "north:1"}


async def test_an_entry_that_is_gone_switches_its_shop_off_and_back_on_with_its_rows(pool: Database) -> None:
    await applied(pool, entry("north", 1), entry("linen", 5))
    north = await shop(pool, "north")
    feeds = await plan(pool, north, ("orders", Lane.LIVE))
    await execute(pool, "UPDATE mpsync.shops SET key_failed_at = now() WHERE shop_id = $1", north.shop_id)
    await execute(pool, "UPDATE mpsync.feeds SET cursor = '{\"at\": 1}', last_success_at = now() WHERE feed_id = $1", feeds[0].feed_id)
    assert await applied(pool, entry("linen", 1)) == ("shop north: gone from the list, disabled",)
    gone = await shop(pool, "north")
    assert (gone.shop_id, gone.status, gone.works, gone.list_line) == (north.shop_id, ShopStatus.DISABLED, False, None)
    assert f"gone from {FILE}" in (gone.status_message or "")
    async with pool.connection() as connection:
        assert await shop_status.refused_keys(connection) == []
    assert (await key(pool, north.shop_id)).secrets == {"token": "north:1"}
    assert await applied(pool, entry("linen", 1), entry("north", 5)) == ("shop north: back in the list",)
    back = await shop(pool, "north")
    assert (back.shop_id, back.status, back.works, back.list_line) == (north.shop_id, ShopStatus.ACTIVE, True, 5)
    assert await value(pool, "SELECT cursor ->> 'at' FROM mpsync.feeds WHERE feed_id = $1", feeds[0].feed_id) == "1"


async def test_a_shop_that_was_added_by_hand_is_taken_over_by_its_name(pool: Database) -> None:
    await add_shop(pool, "north")
    assert await applied(pool, entry("north", 3, key="secret of north")) == ("shop north: taken over by the list",)
    assert (await shop(pool, "north")).list_line == 3
    await add_shop(pool, "south", seller="south")
    assert await applied(pool, entry("north", 3, key="secret of north"), entry("south", 9, key="south:2")) == (
        "shop south: taken over by the list",
        "shop south: key changed",
    )


async def test_pauses_come_from_the_list(pool: Database) -> None:
    await applied(pool, entry("north", 1))
    assert await applied(pool, entry("north", 1, paused=True)) == ("shop north: paused",)
    assert (await shop(pool, "north")).works is False
    assert await applied(pool, entry("north", 1)) == ("shop north: goes on",)


async def test_every_bad_key_is_told_with_its_line(pool: Database) -> None:
    await applied(pool, entry("north", 1), entry("linen", 5))
    found = await compared(pool, entry("north", 1, key="somebody:1"), entry("linen", 5, key="linen"), entry("third", 9, key="third"))
    assert [problem.partition(" Add it")[0] for problem in found.problems] == [
        f"{FILE}:1: shops.north: the new key belongs to another seller than the shop; their rows would be mixed.",
        f"{FILE}:5: shops.linen: The token is cut.",
        f"{FILE}:9: shops.third: The token is cut.",
    ]


async def test_a_key_that_is_stored_already_is_not_looked_at_again(pool: Database) -> None:
    """A token that expired must not stand in the way of all others."""
    await add_shop(pool, "north")
    await applied(pool, entry("north", 1, key="secret of north"))
    assert (await compared(pool, entry("north", 1, key="secret of north"))).problems == ()


async def test_a_list_that_is_empty_by_accident_is_refused(pool: Database) -> None:
    await applied(pool, entry("north", 1))
    [problem] = (await compared(pool, explicit=False)).problems
    assert "1 of the table come from it" in problem
    assert await applied(pool) == ("shop north: gone from the list, disabled",)
    assert (await compared(pool, explicit=False)).problems == ()


async def test_shops_of_one_name_are_told_apart(pool: Database) -> None:
    told = await applied(pool, entry("north", 1), entry("north", 5, customer="Flax"))
    assert told == ("shop default/wildberries/north: added", "shop Flax/wildberries/north: added")


async def test_nobody_else_changes_a_shop_of_the_list(pool: Database) -> None:
    await applied(pool, entry("north", 12))
    north = await shop(pool, "north")
    words = f"managed by the shop list: change line 12 of {FILE}, then run mpsyncd reload"
    async with pool.connection() as connection:
        with pytest.raises(Refused, match=words):
            await shop_status.set_paused(connection, north.shop_id, paused=True)
        with pytest.raises(Refused, match=words):
            await shop_status.disable(connection, north.shop_id, "no more")
        with pytest.raises(Refused, match=words):
            await shop_status.remove(connection, north.shop_id)
        with pytest.raises(Refused, match=words):
            await shop_status.replace_secrets(
                connection, KEYRING, shop_id=north.shop_id, secrets={"token": "x"}, identity=identity("north"), found={}
            )
    await applied(pool)
    async with pool.connection() as connection:
        assert (await shop_status.remove(connection, north.shop_id)).status is ShopStatus.REMOVING
    assert await applied(pool, entry("north", 1)) == ("shop north: added",)
    assert (await shop(pool, "north")).shop_id != north.shop_id
