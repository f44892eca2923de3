"""Deliveries through a real server into a real database: whose they are, what is kept, what is sent away, what is never told."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import structlog

from mpsyncd.daemon import webhooks as daemon_webhooks
from mpsyncd.daemon.webhooks import Intake
from mpsyncd.logs import logging_to
from mpsyncd.model.errors import Refused
from mpsyncd.model.shop import Shop
from mpsyncd.settings import HttpSettings, LogSettings
from mpsyncd.storage import webhooks
from mpsyncd.storage.pool import Database, open_database
from mpsyncd.web import build_app, serving
from mpsyncd.web.needs import LONGEST_DELIVERY
from mpsyncd.web.tries import BURST
from support.overview import ports
from support.storage import KEYRING, add_shop, execute, value

SECRET = "c3VjaCBhIHNlY3JldCBuZXZlciBpcyBsb2dnZWQ"
STRANGER = {"X-Forwarded-For": "203.0.113.9", "Host": "hooks.example"}


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Database]:
    async with open_database(database) as opened:
        yield opened


@pytest.fixture
async def shop(pool: Database) -> Shop:
    shop = await add_shop(pool)
    await _set(pool, shop, SECRET)
    return shop


@pytest.fixture
async def intake(pool: Database) -> AsyncIterator[Intake]:
    async with Intake(pool, taken=lambda _: None) as opened:
        yield opened


@pytest.fixture
async def client(intake: Intake) -> AsyncIterator[aiohttp.ClientSession]:
    app = build_app(replace(ports(), webhooks=intake), HttpSettings())
    async with serving(app, HttpSettings(port=0)) as url, aiohttp.ClientSession(url, headers=STRANGER) as session:
        yield session


@pytest.fixture
def told() -> Iterator[io.StringIO]:
    """Everything that is logged, on the most talkative level."""
    stream = io.StringIO()
    with logging_to(LogSettings(level="debug", format="json"), stream=stream):
        yield stream


async def _set(pool: Database, shop: Shop, secret: str) -> None:
    async with pool.connection() as connection:
        await webhooks.set_secret(connection, KEYRING, shop.shop_id, secret)


async def _sent(client: aiohttp.ClientSession, body: Any = b"{}", path: str = f"wildberries/{SECRET}", **more: Any) -> tuple[int, Any]:
    given = io.BytesIO(body) if isinstance(body, bytes) else body
    async with client.post(f"/api/webhooks/{path}", data=given, **more) as answer:
        return answer.status, json.loads(await answer.read())


async def _kept(pool: Database) -> list[tuple[Any, ...]]:
    async with pool.connection() as connection:
        return [
            tuple(row) for row in await connection.fetch("SELECT shop_id, body, state FROM mpsync.webhook_deliveries ORDER BY delivery_id")
        ]


@pytest.mark.parametrize(
    "path, headers",
    [
        (f"wildberries/{SECRET}", {}),
        (f"wildberries?secret={SECRET}", {}),
        ("wildberries", {"X-Webhook-Secret": SECRET}),
    ],
)
async def test_the_secret_may_stand_in_three_places(
    pool: Database, shop: Shop, client: aiohttp.ClientSession, path: str, headers: Any
) -> None:
    status, told = await _sent(client, b'{"event": "x"}', path, headers=headers)
    assert status == 200
    assert await value(pool, "SELECT max(delivery_id) FROM mpsync.webhook_deliveries") == told["delivery_id"]
    assert await _kept(pool) == [(shop.shop_id, b'{"event": "x"}', "pending")]


@pytest.mark.parametrize("body", [b"", b"no json", b"\x00\xff{", b'{"event": "\\u0000"}', b"x" * LONGEST_DELIVERY])
async def test_whatever_comes_is_kept_to_the_byte(pool: Database, shop: Shop, client: aiohttp.ClientSession, body: bytes) -> None:
    assert (await _sent(client, body))[0] == 200
    assert await _kept(pool) == [(shop.shop_id, body, "pending")]


async def test_a_body_that_is_too_long_is_refused_said_or_unsaid(pool: Database, shop: Shop, client: aiohttp.ClientSession) -> None:
    async def drops() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b"x" * 16_384

    assert (await _sent(client, b"x" * (LONGEST_DELIVERY + 1)))[0] == 413
    assert (await _sent(client, drops()))[0] == 413
    assert await _kept(pool) == []
    assert shop.works


@pytest.mark.parametrize("path", ["wildberries/wrong", "wildberries", "wildberries?secret=", f"kaiten/{SECRET}", "wildberries/%00%ff"])
async def test_a_wrong_secret_is_401_and_keeps_nothing(pool: Database, shop: Shop, client: aiohttp.ClientSession, path: str) -> None:
    assert (await _sent(client, b"{}", path))[0] == 401
    assert await _kept(pool) == []
    assert shop.works


async def test_who_guesses_has_to_wait_and_the_right_secret_does_not(shop: Shop, client: aiohttp.ClientSession) -> None:
    assert (await _sent(client))[0] == 200
    statuses = [(await _sent(client, b"{}", f"wildberries/guess-{number}"))[0] for number in range(BURST + 2)]
    assert statuses == [401] * BURST + [429] * 2
    assert (await _sent(client))[0] == 200
    assert shop.works


async def test_a_rotated_secret_ends_at_the_next_nudge(pool: Database, shop: Shop, intake: Intake, client: aiohttp.ClientSession) -> None:
    assert (await _sent(client))[0] == 200
    async with pool.connection() as connection:
        renewed = await webhooks.renew_secret(connection, KEYRING, shop.shop_id)
        assert await webhooks.secret_of(connection, KEYRING, shop.shop_id) == renewed
    intake.forget()
    assert (await _sent(client))[0] == 401
    assert (await _sent(client, b"{}", f"wildberries/{renewed}"))[0] == 200


async def test_each_shop_has_its_own(pool: Database, shop: Shop, client: aiohttp.ClientSession) -> None:
    other = await add_shop(pool, "south")
    await _set(pool, other, "another")
    await asyncio.gather(*(_sent(client, b"%d" % n, f"wildberries/{SECRET if n % 2 else 'another'}") for n in range(40)))
    kept = await _kept(pool)
    assert sorted(int(body) for _, body, _ in kept) == list(range(40))
    assert {(shop_id, int(body) % 2) for shop_id, body, _ in kept} == {(shop.shop_id, 1), (other.shop_id, 0)}
    async with pool.connection() as connection:
        with pytest.raises(Refused, match="Another shop"):
            await webhooks.set_secret(connection, KEYRING, other.shop_id, SECRET)


async def test_many_at_once_share_a_commit(pool: Database, shop: Shop, intake: Intake) -> None:
    numbers = await asyncio.gather(*(intake.keep(shop.shop_id, b"%d" % n) for n in range(300)))
    kept = await _kept(pool)
    assert [body for _, body, _ in kept] == [b"%d" % n for n in range(300)]
    assert numbers == sorted(filter(None, numbers))
    assert await value(pool, "SELECT count(DISTINCT xmin::text) FROM mpsync.webhook_deliveries") == 1


async def test_a_line_that_is_full_sends_away(
    pool: Database, shop: Shop, intake: Intake, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon_webhooks, "LONGEST_LINE", 0)
    async with client.post(f"/api/webhooks/wildberries/{SECRET}", data=b"{}") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert await _kept(pool) == []
    assert {(sample.name, sample.value, *sample.labels.values()) for sample in intake.samples()} == {
        ("mpsyncd_webhook_refused_total", 1, "full")
    }
    assert shop.works


async def test_without_a_database_nothing_is_promised(pool: Database, shop: Shop, client: aiohttp.ClientSession) -> None:
    assert (await _sent(client))[0] == 200
    await pool._pool.close()
    async with client.post(f"/api/webhooks/wildberries/{SECRET}", data=b"{}") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert shop.works


async def test_a_delivery_is_durable_whatever_the_server_is_set_to(pool: Database, shop: Shop, intake: Intake) -> None:
    """The tests' server runs with synchronous_commit off; the transaction of a delivery says otherwise for itself."""
    await execute(
        pool,
        """
        CREATE TABLE seen (told text);
        CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$;
        CREATE TRIGGER look BEFORE INSERT ON mpsync.webhook_deliveries FOR EACH ROW EXECUTE FUNCTION look();
        """,
    )
    await intake.keep(shop.shop_id, b"{}")
    assert await value(pool, "SELECT told FROM seen") == "on"
    assert await value(pool, "SELECT current_setting('synchronous_commit')") == "off"


async def test_the_secret_is_neither_logged_nor_repeated(
    told: io.StringIO, shop: Shop, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "d3JvbmcgYW5kIG5vdCBmb3IgdGhlIGxvZyBlaXRoZXI"
    answers = [
        await _sent(client, b"{}", path, headers=headers)
        for given in (SECRET, wrong)
        for path, headers in (
            (f"wildberries/{given}", {}),
            (f"wildberries?secret={given}", {}),
            ("wildberries", {"X-Webhook-Secret": given}),
        )
    ]

    async def breaks(*_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(Intake, "keep", breaks)
    answers.append(await _sent(client))
    answers += [await _sent(client, b"x" * (LONGEST_DELIVERY + 1)), await _sent(client, b"{}", f"wildberries/{SECRET}/more")]
    assert [status for status, _ in answers] == [200] * 3 + [401] * 3 + [500, 413, 404]
    structlog.get_logger("test").info("flushed")
    logged = told.getvalue()
    assert "webhook_refused" in logged
    assert "http_failed" in logged
    for secret in (SECRET, wrong):
        assert secret not in logged
        assert secret not in str(answers)
    assert shop.works
