"""A vendor that sends webhooks, played in memory: things with a version, in groups, read again one by one or by group."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from mpsyncd.engine.webhooks import Listening, Webhooks
from mpsyncd.model.clock import SystemClock
from mpsyncd.model.errors import NotFound
from mpsyncd.model.page import Page
from mpsyncd.model.request import Document
from mpsyncd.model.stream import Again, Stream, Table
from mpsyncd.model.webhook import Received, Touch
from mpsyncd.storage.deliveries import PostgresInbox
from mpsyncd.storage.pool import Database
from support.documents import PiecedRows, stream
from support.storage import ONE

THINGS = Table(name="lab.things", key=("id",), guard="version")
PAIRS = Table(name="lab.pairs", key=("day", "code"))
BINS = Table(name="lab.bins", key=("id",))


@dataclass
class Vendor:
    """What there is now. `errors` are raised by the next reads; `gate` holds every read until it is set."""

    things: dict[int, Document] = field(default_factory=dict)
    pairs: list[Document] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    reads: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    closed: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    async def thing(self, _api: object, key: tuple[Any, ...]) -> AsyncIterator[Page]:
        asked_at = await self._asked("things", key)
        if key[0] not in self.things:
            raise NotFound("it is gone", status=404)
        yield Page(rows=PiecedRows([dict(self.things[key[0]])]), cursor=None, last=True, asked_at=asked_at)

    async def group(self, _api: object, key: tuple[Any, ...]) -> AsyncIterator[Page]:
        asked_at = await self._asked("pairs", key)
        rows = [dict(pair) for pair in self.pairs if pair["code"] == key[0]]
        yield Page(rows=PiecedRows(list(rows)), cursor=None, last=True, asked_at=asked_at)

    async def _asked(self, name: str, key: tuple[Any, ...]) -> Any:
        self.reads.append((name, key))
        asked_at = SystemClock().now()
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        return asked_at

    @property
    def streams(self) -> dict[str, Stream]:
        things = replace(stream(THINGS), name="things", again=Again(by=("id",), read=self.thing))
        pairs = replace(stream(PAIRS), name="pairs", again=Again(by=("code",), read=self.group))
        return {each.name: each for each in (things, pairs, replace(stream(BINS), name="bins"))}


def receive(body: Document) -> Received | None:
    """{"event": "things", "key": [1]}: the stream and the key; "both" touches a thing and a group."""
    event = body["event"]
    if event == "both":
        touches = (Touch(stream="things", key=tuple(body["thing"])), Touch(stream="pairs", key=tuple(body["pair"])))
        return Received(event=event, touches=touches)
    if event not in {"things", "pairs", "bins"}:
        return None
    return Received(event=event, touches=(Touch(stream=event, key=tuple(body.get("key", ()))),))


def about(event: str, *key: Any, **more: Any) -> bytes:
    """A body that `receive` understands."""
    return json.dumps({"event": event, "key": list(key), **more}).encode()


@asynccontextmanager
async def processing(pool: Database, vendor: Vendor) -> AsyncIterator[Webhooks]:
    """The processing of one daemon, until the end of the block."""

    @asynccontextmanager
    async def connect(shop: object) -> AsyncIterator[Any]:  # noqa: ARG001
        yield object()

    streams = vendor.streams
    inbox = PostgresInbox(pool, control=pool, streams=list(streams.values()))
    sources = {"wildberries": Listening(receive=receive, streams=streams)}
    webhooks = Webhooks(daemon=ONE, sources=sources, inbox=inbox, connect=connect, clock=SystemClock())
    task = asyncio.create_task(webhooks.run())
    try:
        yield webhooks
    finally:
        task.cancel()
        await asyncio.wait({task})
