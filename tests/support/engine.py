"""A small engine around the fake store: streams that read scripted pages, under a virtual clock."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any
from uuid import UUID

from mpsyncd.engine.activity import Activity
from mpsyncd.engine.dispatcher import Dispatcher, Posting
from mpsyncd.engine.judge import Patience
from mpsyncd.engine.runner import Tools
from mpsyncd.engine.schedule import Timetable
from mpsyncd.model.page import Page
from mpsyncd.model.schedule import Schedule
from mpsyncd.model.stream import Stream, Table
from support.fake_store import FakeStore
from support.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DAEMON = UUID(int=7)
ZONE = timezone(timedelta(hours=3))


@dataclass
class ListedRows:
    """Rows from a list, in one piece; `closed` counts how often they were let go."""

    rows: list[dict[str, Any]]
    closed: int = 0

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def last(self) -> dict[str, Any] | None:
        return self.rows[-1] if self.rows else None

    async def pieces(self) -> AsyncIterator[list[dict[str, Any]]]:
        yield self.rows

    async def close(self) -> None:
        self.closed += 1


@dataclass
class Script:
    """What a stream's `read` does: pages of n rows, exceptions, or awaitables, in turn; each read starts behind its cursor."""

    pages: list[Any]
    asked: list[Any] = field(default_factory=list)
    made: list[ListedRows] = field(default_factory=list)
    clock: VirtualClock | None = None

    async def read(self, api: Any, part: Any) -> AsyncIterator[Page]:  # noqa: ARG002
        first = int(part.cursor["n"]) if part.cursor else 0
        for number in range(first, len(self.pages)):
            step = self.pages[number]
            self.asked.append((part.kind.value, number))
            if isinstance(step, list):  # errors to raise once each, before the page
                if step:
                    raise step.pop(0)
                step = 1
            if callable(step):
                step = await step()
            rows = ListedRows([{"n": number * 100 + i} for i in range(step)])
            self.made.append(rows)
            yield Page(rows=rows, cursor={"n": number + 1}, last=number == len(self.pages) - 1, asked_at=part.now)


def make_stream(script: Script, **changes: Any) -> Stream:
    values: dict[str, Any] = {
        "name": "things",
        "tables": (Table(name="testing.things", key=("n",)),),
        "read": script.read,
        "schedule": "frequent",
    }
    return Stream(**values | changes)


@dataclass
class Bench:
    """A dispatcher with everything it needs."""

    clock: VirtualClock
    store: FakeStore
    dispatcher: Dispatcher
    tools: Tools
    refusal: str | None = None
    nudges: int = 0
    connects: list[tuple[int, bool]] = field(default_factory=list)

    async def tick(self) -> Any:
        due = await self.dispatcher.tick()
        await self.clock.settle()
        return due


def make_bench(*streams: Stream, shops: list[Any], pace: timedelta = timedelta(0), **changes: Any) -> Bench:
    clock = VirtualClock()
    store = FakeStore(daemon=DAEMON, known=shops)
    bench: Bench

    @asynccontextmanager
    async def connect(shop: Any, *, lane: Any, manual: bool, reason: Any) -> AsyncIterator[Any]:  # noqa: ARG001
        bench.connects.append((shop.shop_id, manual))
        yield object()

    async def doctor(shop: Any) -> str | None:  # noqa: ARG001
        return bench.refusal

    def nudge() -> None:
        bench.nudges += 1

    schedules = {"frequent": Schedule(every=timedelta(minutes=30)), "daily": Schedule(cron="0 3 * * *")}
    values: dict[str, Any] = {
        "store": store,
        "connect": connect,
        "doctor": doctor,
        "pace": lambda shop, stream: pace,  # noqa: ARG005
        "rates": lambda shop: {},  # noqa: ARG005
        "timetable": Timetable(schedules),
        "clock": clock,
        "activity": Activity(clock),
        "patience": Patience(),
        "deadline": timedelta(minutes=15),
        "sweep_share": 0.5,
        "seats": asyncio.Semaphore(8),
    }
    tools = Tools(**values | changes)
    posting = Posting(
        daemon=DAEMON,
        lease_ttl=timedelta(seconds=30),
        streams={"testing": {stream.name: stream for stream in streams}},
        zones={"testing": ZONE},
    )
    bench = Bench(clock=clock, store=store, dispatcher=Dispatcher(posting, tools, nudge=nudge), tools=tools)
    return bench
