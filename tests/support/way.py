"""The way out over real sockets to a vendor on loopback, for tests of the transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Any

from mpsyncd.model.clock import SystemClock
from mpsyncd.model.rate import Rate
from mpsyncd.model.request import Api, Request, Row
from mpsyncd.model.source import Key
from mpsyncd.model.stream import Lane
from mpsyncd.transport import MemoryLedger, SourceOptions, Transport, TransportOptions
from support.transport import KEY, acme, identity
from support.vendor import Answering, Asked

QUICK = {"retry_base": timedelta(milliseconds=10), "retry_cap": timedelta(milliseconds=50), "read_timeout": timedelta(seconds=5)}
FAST = Rate(name="fast", limit=1000, per=timedelta(seconds=1), burst=100)


class Way:
    """An open Api with what it told."""

    def __init__(self, api: Api, transport: Transport, told: list[str | None]) -> None:
        self.api = api
        self.transport = transport
        self.told = told

    async def rows(self, request: Request) -> list[Row]:
        answered = await self.api.send(request)
        rows = [row async for piece in answered.rows.pieces() for row in piece]
        await answered.rows.close()
        return rows


@asynccontextmanager
async def way(url: str, *rates: Rate, ledger: MemoryLedger | None = None, **options: Any) -> AsyncIterator[Way]:
    told: list[str | None] = []
    settings = TransportOptions(**{"sources": {"acme": SourceOptions(base_url=url)}, **QUICK, **options})
    async with (
        Transport(settings, SystemClock(), ledger or MemoryLedger(), Random(1)) as transport,
        opening(transport, *rates, told=told) as api,
    ):
        yield Way(api, transport, told)


def opening(
    transport: Transport, *rates: Rate, told: list[str | None] | None = None, shop: int = 3, key: Callable[[], Key] | None = None
) -> AbstractAsyncContextManager[Api]:
    first = Key(credentials={"token": f"{KEY}-{shop}"}, identity=identity())
    return transport.open(
        acme(*rates or (FAST,)),
        shop_id=shop,
        key=key or (lambda: first),
        lane=Lane.LIVE,
        manual=False,
        reason=lambda reason, _until: told.append(reason) if told is not None else None,
    )


def always(text: bytes) -> Answering:
    async def answering(asked: Asked) -> bytes:
        _ = asked
        return text

    return answering


def in_turn(*texts: bytes) -> Answering:
    """One answer after the other, the last one for ever."""
    left = list(texts)

    async def answering(asked: Asked) -> bytes:
        _ = asked
        return left.pop(0) if len(left) > 1 else left[0]

    return answering
