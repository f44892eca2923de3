"""Shops, customers and their secrets in the database."""

import pytest

from mpsyncd.model.errors import ConfigError, NotThere, Refused
from mpsyncd.model.shop import CapabilityState, ShopStatus
from mpsyncd.model.stream import Lane
from mpsyncd.storage import customers, feeds, shop_status, shops, vault
from mpsyncd.storage.keyfile import new_key_line, parse_keys
from mpsyncd.storage.pool import Database
from support.storage import KEYRING, add_shop, execute, hold, identity, plan, value


async def test_a_new_shop_is_ready_for_its_first_load(pool: Database) -> None:
    shop = await add_shop(
        pool, customer="Flax", capabilities={"content": (CapabilityState.OK, None), "prices": (CapabilityState.MISSING, "made without it")}
    )
    assert (shop.status, shop.works, shop.paused, shop.customer) == (ShopStatus.SYNCING, True, False, "Flax")
    assert shop.identity["scopes"] == {"seller": "north"}
    async with pool.connection() as connection:
        assert await vault.load_secrets(connection, KEYRING, shop.shop_id) == {"token": "secret of north"}
        assert (await shops.capabilities(connection, shop.shop_id))["prices"] == (CapabilityState.MISSING, "made without it")
    stored = await value(pool, "SELECT string_agg(s::text || x::text, '') FROM mpsync.shops s, mpsync.shop_secrets x")
    assert "secret of north" not in stored
    assert (b"secret of north").hex() not in stored
    assert "secret of" not in repr(shops.NewShop(source="wildberries", name="x", secrets={"token": "secret of"}, identity=identity()))


async def test_a_name_is_taken_once_per_customer_and_source(pool: Database) -> None:
    await add_shop(pool)
    with pytest.raises(Refused, match="already has a shop 'north' at wildberries"):
        await add_shop(pool)
    await add_shop(pool, customer="somebody else")


@pytest.mark.parametrize(
    "changes,why", [({"name": " "}, "need a name"), ({"source": "amazon"}, "no source 'amazon'"), ({"secrets": {}}, "without a key")]
)
async def test_a_shop_that_makes_no_sense_is_refused(pool: Database, changes: dict[str, object], why: str) -> None:
    with pytest.raises(Refused, match=why):
        await add_shop(pool, **{"name": "x", **changes})  # type: ignore[arg-type]
    assert await value(pool, "SELECT count(*) FROM mpsync.shops") == 0


async def test_shops_are_found_by_name_path_and_id(pool: Database) -> None:
    north, other = await add_shop(pool, "north"), await add_shop(pool, "north", customer="Flax")
    south = await add_shop(pool, "south")
    async with pool.connection() as connection:
        assert (await shops.find(connection, "south")).shop_id == south.shop_id
        assert (await shops.find(connection, south.shop_id)).name == "south"
        assert (await shops.find(connection, "Flax/wildberries/north")).shop_id == other.shop_id
        with pytest.raises(Refused, match=f"Several shops .*{north.shop_id} .*{other.shop_id}"):
            await shops.find(connection, "north")
        with pytest.raises(NotThere, match="Did you mean 'south'"):
            await shops.find(connection, "sooth")
        assert [shop.name for shop in await shops.list_shops(connection, customer="Flax")] == ["north"]


async def test_pausing_and_switching_a_customer_off_stop_the_work(pool: Database) -> None:
    shop = await add_shop(pool, customer="Flax")
    async with pool.connection() as connection:
        await shop_status.set_paused(connection, shop.shop_id, paused=True)
        assert not (await shops.get(connection, shop.shop_id)).works
        await shop_status.set_paused(connection, shop.shop_id, paused=False)
        await customers.set_enabled(connection, "Flax", enabled=False)
        assert not (await shops.get(connection, shop.shop_id)).works
        await customers.set_enabled(connection, "Flax", enabled=True)
        assert (await shops.get(connection, shop.shop_id)).works
        with pytest.raises(NotThere, match="Did you mean 'Flax'"):
            await customers.set_enabled(connection, "Flex", enabled=True)


async def test_a_new_key_keeps_cursors_and_wakes_what_was_parked(pool: Database) -> None:
    shop = await add_shop(pool)
    [feed] = await plan(pool, shop, ("orders", Lane.LIVE))
    await execute(pool, "UPDATE mpsync.feeds SET state = 'parked', attempts = 3, cursor = '{\"n\": 7}', park_capability = 'statistics'")
    await execute(pool, "UPDATE mpsync.shops SET status = 'disabled', status_message = 'the key was refused', key_failed_at = now()")
    async with pool.connection() as connection:
        assert [one.shop_id for one in await shop_status.refused_keys(connection)] == [shop.shop_id]
        renewed = await shop_status.replace_secrets(
            connection,
            KEYRING,
            shop_id=shop.shop_id,
            secrets={"token": "new"},
            identity=identity("north"),
            found={"x": (CapabilityState.OK, None)},
        )
        assert (renewed.status, renewed.status_message) == (ShopStatus.SYNCING, None)
        woken = await feeds.get(connection, feed.feed_id)
        assert (woken.state, woken.attempts, woken.cursor) == ("pending", 0, {"n": 7})
        assert await vault.load_secrets(connection, KEYRING, shop.shop_id) == {"token": "new"}
        assert await shop_status.refused_keys(connection) == []


async def test_a_shop_that_was_loaded_is_active_again_after_a_new_key(pool: Database) -> None:
    shop = await add_shop(pool)
    await plan(pool, shop, ("orders", Lane.LIVE))
    await execute(pool, "UPDATE mpsync.feeds SET state = 'parked', last_success_at = now()")
    async with pool.connection() as connection:
        await shop_status.disable(connection, shop.shop_id, "the key was refused")
        assert not (await shops.get(connection, shop.shop_id)).works
        await shop_status.enable(connection, shop.shop_id)
        assert (await shops.get(connection, shop.shop_id)).status is ShopStatus.ACTIVE


async def test_a_key_of_another_seller_is_refused(pool: Database) -> None:
    shop = await add_shop(pool)
    async with pool.connection() as connection:
        with pytest.raises(Refused, match="belongs to another seller"):
            await shop_status.replace_secrets(
                connection, KEYRING, shop_id=shop.shop_id, secrets={"token": "new"}, identity=identity("south"), found={}
            )
        assert await vault.load_secrets(connection, KEYRING, shop.shop_id) == {"token": "secret of north"}


async def test_removing_revokes_at_once_and_frees_the_name(pool: Database) -> None:
    shop = await add_shop(pool)
    async with pool.connection() as connection:
        removed = await shop_status.remove(connection, shop.shop_id)
        assert (removed.status, removed.works) == (ShopStatus.REMOVING, False)
        assert await vault.load_secrets(connection, KEYRING, shop.shop_id) == {}
        again = await shop_status.remove(connection, shop.shop_id)
        assert again.name == removed.name
        for change in (
            shop_status.set_paused(connection, shop.shop_id, paused=False),
            shop_status.disable(connection, shop.shop_id, "x"),
            shop_status.enable(connection, shop.shop_id),
        ):
            with pytest.raises(Refused, match="being removed"):
                await change
        with pytest.raises(NotThere, match="no shop with the id 99"):
            await shop_status.remove(connection, 99)
    assert (await add_shop(pool)).shop_id != shop.shop_id


async def test_a_wrong_key_is_known_at_start_and_named(pool: Database) -> None:
    await add_shop(pool)
    async with pool.connection() as connection:
        await vault.check_keyring(connection, KEYRING)
        with pytest.raises(ConfigError, match=f"encrypted with key '{KEYRING.current}', which is not in the file"):
            await vault.check_keyring(connection, parse_keys(new_key_line(), origin="the file"))
        same_id = f"{KEYRING.current}:{new_key_line().partition(':')[2]}"
        with pytest.raises(ConfigError, match="another key of the same id"):
            await vault.check_keyring(connection, parse_keys(same_id, origin="the file"))


async def test_rotation_reencrypts_everything_in_batches(pool: Database) -> None:
    added = [await add_shop(pool, name) for name in ("north", "south", "east", "west", "middle")]
    new = new_key_line()
    both = vault.Keyring({**parse_keys(new, origin="x").keys, **KEYRING.keys}, "x")
    assert await vault.rotate(pool, both, batch=2) == 5
    assert await vault.rotate(pool, both, batch=2) == 0
    async with pool.connection() as connection:
        assert await vault.used_key_ids(connection) == {both.current}
        only_new = parse_keys(new, origin="x")
        for shop in added:
            assert await vault.load_secrets(connection, only_new, shop.shop_id) == {"token": f"secret of {shop.name}"}


async def test_a_ciphertext_can_not_be_moved_to_another_shop(pool: Database) -> None:
    north, south = await add_shop(pool, "north"), await add_shop(pool, "south")
    await execute(
        pool,
        "UPDATE mpsync.shop_secrets t SET nonce = f.nonce, ciphertext = f.ciphertext FROM mpsync.shop_secrets f "
        "WHERE f.shop_id = $1 AND t.shop_id = $2",
        north.shop_id,
        south.shop_id,
    )
    async with pool.connection() as connection:
        with pytest.raises(ConfigError, match="can not be decrypted"):
            await vault.load_secrets(connection, KEYRING, south.shop_id)


async def test_parked_feeds_go_on_by_person_and_by_probe(pool: Database) -> None:
    shop = await add_shop(pool, capabilities={"statistics": (CapabilityState.MISSING, "no right")})
    await plan(pool, shop, ("orders", Lane.LIVE), ("orders", Lane.BACKFILL), ("cards", Lane.LIVE))
    await execute(pool, "UPDATE mpsync.feeds SET state = 'parked', park_capability = CASE stream WHEN 'orders' THEN 'statistics' END")
    async with pool.connection() as connection:
        assert await feeds.unpark(connection, shop.shop_id, capability="statistics") == {"orders"}
        assert (await shops.capabilities(connection, shop.shop_id))["statistics"] == (CapabilityState.OK, None)
        assert [feed.state for feed in await feeds.of_shop(connection, shop.shop_id)] == ["pending", "pending", "parked"]
        assert await feeds.unpark(connection, shop.shop_id, streams=["cards"]) == {"cards"}
    await hold(pool)
