"""Access tokens: what is stored, who is recognised, and for how long."""

import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest

from mpsyncd.model.access import Role
from mpsyncd.model.errors import NotThere, Refused
from mpsyncd.storage import access, customers
from mpsyncd.storage.access import AccessToken
from mpsyncd.storage.pool import Database
from support.storage import add_shop, execute, value

HOUR = timedelta(hours=1)


async def _made(pool: Database, name: str = "grafana", role: Role = Role.VIEWER, **more: Any) -> tuple[AccessToken, str]:
    async with pool.connection() as connection:
        return await access.create(connection, name=name, role=role, **more)


async def _recognised(pool: Database, text: str) -> Any:
    async with pool.connection() as connection:
        return await access.recognise(connection, text)


async def test_only_the_digest_of_a_token_is_stored(pool: Database) -> None:
    made, text = await _made(pool)
    assert re.fullmatch(r"mps_[0-9a-f]{12}_[\w-]{43}", text)
    assert text.startswith(f"mps_{made.token_id}_")
    secret = text.removeprefix(f"mps_{made.token_id}_")
    stored = await value(pool, "SELECT t::text FROM mpsync.access_tokens t")
    assert secret not in stored
    assert secret.encode().hex() not in stored
    assert hashlib.sha256(text.encode()).hexdigest() in stored
    assert secret not in repr(made)
    assert (await _made(pool, "other"))[1] != text


async def test_a_token_stands_for_its_role(pool: Database) -> None:
    for role in Role:
        made, text = await _made(pool, role.value, role)
        visitor = await _recognised(pool, text)
        assert (visitor.role, visitor.token_id, visitor.shops, visitor.sees(77)) == (role, made.token_id, None, True)


@pytest.mark.parametrize("change", [lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"), str.upper, lambda text: text + "A"])
async def test_what_differs_in_one_letter_is_nobody(pool: Database, change: Any) -> None:
    _, text = await _made(pool)
    assert await _recognised(pool, change(text)) is None
    assert await value(pool, "SELECT last_used_at FROM mpsync.access_tokens") is None


@pytest.mark.parametrize("text", ["", "mps_", "mps_000000000000_" + "A" * 43, "x" * 100_000, "mps_\x00", "mps_0_' OR 1=1 --"])
async def test_an_unknown_token_is_nobody(pool: Database, text: str) -> None:
    await _made(pool)
    assert await _recognised(pool, text) is None


async def test_a_bound_token_sees_its_shops_and_those_its_customers_get_later(pool: Database) -> None:
    north, south = await add_shop(pool, "north", customer="Flax"), await add_shop(pool, "south", customer="Wool")
    east = await add_shop(pool, "east", customer="Wool")
    async with pool.connection() as connection:
        flax = await customers.find(connection, "Flax")
    _, by_customer = await _made(pool, "a", customers=[flax.customer_id])
    _, by_shop = await _made(pool, "b", shops=[south.shop_id])
    _, by_both = await _made(pool, "c", customers=[flax.customer_id], shops=[south.shop_id])
    later = await add_shop(pool, "later", customer="Flax")
    assert (await _recognised(pool, by_customer)).shops == {north.shop_id, later.shop_id}
    assert (await _recognised(pool, by_customer)).customers == {flax.customer_id}
    assert (await _recognised(pool, by_shop)).shops == {south.shop_id}
    assert (await _recognised(pool, by_both)).shops == {north.shop_id, later.shop_id, south.shop_id}
    assert not (await _recognised(pool, by_both)).sees(east.shop_id)


async def test_a_token_whose_shops_are_gone_sees_nothing(pool: Database) -> None:
    shop = await add_shop(pool)
    _, text = await _made(pool, shops=[shop.shop_id])
    await execute(pool, "DELETE FROM mpsync.shops")
    visitor = await _recognised(pool, text)
    assert visitor.shops == frozenset()
    assert not visitor.sees(shop.shop_id)


async def test_a_revoked_token_ends_at_once_and_its_name_is_free(pool: Database) -> None:
    made, text = await _made(pool)
    async with pool.connection() as connection:
        with pytest.raises(Refused, match="access token 'grafana' already"):
            await access.create(connection, name=" grafana ", role=Role.ADMIN)
        with pytest.raises(NotThere, match="Did you mean 'grafana'"):
            await access.revoke(connection, "graphana")
        assert (await access.revoke(connection, made.token_id)).state == "revoked"
        with pytest.raises(NotThere):
            await access.revoke(connection, "grafana")
    assert await _recognised(pool, text) is None
    _, again = await _made(pool)
    assert (await _recognised(pool, again)).role is Role.VIEWER
    async with pool.connection() as connection:
        assert [token.state for token in await access.list_tokens(connection)] == ["revoked", "good"]


async def test_a_token_ends_at_its_time(pool: Database) -> None:
    now = await value(pool, "SELECT now()")
    _, text = await _made(pool, expires_at=now + HOUR)
    assert await _recognised(pool, text) is not None
    await execute(pool, "UPDATE mpsync.access_tokens SET expires_at = now() - interval '1 second'")
    assert await _recognised(pool, text) is None
    async with pool.connection() as connection:
        [token] = await access.list_tokens(connection)
    assert token.state == "expired"
    with pytest.raises(Refused, match="expired already"):
        await _made(pool, "late", expires_at=now - HOUR)
    assert await value(pool, "SELECT count(*) FROM mpsync.access_tokens") == 1


async def test_a_token_needs_a_name(pool: Database) -> None:
    with pytest.raises(Refused, match="needs a name"):
        await _made(pool, " ")


async def test_its_use_is_noted_at_most_once_a_minute(pool: Database) -> None:
    _, text = await _made(pool)
    await _recognised(pool, text)
    first = await value(pool, "SELECT last_used_at FROM mpsync.access_tokens")
    version = "SELECT xmin::text || ctid::text FROM mpsync.access_tokens"
    assert first is not None
    row = await value(pool, version)
    await _recognised(pool, text)
    assert await value(pool, version) == row
    await execute(pool, "UPDATE mpsync.access_tokens SET last_used_at = now() - interval '61 seconds'")
    await _recognised(pool, text)
    assert await value(pool, "SELECT last_used_at > now() - interval '30 seconds' FROM mpsync.access_tokens")


async def test_customers_are_listed_with_their_shops(pool: Database) -> None:
    await add_shop(pool, "north", customer="Flax")
    await add_shop(pool, "south", customer="Flax")
    async with pool.connection() as connection:
        off = await customers.set_enabled(connection, "Flax", enabled=False)
        assert (off.enabled, off.shops) == (False, 2)
        assert [(each.name, each.enabled, each.shops) for each in await customers.list_customers(connection)] == [
            ("default", True, 0),
            ("Flax", False, 2),
        ]
    with pytest.raises(Refused, match=r"'Flax' is switched off; .*customers on 'Flax'"):
        await add_shop(pool, "east", customer="Flax")
    assert await value(pool, "SELECT count(*) FROM mpsync.shops") == 2
