"""Looks at a key for a command: a way out of its own, no database."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from mpsyncd.daemon.doctor import Doctor
from mpsyncd.daemon.outward import transport_options
from mpsyncd.model.clock import SystemClock
from mpsyncd.sources import SOURCES
from mpsyncd.transport import MemoryLedger, Transport

if TYPE_CHECKING:
    from mpsyncd.model.shop import ShopCheck
    from mpsyncd.model.source import Credentials
    from mpsyncd.settings import Settings


async def check_shop(settings: Settings, source: str, credentials: Credentials) -> ShopCheck:
    """Read the key, ask the vendor one cheap question per capability; a bad key is an answer, not an error."""
    clock = SystemClock()
    async with Transport(transport_options(settings), clock, MemoryLedger(), random.Random()) as transport:  # noqa: S311 - jitter
        doctor = Doctor(sources={each.name: each for each in SOURCES}, transport=transport, clock=clock)
        return await doctor.check(source, credentials)
