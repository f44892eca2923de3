"""The one way out: opens an `Api` for a feed's attempt and tells what is left of the limits. Keeps no key beyond one request."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from mpsyncd.model.rate import Rate, Scope
from mpsyncd.transport.api import SourceApi
from mpsyncd.transport.budgets import Budget, budget
from mpsyncd.transport.lender import Lender
from mpsyncd.transport.limiter import Limiter
from mpsyncd.transport.ticket import priority
from mpsyncd.transport.tuning import tuned
from mpsyncd.transport.waiting import Visitor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from random import Random
    from types import TracebackType

    from mpsyncd.model.clock import Clock
    from mpsyncd.model.request import Api
    from mpsyncd.model.source import Identity, Key, Source
    from mpsyncd.model.stream import Lane
    from mpsyncd.transport.ledger import Ledger
    from mpsyncd.transport.options import TransportOptions
    from mpsyncd.transport.waiting import Tell


class Transport:
    """Sessions, gates and retries of one process; use it as an async context manager."""

    def __init__(self, options: TransportOptions, clock: Clock, ledger: Ledger, random: Random) -> None:
        self._options = options
        self._clock = clock
        self._random = random
        self._limiter = Limiter(options, clock=clock, ledger=ledger)
        self._lender = Lender(options)
        self._tenants: Counter[tuple[str, str]] = Counter()

    async def __aenter__(self) -> Self:
        """Raises ConfigError when a CA bundle can not be read."""
        await self._lender.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Write the gates' state down and close every connection; StorageUnavailable leaves the gates to a cautious next start."""
        try:
            await self._limiter.close()
        finally:
            await self._lender.__aexit__(kind, error, trace)

    async def prepare(self, options: TransportOptions) -> Callable[[], None]:
        """Return what makes these options take effect, for requests that are under way from their next try on.

        Raises:
            ConfigError: a CA bundle can not be read.
        """
        renew = await self._lender.prepare(options)

        def commit() -> None:
            self._options = options
            self._limiter.retune(options)
            renew()

        return commit

    @asynccontextmanager
    async def open(
        self, source: Source, *, shop_id: int, key: Callable[[], Key], lane: Lane, manual: bool, reason: Tell, webhook: bool = False
    ) -> AsyncIterator[Api]:
        """The way to a shop's source for one attempt. `reason` is told of waits over a second.

        `key` is asked before every try; it returns the same object until the key changes.
        """
        visits: list[tuple[Key, Visitor]] = []

        def visitor() -> Visitor:
            current = key()
            if not visits or visits[-1][0] is not current:
                identity = _of_shop(current.identity, shop_id)
                visit = Visitor(
                    source=source,
                    shop_id=shop_id,
                    identity=identity,
                    credentials=lambda: current.credentials,
                    priority=priority(lane, manual=manual, webhook=webhook),
                    rates={rate.name: rate for rate in source.rates(identity)},
                    tell=reason,
                )
                visits.append((current, visit))
            return visits[-1][1]

        tenant = (source.name, visitor().identity.lease_group)
        self._tenants[tenant] += 1
        try:
            yield SourceApi(
                visitor, options=lambda: self._options, clock=self._clock, random=self._random, limiter=self._limiter, lender=self._lender
            )
        finally:
            self._tenants[tenant] -= 1
            if self._tenants[tenant] == 0:
                del self._tenants[tenant]
                for _, visit in visits:
                    self._limiter.retire(source.name, visit.identity)

    def rates(self, source: Source, identity: Identity) -> dict[str, Rate]:
        """The limits of a key as they are kept now, by their names."""
        return {rate.name: tuned(rate, source=source.name, options=self._options) for rate in source.rates(identity)}

    def budgets(self, scopes: Mapping[Scope, str] | None = None) -> list[Budget]:
        """What is left of each limit that was used so far, of these scope values or of all."""
        now = self._limiter.now()
        gates = [gate for gate in self._limiter.gates if scopes is None or scopes.get(gate.rate.scope) == gate.value]
        return [budget(gate, now) for gate in sorted(gates, key=lambda gate: gate.name)]

    def wait_for(self, source: Source, identity: Identity, rate: str, n: int) -> timedelta:
        """How long until the last of `n` requests on this rate could go, behind those that wait already. KeyError for an unknown rate."""
        rates = {known.name: known for known in source.rates(identity)}
        gate = self._limiter.gate(rates[rate], source=source.name, identity=identity)
        now = self._limiter.now()
        last = gate.meter.forecast(now, gate.waiting + max(1, n), spare=True)
        return timedelta(seconds=max(last, gate.door.until, now.mono) - now.mono)


def _of_shop(identity: Identity, shop_id: int) -> Identity:
    """What is counted by shop is counted by its number; a key can not know it."""
    return replace(identity, scopes={Scope.SHOP: str(shop_id), **identity.scopes})
