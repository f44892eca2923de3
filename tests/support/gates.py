"""A limiter with people who ask it, in virtual time; shared by the tests of gates."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from mpsyncd.model.errors import RateLimited
from mpsyncd.model.rate import Rate, Scope
from mpsyncd.model.source import Identity
from mpsyncd.transport.grant import Grant
from mpsyncd.transport.ledger import MemoryLedger
from mpsyncd.transport.limiter import Limiter
from mpsyncd.transport.options import TransportOptions
from mpsyncd.transport.refusals import refuse
from mpsyncd.transport.ticket import Priority
from mpsyncd.transport.waiting import Visitor
from support.transport import LoopClock, acme, get, identity

ONCE = Rate(name="once", limit=1, per=timedelta(seconds=5))
MINUTE = Rate(name="minute", limit=1, per=timedelta(minutes=1))
FAST = Rate(name="fast", limit=10, per=timedelta(seconds=1), burst=5)


class World:
    """A limiter with people who ask it."""

    def __init__(self, *rates: Rate, ledger: MemoryLedger | None = None, **options: Any) -> None:
        self.rates = rates
        self.ledger = ledger or MemoryLedger()
        self.clock = LoopClock()
        self.limiter = Limiter(TransportOptions(**options), clock=self.clock, ledger=self.ledger)
        self.told: list[tuple[str | None, datetime | None]] = []
        self.gone: list[tuple[str, float]] = []

    def visitor(self, priority: Priority = Priority.LIVE, who: Identity | None = None, shop_id: int = 3) -> Visitor:
        return Visitor(
            source=acme(*self.rates),
            shop_id=shop_id,
            identity=who or identity(),
            credentials=dict,
            priority=priority,
            rates={rate.name: rate for rate in self.rates},
            tell=lambda reason, until: self.told.append((reason, until)),
        )

    async def ask(self, name: str = "", *, limits: tuple[str, ...], visitor: Visitor | None = None) -> Grant:
        visitor = visitor or self.visitor()
        grant = await self.limiter.acquire(self.limiter.ticket(get(limits=limits), visitor), visitor)
        self.gone.append((name, round(self.clock.monotonic(), 1)))
        return grant

    def later(self, name: str, priority: Priority = Priority.LIVE, *, limits: tuple[str, ...] = ("once",)) -> asyncio.Task[Grant]:
        return asyncio.create_task(self.ask(name, limits=limits, visitor=self.visitor(priority)))


def refused(seconds: float, scope: Scope | None = None) -> RateLimited:
    return RateLimited("too many", retry_after=timedelta(seconds=seconds), scope=scope)


async def refusal(world: World, grant: Grant, error: RateLimited, visitor: Visitor | None = None) -> None:
    await refuse(world.limiter, grant, visitor or world.visitor(), error, scale=1)
