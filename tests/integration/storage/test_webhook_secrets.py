"""The secret of a shop's webhooks beside the shop's key: neither replaces the other, both are encrypted and change keys together."""

from mpsyncd.storage import shop_status, vault, webhooks
from mpsyncd.storage.keyfile import new_key_line, parse_keys
from mpsyncd.storage.pool import Database
from support.storage import KEYRING, add_shop, execute, identity, value


async def test_the_shops_key_and_the_webhooks_secret_leave_each_other_alone(pool: Database) -> None:
    shop = await add_shop(pool)
    async with pool.connection() as connection:
        secret = await webhooks.secret_of(connection, KEYRING, shop.shop_id)
        assert await webhooks.secret_of(connection, KEYRING, shop.shop_id) == secret
        before = await vault.load_key(connection, KEYRING, shop.shop_id)
        assert before.secrets == {"token": "secret of north"}
        renewed = await webhooks.renew_secret(connection, KEYRING, shop.shop_id)
        assert renewed != secret
        assert await vault.load_key(connection, KEYRING, shop.shop_id) == before
        assert await vault.key_versions(connection, [shop.shop_id]) == {shop.shop_id: before.version}
        told = identity("north")
        await shop_status.replace_secrets(connection, KEYRING, shop_id=shop.shop_id, secrets={"token": "newer"}, identity=told, found={})
        assert (await vault.load_key(connection, KEYRING, shop.shop_id)).secrets == {"token": "newer"}
        assert await webhooks.secret_of(connection, KEYRING, shop.shop_id) == renewed


async def test_the_secret_is_found_by_its_digest_and_stored_sealed(pool: Database) -> None:
    shop = await add_shop(pool)
    async with pool.connection() as connection:
        secret = await webhooks.secret_of(connection, KEYRING, shop.shop_id)
        found = await webhooks.holder(connection, webhooks.digest_of(secret))
        assert found == webhooks.Holder(shop_id=shop.shop_id, source="wildberries", digest=webhooks.digest_of(secret))
        assert await webhooks.holder(connection, webhooks.digest_of(f"{secret} ")) is None
    stored = await value(pool, "SELECT string_agg(w::text || x::text, '') FROM mpsync.webhooks w, mpsync.shop_secrets x")
    assert secret not in stored
    assert secret.encode().hex() not in stored
    await execute(pool, "UPDATE mpsync.shops SET status = 'removing'")
    async with pool.connection() as connection:
        assert await webhooks.holder(connection, webhooks.digest_of(secret)) is None


async def test_a_rotated_vault_takes_the_secret_along(pool: Database) -> None:
    shop = await add_shop(pool)
    async with pool.connection() as connection:
        secret = await webhooks.secret_of(connection, KEYRING, shop.shop_id)
    newer = parse_keys(new_key_line(), origin="a test")
    both = vault.Keyring({**newer.keys, **KEYRING.keys}, "a test")
    assert await vault.rotate(pool, both) == 2
    async with pool.connection() as connection:
        assert await webhooks.secret_of(connection, newer, shop.shop_id) == secret
