"""Keeps one embedded PostgreSQL alive for as long as the daemon runs, and tells how it is.

The public face of the package. It knows nothing of the tables inside, and the daemon needs nothing of the modules beside it.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime
from shutil import disk_usage
from typing import TYPE_CHECKING, Self

import structlog

from mpsyncd.model.errors import ConfigError, MpsyncdError, StorageUnavailable
from mpsyncd.storage.embedded import cluster, leftover
from mpsyncd.storage.embedded.address import Address
from mpsyncd.storage.embedded.diagnosis import HOPELESS, Cause, Ending, diagnose, in_words, says_disk_full
from mpsyncd.storage.embedded.files import exclusive
from mpsyncd.storage.embedded.options import ServerState, ServerStatus
from mpsyncd.storage.embedded.plan import locate, make_plan
from mpsyncd.storage.embedded.runtime import Runtime, last_runtime, write_runtime
from mpsyncd.storage.embedded.server import Server, StartFailed

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from mpsyncd.storage.embedded.options import EmbeddedOptions
    from mpsyncd.storage.embedded.plan import Plan
    from mpsyncd.storage.embedded.serverlog import LogLine

log = structlog.get_logger(__name__)

ENOUGH_SPACE = 48 * 1024 * 1024
"""Free bytes from which a full disk counts as cured: three segments of write-ahead log."""
_POLL_SECONDS = 0.5
_GIVES_UP = frozenset({Cause.IN_USE, Cause.OTHER_MAJOR, Cause.BAD_SETTING, Cause.DAMAGED, Cause.NOT_EXECUTABLE})


class EmbeddedPostgres:
    """`async with EmbeddedPostgres(options) as server:` starts the server, keeps it running, and stops it cleanly at the end.

    Entering raises `ConfigError` for what a person must change and `StorageUnavailable` for what may pass (a full disk). It must happen in
    the main thread. Later the state tells what goes on, and `wait_failed` ends only when restarting makes no sense.
    """

    def __init__(self, options: EmbeddedOptions) -> None:
        self._options = options
        self._timing = options.timing
        self._resources = ExitStack()
        self._plan: Plan | None = None
        self._address: Address | None = None
        self._server: Server | None = None
        self._watching: asyncio.Task[None] | None = None
        self._state = ServerState.STOPPED
        self._since = datetime.now(UTC)
        self._detail = "not started"
        self._restarts = 0
        self._announced = False
        self._serving = False

    async def __aenter__(self) -> Self:
        self._change(ServerState.STARTING, "preparing the data directory")
        async with AsyncExitStack() as unless_started:
            unless_started.push_async_callback(self._close)
            try:
                await self._start()
            except OSError as error:
                raise _from_system(error, data_dir=self._options.data_dir) from error
            unless_started.pop_all()
        self._watching = asyncio.create_task(self._watch(), name="embedded-postgres")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._change(ServerState.STOPPING, "stopping")
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})
        await self._close()

    @property
    def address(self) -> Address:
        """Where to connect; it stays the same over restarts."""
        if self._address is None:
            message = "the embedded PostgreSQL was not started"
            raise RuntimeError(message)
        return self._address

    @property
    def dsn(self) -> str:
        """A URL with the password for asyncpg and libpq."""
        return self.address.dsn

    @property
    def state(self) -> ServerState:
        return self._state

    @property
    def status(self) -> ServerStatus:
        """Everything that /status shows."""
        return ServerStatus(
            state=self._state,
            since=self._since,
            detail=self._detail,
            pid=self._server.pid if self._server is not None else None,
            restarts=self._restarts,
            version=self._plan.installation.version if self._plan is not None else None,
        )

    async def wait_failed(self) -> None:
        """Raise `ConfigError` when the supervisor gives up; return when the server is stopped on purpose."""
        if self._watching is not None:
            await asyncio.wait({self._watching})
            if not self._watching.cancelled():
                self._watching.result()

    async def _start(self) -> None:
        layout, account = await asyncio.to_thread(locate, self._options)
        self._resources.enter_context(exclusive(layout.lock, data_dir=layout.root))
        plan = self._plan = await asyncio.to_thread(make_plan, self._options, layout, account)
        password = await cluster.ensure(
            layout,
            installation=plan.installation,
            account=account,
            scratch=plan.socket_dir,
            superuser=self._options.superuser,
            durable=plan.durable,
        )
        self._address = Address(
            host=str(plan.socket_dir),
            port=self._options.port,
            user=self._options.superuser,
            database=self._options.database,
            password=password,
        )
        await self._first_launch(plan)

    async def _first_launch(self, plan: Plan) -> None:
        """Start, and have patience with what an earlier daemon left: it may still be shutting down."""
        loop = asyncio.get_running_loop()
        previous = last_runtime(plan.layout)
        deadline = loop.time() + self._timing.handover.total_seconds()
        while True:
            server = self._server = self._new_server(plan)
            try:
                await server.launch()
            except StartFailed as failure:
                ending = failure.ending
                holder = leftover.holder(plan.layout.cluster) if ending.cause is Cause.IN_USE else None
                passes = leftover.passes(ending.cause, cluster=plan.layout.cluster, holder=holder, previous=previous)
                if not passes or loop.time() > deadline:
                    words = in_words(ending, cluster=plan.layout.cluster, holder=holder)
                    raise (ConfigError if ending.cause in HOPELESS else StorageUnavailable)(words) from failure
                self._change(ServerState.STARTING, "waiting for the server of an earlier daemon to end")
                await server.stop()
                await asyncio.sleep(_POLL_SECONDS)
            else:
                break
        await server.ensure_database(self._options.database)
        self._announce(server, plan)

    def _new_server(self, plan: Plan) -> Server:
        return Server(plan, self.address, on_line=self._heard)

    def _announce(self, server: Server, plan: Plan) -> None:
        runtime = Runtime(
            address=self.address,
            pid=os.getpid(),
            server_pid=server.pid or 0,
            started_at=datetime.now(UTC),
            version=plan.installation.version,
            programs=plan.installation.folder,
        )
        write_runtime(plan.layout, runtime)
        self._announced = self._serving = True
        self._change(ServerState.RUNNING, "")
        log.info("postgres_started", version=runtime.version, address=self.address.public_dsn, server_pid=runtime.server_pid)

    async def _watch(self) -> None:
        """Live with the server until it is stopped on purpose or restarting makes no sense (`ConfigError`)."""
        loop = asyncio.get_running_loop()
        backoff = self._timing.first_backoff
        while self._server is not None and self._plan is not None:
            began = loop.time()
            ending: Ending | None = await self._live(self._server, self._plan)
            self._serving = False
            if loop.time() - began >= self._timing.steady_after.total_seconds():
                backoff = self._timing.first_backoff
            while ending is not None:
                words = in_words(ending, cluster=self._plan.layout.cluster)
                self._change(ServerState.DISK_FULL if ending.cause is Cause.DISK_FULL else ServerState.RESTARTING, words)
                await self._server.stop()
                await asyncio.sleep(backoff.total_seconds())
                backoff = min(backoff * 2, self._timing.longest_backoff)
                ending = await self._relaunch(self._plan)

    async def _relaunch(self, plan: Plan) -> Ending | None:
        """One more try; None when the server runs, `ConfigError` when further tries make no sense."""
        self._restarts += 1
        server = self._server = self._new_server(plan)
        try:
            await server.launch()
            self._announce(server, plan)
        except StartFailed as failure:
            ending = failure.ending
            holder = leftover.holder(plan.layout.cluster)
            passes = leftover.passes(ending.cause, cluster=plan.layout.cluster, holder=holder, previous=None)
            if (ending.cause in _GIVES_UP and not passes) or not (plan.layout.cluster / "PG_VERSION").exists():
                words = in_words(ending, cluster=plan.layout.cluster, holder=holder)
                self._change(ServerState.FAILED, words)
                raise ConfigError(words) from failure
            return ending
        except ConfigError as error:
            self._change(ServerState.FAILED, str(error))
            raise
        except OSError as error:
            return diagnose([str(error)], code=None)
        return None

    async def _live(self, server: Server, plan: Plan) -> Ending:
        """Wait for the server's end; meanwhile notice when a full disk has space again."""
        ended = asyncio.create_task(server.ended(), name="postgres-ended")
        try:
            while not ended.done():
                await asyncio.wait({ended}, timeout=_POLL_SECONDS)
                if (
                    not ended.done()
                    and self._state is ServerState.DISK_FULL
                    and _has_space(plan.layout.cluster, plan.layout.cluster / "pg_wal")
                ):
                    self._change(ServerState.RUNNING, "")
            return ended.result()
        finally:
            ended.cancel()

    def _heard(self, line: LogLine) -> None:
        """Follow what the server says about itself: crashes of its children and full disks are no end of the process."""
        if says_disk_full(line.message):
            self._change(ServerState.DISK_FULL, f'PostgreSQL said: "{line.message}"')
        elif "automatic recovery in progress" in line.message and not self._serving:
            self._change(ServerState.RECOVERING, "PostgreSQL reads its write-ahead log after a crash; this may take minutes")
        elif self._serving and "reinitializing" in line.message:
            self._change(ServerState.RECOVERING, "a server process crashed, PostgreSQL recovers by itself")
        elif self._serving and self._state is ServerState.RECOVERING and "ready to accept connections" in line.message:
            self._change(ServerState.RUNNING, "")

    def _change(self, state: ServerState, detail: str) -> None:
        if state is not self._state:
            self._since = datetime.now(UTC)
            quiet = state in {ServerState.STARTING, ServerState.RUNNING, ServerState.STOPPING, ServerState.STOPPED}
            level = logging.INFO if quiet else logging.WARNING
            log.log(level, "postgres_state_changed", state=state.value, previous=self._state.value, detail=detail)
        self._state, self._detail = state, detail

    async def _close(self) -> None:
        if self._server is not None:
            await self._server.stop()
        if self._plan is not None and self._announced:
            self._plan.layout.runtime.unlink(missing_ok=True)
        if self._plan is not None:
            _remove_if_empty(self._plan.socket_dir)
        self._resources.close()
        self._change(ServerState.STOPPED, "stopped")


def _has_space(*folders: Path) -> bool:
    try:
        return all(disk_usage(folder).free >= ENOUGH_SPACE for folder in folders)
    except OSError:
        return False


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError as error:
        log.debug("postgres_socket_folder_kept", folder=str(folder), reason=error.strerror)


def _from_system(error: OSError, *, data_dir: Path) -> MpsyncdError:
    """The operating system's refusal as one of our errors: a full disk passes, the rest needs a person."""
    words = f"The embedded database in {data_dir} can not be prepared: {error}"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageUnavailable(f"{words}. The disk is full: free some space and start again")
    return ConfigError(f"{words}. Correct the folder's permissions or set [database] data_dir to another one")
