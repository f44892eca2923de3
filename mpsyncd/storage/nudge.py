"""Wakes the daemon that holds a shop: NOTIFY inside the transaction that made the work, LISTEN on a connection of its own.

A nudge says only "look now"; whatever there is to do stands in the tables, so a lost one costs a delay and no work.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg
import structlog

from mpsyncd.model.errors import ConfigError, StorageUnavailable
from mpsyncd.storage.outage import DRIVER_ERRORS, outage
from mpsyncd.storage.pool import PoolOptions, connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mpsyncd.model.clock import Clock
    from mpsyncd.storage.pool import Connection

log = structlog.get_logger(__name__)

CHANNEL = "mpsync_nudge"
POLL = timedelta(milliseconds=250)
_FIRST_PAUSE = timedelta(milliseconds=200)
_LONGEST_PAUSE = timedelta(seconds=10)
_ALIVE_EVERY = 30.0
_ECHO_WITHIN = 2.0
_ECHO = "echo"

# One cheap look at all that a nudge could be about.
_WATERMARK = """
SELECT (SELECT max(request_id) FROM mpsync.run_requests), (SELECT max(request_id) FROM mpsync.reload_requests),
       (SELECT max(updated_at) FROM mpsync.shops),
       (SELECT count(*) FROM mpsync.shops), (SELECT count(*) FROM mpsync.runs WHERE ended_at IS NULL AND cancel)
"""


async def notify(connection: Connection, shop_id: int | None = None) -> None:
    """Wake whoever holds the shop, when the caller's transaction commits."""
    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, "" if shop_id is None else str(shop_id))


class NudgeListener:
    """Calls `on_nudge(shop_id)` from the loop; None means "something may have happened, look at everything"."""

    def __init__(self, dsn: str, *, on_nudge: Callable[[int | None], None], clock: Clock, poll: timedelta = POLL) -> None:
        self._dsn = dsn
        self._on_nudge = on_nudge
        self._clock = clock
        self._poll = poll
        self._echoed = asyncio.Event()
        self.listening = False

    async def run(self) -> None:
        """Listen until cancelled; comes back with growing pauses when the database was away."""
        pause = _FIRST_PAUSE
        while True:
            try:
                connection = await connect(self._dsn, PoolOptions(application_name="mpsyncd nudge", prepare=False))
            except (StorageUnavailable, ConfigError) as error:
                log.debug("nudges_unavailable", error=str(error))
            else:
                pause = _FIRST_PAUSE
                await self._serve(connection)
            await self._clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _serve(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda *_: lost.set())
            await connection.add_listener(CHANNEL, self._heard)
            if await self._echoes(connection):
                self.listening = True
                self._on_nudge(None)
                await _until_lost(connection, lost)
            else:
                log.warning("nudges_polled", reason="no notification comes through; a pooler in transaction mode drops them")
                await self._watch(connection)
        except DRIVER_ERRORS as error:
            if outage(error) is None:
                raise
            log.debug("nudges_interrupted", error=str(error))
        finally:
            self.listening = False
            connection.terminate()

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        text = str(payload)
        if text == _ECHO:
            self._echoed.set()
        else:
            self._on_nudge(int(text) if text.isdecimal() else None)

    async def _echoes(self, connection: asyncpg.Connection[asyncpg.Record]) -> bool:
        """Whether notifications reach us at all; a pooler may accept LISTEN and deliver nothing."""
        self._echoed.clear()
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, _ECHO)
        try:
            async with asyncio.timeout(_ECHO_WITHIN):
                await self._echoed.wait()
        except TimeoutError:
            return False
        return True

    async def _watch(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        last: asyncpg.Record | None = None
        while True:
            mark = await connection.fetchrow(_WATERMARK)
            if mark != last:
                self._on_nudge(None)
            last = mark
            await self._clock.sleep(self._poll)


async def _until_lost(connection: asyncpg.Connection[asyncpg.Record], lost: asyncio.Event) -> None:
    """Return when the connection is gone; a half-open one is found by asking now and then."""
    while not lost.is_set():
        try:
            async with asyncio.timeout(_ALIVE_EVERY):
                await lost.wait()
        except TimeoutError:
            await connection.execute("SELECT 1", timeout=_ALIVE_EVERY)
