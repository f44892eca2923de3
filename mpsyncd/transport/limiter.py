"""The gates of all sources, and how a request passes those that it names: all at the same instant, or it waits, or it is snoozed.

A request joins the lines of its gates one after the other, slow ones first, and stands in the next line only while it could pass the ones
before; its place is the same in every line. So nobody waits in a circle and nobody blocks a fast line while waiting for a slow one.
"""

from __future__ import annotations

import itertools
import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING

from mpsyncd.model.errors import BadRequest
from mpsyncd.model.rate import Rate, Scope
from mpsyncd.transport.closure import Closure
from mpsyncd.transport.gate import Gate
from mpsyncd.transport.grant import Grant
from mpsyncd.transport.meter import Moment
from mpsyncd.transport.ticket import Priority, Ticket
from mpsyncd.transport.tuning import tuned
from mpsyncd.transport.waiting import Obstacle, Waiting

if TYPE_CHECKING:
    from mpsyncd.model.clock import Clock
    from mpsyncd.model.request import Request
    from mpsyncd.model.source import Identity
    from mpsyncd.transport.ledger import Ledger
    from mpsyncd.transport.options import TransportOptions
    from mpsyncd.transport.waiting import Visitor

_ALWAYS_SLEPT = 0.25
"""Seconds. However quick limits are made: a snooze costs the database writes that no scale makes quicker."""


class Limiter:
    """Makes gates when they are first named and keeps them."""

    def __init__(self, options: TransportOptions, *, clock: Clock, ledger: Ledger) -> None:
        self._options = options
        self._clock = clock
        self._ledger = ledger
        self._author = uuid.uuid4().hex
        self._gates: dict[tuple[str, str, Scope, str, str], Gate] = {}
        self._closures: dict[str, Closure] = {}
        self._number = itertools.count()

    def now(self) -> Moment:
        """This instant on both clocks."""
        return Moment(self._clock.monotonic(), self._clock.now().timestamp())

    @property
    def gates(self) -> tuple[Gate, ...]:
        """All gates that exist."""
        return tuple(self._gates.values())

    def gate(self, rate: Rate, *, source: str, identity: Identity) -> Gate:
        """The gate of a rate for this identity, made when it is new."""
        value = self.value(rate.scope, identity)
        key = (source, rate.name, rate.scope, value, identity.variant)
        if key not in self._gates:
            self._gates[key] = Gate(
                tuned(rate, source=source, options=self._options),
                published=rate,
                source=source,
                value=value,
                variant=identity.variant,
                ledger=self._ledger,
                author=self._author,
                now=self.now,
            )
        return self._gates[key]

    def retune(self, options: TransportOptions) -> None:
        """Go on with other options: every gate keeps its line and what was used of it."""
        self._options = options
        for gate in self._gates.values():
            gate.retune(tuned(gate.published, source=gate.source, options=options))

    def value(self, scope: Scope, identity: Identity) -> str:
        """Who shares a budget of this scope."""
        if scope is Scope.ADDRESS:
            return identity.scopes.get(scope, self._options.node or "here")
        if scope is Scope.GLOBAL:
            return identity.scopes.get(scope, "all")
        return identity.scopes.get(scope, identity.lease_group)

    def closure(self, source: str, scope: Scope, identity: Identity) -> Closure:
        """The door of everything that belongs to one scope value."""
        value = self.value(scope, identity)
        return self._closure(f"{source}:*:{scope}:{value}", title=f"all of {source} ({scope} {value})")

    def _closure(self, name: str, *, title: str) -> Closure:
        if name not in self._closures:
            self._closures[name] = Closure(name=name, title=title, ledger=self._ledger, author=self._author, now=self.now)
        return self._closures[name]

    def ticket(self, request: Request, visitor: Visitor) -> Ticket:
        """Who asks for what.

        Raises:
            BadRequest: the request names a rate that a key of this kind does not have.
        """
        source, identity = visitor.source.name, visitor.identity
        missing = [name for name in request.limits if name not in visitor.rates]
        if missing:
            what = f"{source}: {request.method} {request.path} names the limit {missing[0]}"
            raise BadRequest(f"{what}, which a key of the type {identity.variant} does not have")
        named = tuple(self.gate(visitor.rates[name], source=source, identity=identity) for name in dict.fromkeys(request.limits))
        closures = [self.closure(source, scope, identity) for scope in identity.scopes]
        if not named:
            method = f"{request.method} {request.host}{request.path}"
            closures.append(self._closure(f"{source}:{method}:{identity.lease_group}", title=f"{source} {method}"))
        rank = Priority.PATIENT if request.patient and visitor.priority is not Priority.WEBHOOK else visitor.priority
        return Ticket(
            named=named,
            closures=tuple(closures),
            shop_id=visitor.shop_id,
            priority=rank,
            cost=request.cost,
            order=(self._clock.monotonic() + rank / self._options.limit_scale, next(self._number)),
        )

    async def acquire(self, ticket: Ticket, visitor: Visitor) -> Grant:
        """Wait until every gate lets the request pass, then debit them all.

        Raises:
            Snooze: the wait would be longer than the patience.
            StorageUnavailable: the ledger can not be written.
        """
        for closure in ticket.closures:
            await closure.prepare()
        for gate in ticket.gates:
            await gate.prepare()
        whole = self._options.patience.total_seconds()
        patience = max(whole / self._options.limit_scale, min(whole, _ALWAYS_SLEPT))
        with Waiting(ticket, visitor, clock=self._clock, patience=patience) as waiting:
            try:
                while True:
                    ticket.wake.clear()
                    obstacle = self._advance(ticket)
                    if obstacle is not None:
                        await waiting.sleep(obstacle, self.now())
                    elif (grant := await self._pass(ticket)) is not None:
                        return grant
            finally:
                for closure in ticket.closures:
                    closure.leave(ticket)
                for gate in ticket.gates:
                    gate.leave(ticket)

    def _advance(self, ticket: Ticket) -> Obstacle | None:
        """Go as far as possible; None when every gate is open and it is this one's turn at each."""
        now = self.now()
        for closure in ticket.closures:
            closure.wait(ticket)
            opens = closure.open_at(now)
            if opens > now.mono:
                self._step_back(ticket, 0)
                return Obstacle(closure=closure, until=opens, estimate=opens)
        for index, gate in enumerate(ticket.gates):
            gate.join(ticket)
            turn = gate.turn_of(ticket)
            ready = gate.ready_at(ticket, now)
            if turn and ready <= now.mono:
                continue
            self._step_back(ticket, index + 1)
            # Behind others there is nothing to time: whoever leaves wakes the next.
            return Obstacle(closure=gate.door, until=ready if turn else float("inf"), estimate=gate.estimate(ticket, now))
        return None

    def _step_back(self, ticket: Ticket, index: int) -> None:
        """Leave the lines behind the obstacle to others."""
        for gate in ticket.gates[index:]:
            gate.leave(ticket)

    async def _pass(self, ticket: Ticket) -> Grant | None:
        """Debit every gate, the slow ones in the ledger too; None when one closed meanwhile (what was debited stays debited)."""
        for gate in ticket.gates:
            gate.busy = ticket
        for gate in ticket.gates:
            await gate.meter.admit()
        now = self.now()
        grant = Grant(ticket, taken=now, now=self.now)
        if not grant.open() or any(gate.ready_at(ticket, now) > now.mono for gate in ticket.gates):
            self._release(ticket)
            return None
        for gate in ticket.gates:
            gate.take(ticket, now)
        with ExitStack() as unless_kept:
            unless_kept.callback(grant.done)
            for gate in ticket.gates:
                if gate.meter.durable:
                    await gate.keep()
            unless_kept.pop_all()
        if not grant.open():
            grant.done()
            self._release(ticket)
            return None
        return grant

    def _release(self, ticket: Ticket) -> None:
        for gate in ticket.gates:
            gate.busy = None
            gate.nudge()

    def retire(self, source: str, identity: Identity) -> None:
        """Nobody here works this identity any more: what the ledger says of its budgets counts when somebody comes back."""
        doors = [gate.door for gate in self._gates.values() if gate.source == source and self._belongs(gate, identity)]
        doors += [self.closure(source, scope, identity) for scope in identity.scopes]
        for door in doors:
            door.memory.stale = True

    def _belongs(self, gate: Gate, identity: Identity) -> bool:
        return gate.rate.scope not in {Scope.ADDRESS, Scope.GLOBAL} and gate.value == self.value(gate.rate.scope, identity)

    async def close(self) -> None:
        """A clean end: write down what the fast gates really used, so that the next life begins with it."""
        used = [gate for gate in self._gates.values() if gate.door.memory.claimed and not gate.meter.durable]
        if used:
            await self._ledger.save_all({gate.name: gate.last_words() for gate in sorted(used, key=lambda gate: gate.name)})
