"""What is left of every limit, for people."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mpsyncd.transport.daily import Daily

if TYPE_CHECKING:
    from mpsyncd.model.rate import Scope
    from mpsyncd.transport.gate import Gate
    from mpsyncd.transport.meter import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One gate as it stands.

    available: requests that could go at once. next_at: when the next one may go (None: when another one ends).
    closed_until: the vendor closed it. waiting: requests in line.
    used_today: since midnight; of the rate's zone for day quotas, of UTC and by this process for others.
    """

    source: str
    rate: str
    scope: Scope
    value: str
    variant: str
    available: int
    next_at: datetime | None
    closed_until: datetime | None
    waiting: int
    used_today: int


def budget(gate: Gate, now: Moment) -> Budget:
    """The budget behind a gate."""
    closed = gate.closed_until(now)
    ready = max(gate.door.open_at(now), gate.meter.ready_at(now, 1, spare=True))
    return Budget(
        source=gate.source,
        rate=gate.rate.name,
        scope=gate.rate.scope,
        value=gate.value,
        variant=gate.variant,
        available=0 if closed else gate.meter.available(now),
        next_at=None if math.isinf(ready) else datetime.fromtimestamp(now.to_wall(ready), UTC),
        closed_until=closed,
        waiting=gate.waiting,
        used_today=gate.meter.used(now) if isinstance(gate.meter, Daily) else gate.used_today(now),
    )
