"""One life of the PostgreSQL process: started, waited for until it answers, stopped. Restarting is the supervisor's business."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING

import asyncpg
import structlog

from mpsyncd.model.errors import ConfigError, StorageUnavailable
from mpsyncd.storage.embedded.diagnosis import Cause, Ending, diagnose
from mpsyncd.storage.embedded.serverlog import LogLine, ServerLog
from mpsyncd.storage.embedded.spawn import start

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from mpsyncd.storage.embedded.address import Address
    from mpsyncd.storage.embedded.plan import Plan

log = structlog.get_logger(__name__)

_CONNECT_WITHIN_SECONDS = 5.0
_LAST_WORDS_SECONDS = 2.0
_FIRST_KNOCK_SECONDS = 0.02
_LONGEST_KNOCK_SECONDS = 0.5


class StartFailed(Exception):
    """The server ended, or never answered; `ending` says why."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.line)
        self.ending = ending


class _Answer(Enum):
    READY = auto()
    STARTING = auto()
    NOTHING = auto()


class Server:
    """A running postgres process and the tasks that read it."""

    def __init__(self, plan: Plan, address: Address, *, on_line: Callable[[LogLine], None]) -> None:
        self._plan = plan
        self._address = address
        self._log = ServerLog(on_line=on_line)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._exit: asyncio.Task[int] | None = None

    @property
    def pid(self) -> int | None:
        """The postmaster's process while it lives."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def launch(self) -> None:
        """Start the process and return when it takes connections; `StartFailed` when it ends or stays silent.

        A server in crash recovery answers that it is starting up, and is waited for as long as it says so.
        """
        self._process = await start(self._plan.command(), account=self._plan.account)
        assert self._process.stdout is not None  # noqa: S101 - asked for by start
        self._reader = asyncio.create_task(self._log.follow(self._process.stdout), name="postgres-log")
        self._exit = asyncio.create_task(self._process.wait(), name="postgres-exit")
        await self._until_ready(self._exit)

    async def ended(self) -> Ending:
        """Wait for the end of the process and tell why it came."""
        assert self._exit is not None  # noqa: S101 - launched before
        code = await asyncio.shield(self._exit)
        await self._last_words()
        return diagnose(self._log.telling, code=code)

    async def stop(self) -> None:
        """Fast stop, then immediate, then kill; returns when the process is gone. Safe to call at any moment of its life."""
        if self._process is None:
            return
        timing = self._plan.options.timing
        for number, patience in ((signal.SIGINT, timing.fast_stop), (signal.SIGQUIT, timing.immediate_stop), (signal.SIGKILL, None)):
            if self._process.returncode is not None:
                break
            self._send(number)
            await self._gone_within(patience)
        await self._last_words()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait({self._reader})

    def _send(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if number is not signal.SIGINT:
            log.warning("postgres_stop_escalated", signal=number.name, server_pid=self._process.pid)
        try:
            os.kill(self._process.pid, number)
        except ProcessLookupError:
            log.debug("postgres_already_gone", server_pid=self._process.pid)

    async def _gone_within(self, patience: timedelta | None) -> None:
        if self._process is None:
            return
        exit_task = self._exit if self._exit is not None else asyncio.create_task(self._process.wait())
        await asyncio.wait({exit_task}, timeout=patience.total_seconds() if patience is not None else None)

    async def _last_words(self) -> None:
        """Let the reader come to the end of the pipe; children of a killed server may hold it open a little longer."""
        if self._reader is not None:
            await asyncio.wait({self._reader}, timeout=_LAST_WORDS_SECONDS)

    async def _until_ready(self, exit_task: asyncio.Task[int]) -> None:
        loop = asyncio.get_running_loop()
        timing = self._plan.options.timing
        heard = reported = loop.time()
        delay = _FIRST_KNOCK_SECONDS
        while not exit_task.done():
            answer = await self._knock()
            if answer is _Answer.READY:
                return
            now = loop.time()
            if answer is _Answer.STARTING:
                heard = now
                if now - reported >= timing.report_every.total_seconds():
                    reported = now
                    log.info("postgres_still_recovering", last=self._last_line())
            elif now - heard >= timing.silence.total_seconds():
                await self.stop()
                raise StartFailed(Ending(cause=Cause.SILENT, line=self._last_line(), code=None))
            await asyncio.wait({exit_task}, timeout=delay)
            delay = min(delay * 1.5, _LONGEST_KNOCK_SECONDS)
        raise StartFailed(await self.ended())

    def _last_line(self) -> str:
        lines = self._log.lines
        return lines[-1].message if lines else "nothing"

    async def _knock(self) -> _Answer:
        try:
            connection = await self._connect()
        except asyncpg.CannotConnectNowError:
            return _Answer.STARTING
        except asyncpg.TooManyConnectionsError:
            return _Answer.READY
        except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
            message = (
                f"The embedded database refuses the password in {self._plan.layout.password} ({error}); stop the daemon and remove "
                "that file, a new password is then set at the next start"
            )
            raise ConfigError(message) from error
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return _Answer.NOTHING
        await connection.close(timeout=_CONNECT_WITHIN_SECONDS)
        return _Answer.READY

    async def _connect(self) -> asyncpg.Connection[asyncpg.Record]:
        maintenance = replace(self._address, database="postgres")
        return await asyncpg.connect(maintenance.dsn, timeout=_CONNECT_WITHIN_SECONDS)

    async def ensure_database(self, name: str) -> None:
        """Make the database of that name when it is missing; `StorageUnavailable` when the server refuses."""
        try:
            connection = await self._connect()
            try:
                if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name) is None:
                    quoted = '"' + name.replace('"', '""') + '"'
                    await connection.execute(f"CREATE DATABASE {quoted}")
                    log.info("postgres_database_created", database=name)
            finally:
                await connection.close(timeout=_CONNECT_WITHIN_SECONDS)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            message = f"The database {name} could not be made in {self._plan.layout.cluster}: {error}"
            raise StorageUnavailable(message) from error
