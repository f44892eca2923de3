"""What an answer means for the gates: a refusal closes, an error may cost more than one, headers tighten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from mpsyncd.model.rate import RateKind
from mpsyncd.transport.headers import said
from mpsyncd.transport.words import span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mpsyncd.model.errors import RateLimited
    from mpsyncd.transport.closure import Closure
    from mpsyncd.transport.gate import Gate
    from mpsyncd.transport.grant import Grant
    from mpsyncd.transport.limiter import Limiter
    from mpsyncd.transport.waiting import Visitor

log = structlog.get_logger(__name__)

_MARGIN = 1.0
"""Seconds on top of the vendor's: its clock rounds."""
_MARGIN_MOST = 64.0
_PENALISED = frozenset(range(400, 500)) - {429}


async def refuse(limiter: Limiter, grant: Grant, visitor: Visitor, error: RateLimited, *, scale: float) -> None:
    """Close what the vendor closed, for everybody, until its time and a margin that grows while it keeps refusing."""
    now = limiter.now()
    for door, gate, longest in _closed(limiter, grant, visitor, error):
        wait = error.retry_after.total_seconds()
        # Requests that were under way together are refused together: that is one refusal.
        again = door.refusals if door.until <= now.mono else 0
        margin = min(_MARGIN * 2 ** min(again, 10), _MARGIN_MOST) / scale
        until = now.mono + (wait + margin if longest is None else min(wait + margin, longest + margin))
        level = log.debug if door.refusals else log.warning
        level("gate_closed", gate=door.name, shop=visitor.shop_id, status=error.status, wait=span(until - now.mono))
        door.close(until)
        if gate is not None:
            gate.meter.refused(now, until)
    for door, gate, _ in _closed(limiter, grant, visitor, error):
        if gate is None:
            await door.keep()
        elif gate.meter.durable or door.until - now.mono > _MARGIN_MOST:
            await gate.keep()


def _closed(limiter: Limiter, grant: Grant, visitor: Visitor, error: RateLimited) -> Iterator[tuple[Closure, Gate | None, float | None]]:
    """Doors with their gates, and the longest time that each can have been emptied for (None: whatever the vendor says).

    A refusal that names no scope is about the rate that the request names first. Others that it draws on close too, but no longer than they
    need to fill up from nothing: a method's refusal of five hours must not close a seller's common limit of 50 a second for so long.
    """
    if error.scope is not None:
        yield limiter.closure(visitor.source.name, error.scope, visitor.identity), None, None
        return
    if not grant.ticket.named:
        yield grant.ticket.closures[-1], None, None
    for index, gate in enumerate(grant.ticket.named):
        rate = gate.rate
        if index == 0:
            yield gate.door, gate, None
        elif rate.kind is RateKind.BUCKET:
            yield gate.door, gate, rate.interval.total_seconds() * rate.burst
        elif rate.kind not in {RateKind.DAY, RateKind.CONCURRENCY}:
            yield gate.door, gate, rate.per.total_seconds()


async def charge(limiter: Limiter, grant: Grant, *, status: int) -> None:
    """Debit the penalty of an error, where the vendor counts it for more than one request."""
    if status not in _PENALISED:
        return
    for gate in grant.ticket.gates:
        if gate.rate.penalty > 1:
            gate.meter.charge(limiter.now(), gate.rate.penalty - 1)
            if gate.meter.durable:
                await gate.keep()


def heed(limiter: Limiter, grant: Grant, headers: Mapping[str, str]) -> None:
    """Believe headers that say less than we count; they speak of an adaptive rate if there is one, else of the rate named first."""
    for door in grant.doors:
        door.refusals = 0
    named = grant.ticket.named
    adaptive = [gate for gate in named if gate.rate.kind is RateKind.ADAPTIVE]
    counted = [gate for gate in named[:1] if gate.rate.kind in {RateKind.BUCKET, RateKind.WINDOW}]
    now = limiter.now()
    for gate in adaptive or counted:
        gate.meter.heed(now, said(headers, asked=grant.asked, now=now))
