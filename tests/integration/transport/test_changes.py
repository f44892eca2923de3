"""What changes while attempts are under way: keys, proxies, authorities, options. Requests in hand end as they began."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mpsyncd.model.clock import SystemClock
from mpsyncd.model.errors import ConfigError, Transient
from mpsyncd.model.rate import Rate
from mpsyncd.model.request import Api
from mpsyncd.model.source import Key
from mpsyncd.model.stream import Lane
from mpsyncd.transport import LimitOverride, MemoryLedger, SourceOptions, Transport, TransportOptions
from support.transport import acme, get, identity
from support.vendor import Asked, answer, vendor

FAST = Rate(name="fast", limit=1000, per=timedelta(seconds=1), burst=100)
SLOW = Rate(name="slow", limit=1, per=timedelta(hours=1))
FIRST = Key(credentials={"token": "first-key"}, identity=identity())
SECOND = Key(credentials={"token": "second-key"}, identity=identity(variant="service"))


class Lock:
    """Where a shop's key is looked up."""

    def __init__(self) -> None:
        self.key = FIRST

    def __call__(self) -> Key:
        return self.key


def options(url: str, **changes: Any) -> TransportOptions:
    source = {"base_url": url} | changes.pop("source", {})
    return TransportOptions(sources={"acme": SourceOptions(**source)}, retry_base=timedelta(milliseconds=10), **changes)


@asynccontextmanager
async def transports(given: TransportOptions) -> AsyncIterator[Transport]:
    async with Transport(given, SystemClock(), MemoryLedger(), Random(1)) as transport:
        yield transport


def opened(transport: Transport, *rates: Rate, key: Lock | None = None) -> AbstractAsyncContextManager[Api]:
    return transport.open(
        acme(*rates or (FAST,)), shop_id=3, key=key or Lock(), lane=Lane.LIVE, manual=False, reason=lambda _reason, _until: None
    )


async def sent(api: Api, **fields: Any) -> None:
    answered = await api.send(get(**fields))
    await answered.rows.close()


async def _nothing(_asked: Asked) -> bytes:
    return answer([])


async def test_the_next_request_has_the_new_key() -> None:
    lock = Lock()
    async with vendor(_nothing) as there, transports(options(there.url)) as transport, opened(transport, key=lock) as api:
        await sent(api)
        lock.key = SECOND
        await sent(api)
        assert [asked.headers["authorization"] for asked in there.asked] == ["first-key", "second-key"]


async def test_a_try_again_has_the_new_key() -> None:
    lock = Lock()

    async def failing(asked: Asked) -> bytes:
        if asked.headers["authorization"] == "first-key":
            lock.key = SECOND
            return answer([], status=500)
        return answer([])

    async with vendor(failing) as there, transports(options(there.url)) as transport, opened(transport, key=lock) as api:
        await sent(api)
        assert [asked.headers["authorization"] for asked in there.asked] == ["first-key", "second-key"]


async def test_who_waits_for_a_limit_goes_with_the_new_key_and_its_limits() -> None:
    """The limits of the old key were waited for; those of the new one, of another type, are another budget."""
    lock = Lock()
    patient = {"patience": timedelta(hours=2)}
    async with vendor(_nothing) as there, transports(options(there.url, **patient)) as transport, opened(transport, SLOW, key=lock) as api:
        await sent(api, limits=("slow",))
        waiting = asyncio.create_task(sent(api, limits=("slow",)))
        await asyncio.sleep(0)
        lock.key = SECOND
        (await transport.prepare(options(there.url, source={"limits": {"slow": LimitOverride(limit=36_000)}}, **patient)))()
        await waiting
        assert [asked.headers["authorization"] for asked in there.asked] == ["first-key", "second-key"]
        assert {budget.variant for budget in transport.budgets()} == {"personal", "service"}


async def test_requests_in_hand_end_on_their_old_connections() -> None:
    held, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(asked: Asked) -> bytes:
        if asked.target == "/slow":
            held.set()
            await go_on.wait()
        return answer([])

    async with vendor(slowly) as there, transports(options(there.url)) as transport, opened(transport) as api:
        slow = asyncio.create_task(sent(api, path="/slow"))
        await held.wait()
        commit = await transport.prepare(options(there.url, read_timeout=timedelta(seconds=7)))
        commit()
        await sent(api, path="/new")
        assert not slow.done()
        go_on.set()
        await slow
        assert [asked.target for asked in there.asked] == ["/slow", "/new"]


async def test_a_proxy_takes_effect_for_the_next_request_of_an_attempt() -> None:
    async with vendor(_nothing) as there, vendor(_nothing) as proxy, transports(options(there.url)) as transport:
        async with opened(transport) as api:
            await sent(api)
            (await transport.prepare(options(there.url, source={"proxy": proxy.url})))()
            await sent(api)
        assert (len(there.asked), len(proxy.asked)) == (1, 1)
        assert proxy.asked[0].target.startswith("http://")


async def test_what_can_not_be_prepared_changes_nothing(tmp_path: Path) -> None:
    async with vendor(_nothing) as there, transports(options(there.url)) as transport, opened(transport) as api:
        with pytest.raises(ConfigError, match="ca_bundle of acme"):
            await transport.prepare(options("http://127.0.0.1:1", source={"ca_bundle": tmp_path / "nowhere.pem"}))
        await sent(api)
        assert len(there.asked) == 1


async def test_a_preparation_that_is_given_up_changes_nothing() -> None:
    async with vendor(_nothing) as there, transports(options(there.url)) as transport, opened(transport) as api:
        await transport.prepare(options("http://127.0.0.1:1"))
        await sent(api)
        assert len(there.asked) == 1


async def test_fewer_tries_count_for_an_attempt_under_way() -> None:
    async def broken(_asked: Asked) -> bytes:
        return answer([], status=500)

    async with vendor(broken) as there, transports(options(there.url)) as transport, opened(transport) as api:
        (await transport.prepare(options(there.url, tries=2)))()
        with pytest.raises(Transient):
            await sent(api)
        assert len(there.asked) == 2
