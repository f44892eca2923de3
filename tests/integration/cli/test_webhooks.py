"""`webhooks`: addresses and deliveries, without a daemon."""

import asyncio
from urllib.parse import urlsplit

import pytest

from mpsyncd.cli.neighbour import Neighbour
from mpsyncd.model.rate import Scope
from mpsyncd.model.source import Identity
from mpsyncd.storage import webhooks
from mpsyncd.storage.pool import open_database
from support.cli import Cli
from support.storage import add_shop, execute

PUBLIC = "https://hooks.example/sync"


@pytest.fixture
def shop(cli: Cli, empty_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A shop at Kaiten, with a base for its address."""
    monkeypatch.setenv("MPSYNCD_HTTP__PUBLIC_URL", f"{PUBLIC}/")
    assert cli("migrate").code == 0

    async def add() -> None:
        async with open_database(empty_database) as pool:
            told = Identity(scopes={Scope.TOKEN: "t"}, variant="", lease_group="kaiten:t")
            await add_shop(pool, "company", source="kaiten", identity=told, secrets={"api_token": "t"})
            await execute(pool, "DELETE FROM mpsync.shop_secrets")  # sealed with another key than the commands have

    asyncio.run(add())
    return "company"


def _deliver(dsn: str, *bodies: bytes) -> None:
    async def deliver() -> None:
        async with open_database(dsn) as pool:
            async with pool.connection() as connection:
                await webhooks.keep(connection, [(1, body) for body in bodies])
            await execute(pool, "UPDATE mpsync.webhook_deliveries SET state = 'unknown', event = 'odd', error = 'nobody knows this event'")

    asyncio.run(deliver())


def test_the_address_stays_until_it_is_rotated(cli: Cli, shop: str) -> None:
    first = cli("webhooks", "url", shop)
    assert (first.code, len(first.out.splitlines())) == (0, 1)
    assert first.out.startswith(f"{PUBLIC}/api/webhooks/kaiten/")
    assert len(urlsplit(first.out.strip()).path.rpartition("/")[2]) == 43
    assert cli("webhooks", "url", shop, "--json").json == {"url": first.out.strip()}
    second = cli("webhooks", "rotate", shop)
    assert (second.code, second.out != first.out) == (0, True)
    assert cli("webhooks", "url", shop).out == second.out


def test_without_a_public_address_it_says_what_to_set(cli: Cli, shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MPSYNCD_HTTP__PUBLIC_URL")
    for command in ("url", "rotate"):
        refused = cli("webhooks", command, shop)
        assert (refused.code, refused.out) == (1, "")
        assert "[http] public_url" in refused.err


def test_deliveries_are_listed_newest_first(cli: Cli, shop: str, empty_database: str) -> None:
    assert "No delivery" in cli("webhooks", "list", shop).out
    _deliver(empty_database, b"{}", b"[]")
    shown = cli("webhooks", "list", shop).out
    assert shown.splitlines()[1].split()[0] == "2"
    for words in ("odd", "unknown", "nobody knows"):
        assert words in shown
    assert max(map(len, shown.splitlines())) <= 80
    listed = cli("webhooks", "list", shop, "--json").json
    assert [(each["delivery_id"], each["state"], each["bytes"]) for each in listed] == [(2, "unknown", 2), (1, "unknown", 2)]


def test_a_test_that_reaches_nobody_says_so(cli: Cli, shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = cli("webhooks", "test", shop)
    assert (nowhere.code, "[http] port = 0" in nowhere.err) == (1, True)
    monkeypatch.setenv("MPSYNCD_HTTP__PORT", "1")
    nobody = cli("webhooks", "test", shop)
    assert (nobody.code, "did not reach http://127.0.0.1:1" in nobody.err) == (1, True)


def test_a_shop_whose_vendor_sends_none_has_no_address(cli: Cli, shop: str, neighbour: Neighbour) -> None:
    token = neighbour.shops[0].token
    assert cli("shops", "add", "wildberries", "--name", "seller", "--token-file", "-", stdin=token).code == 0
    refused = cli("webhooks", "url", "seller")
    assert (refused.code, "sends no webhooks" in refused.err) == (1, True)
    assert cli("webhooks", "url", shop).code == 0


def test_a_public_address_is_one(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPSYNCD_HTTP__PUBLIC_URL", "hooks.example")
    refused = cli("check-config")
    assert (refused.code, "begins with https://" in refused.err) == (78, True)
