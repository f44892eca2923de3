"""Keys of shops at work, against a real database: which one the next HTTP request has, whoever changed it and however it was heard."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

import pytest

from mpsyncd.daemon.keys import Keys
from mpsyncd.model.clock import SystemClock
from mpsyncd.model.errors import Unauthorized
from mpsyncd.model.shop import Shop
from mpsyncd.model.source import Credentials, Identity
from mpsyncd.storage import shop_status, vault
from mpsyncd.storage.pool import Database, open_database
from mpsyncd.storage.vault import StoredKey
from support.storage import KEYRING, add_shop, identity
from support.transport import acme


def identify(credentials: Credentials, _now: datetime) -> Identity:
    if credentials["token"] == "broken":
        raise Unauthorized("the key is broken")
    return identity("north", variant=credentials["token"])


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Database]:
    async with open_database(database) as opened:
        yield opened


@pytest.fixture
async def shop(pool: Database) -> Shop:
    return await add_shop(pool, "north", secrets={"token": "first"})


@asynccontextmanager
async def following(pool: Database) -> AsyncIterator[Keys]:
    keys = Keys(pool, KEYRING, sources={"wildberries": replace(acme(), identify=identify)}, clock=SystemClock())
    task = asyncio.create_task(keys.run())
    yield keys
    assert not task.done()
    task.cancel()
    await asyncio.wait({task})


async def replaced(pool: Database, shop: Shop, token: str) -> StoredKey:
    async with pool.connection() as connection:
        await shop_status.replace_secrets(
            connection, KEYRING, shop_id=shop.shop_id, secrets={"token": token}, identity=identity("north"), found={}
        )
        return await vault.load_key(connection, KEYRING, shop.shop_id)


async def test_a_key_stays_the_same_object_until_it_changes(pool: Database, shop: Shop) -> None:
    async with following(pool) as keys, keys.of(shop) as key:
        first = key()
        assert (first.credentials, first.identity.variant) == ({"token": "first"}, "first")
        async with keys.of(shop) as same:
            assert same() is key() is first
        keys.swap({shop.shop_id: await replaced(pool, shop, "second")})
        assert (key().credentials, key().identity.variant) == ({"token": "second"}, "second")


async def test_a_change_that_is_noticed_is_followed(pool: Database, shop: Shop) -> None:
    for noticed in (shop.shop_id, None):
        async with following(pool) as keys, keys.of(shop) as key:
            first = key()
            await replaced(pool, shop, f"new for {noticed}")
            keys.notice(noticed)
            async with asyncio.timeout(30):
                while key() is first:
                    await asyncio.sleep(0.01)
            assert key().credentials == {"token": f"new for {noticed}"}


async def test_what_changed_elsewhere_is_no_reason_for_another_key(pool: Database, shop: Shop) -> None:
    async with following(pool) as keys:
        keys.notice(None)
        keys.notice(shop.shop_id)  # nobody works it
        async with keys.of(shop) as key:
            first = key()
            keys.notice(shop.shop_id + 1)
            keys.notice(None)
            await asyncio.sleep(0.1)
            assert key() is first


async def test_an_older_reading_never_replaces_a_newer_one(pool: Database, shop: Shop) -> None:
    async with following(pool) as keys, keys.of(shop) as key:
        old = await keys.stored(shop.shop_id)
        keys.swap({shop.shop_id: await replaced(pool, shop, "second")})
        keys.swap({shop.shop_id: old})
        assert key().credentials == {"token": "second"}


async def test_an_attempt_that_begins_brings_the_new_key_to_those_under_way(pool: Database, shop: Shop) -> None:
    async with following(pool) as keys, keys.of(shop) as key:
        await replaced(pool, shop, "second")
        async with keys.of(shop):
            assert key().credentials == {"token": "second"}


async def test_a_key_that_can_not_work_stops_its_attempt_and_leaves_others_theirs(pool: Database, shop: Shop) -> None:
    async with following(pool) as keys, keys.of(shop) as key:
        keys.swap({shop.shop_id: await replaced(pool, shop, "broken")})
        assert key().credentials == {"token": "first"}
        with pytest.raises(Unauthorized, match="broken"):
            async with keys.of(shop):
                pass
        keys.swap({shop.shop_id: await replaced(pool, shop, "third")})
        assert key().credentials == {"token": "third"}


async def test_no_key_stays_behind_the_last_attempt(pool: Database, shop: Shop) -> None:
    async with following(pool) as keys:
        async with keys.of(shop):
            pass
        assert keys._held == {}
