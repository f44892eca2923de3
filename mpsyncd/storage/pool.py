"""The way into PostgreSQL: a pool, and one boundary that turns "the database is away" into StorageUnavailable.

Sessions read and write UTC. Knows no table. A password never leaves this module: whoever prints an address calls `redact`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
import orjson
import structlog
from asyncpg.pool import PoolConnectionProxy

from mpsyncd.model.errors import ConfigError, StorageUnavailable
from mpsyncd.storage.outage import DRIVER_ERRORS, outage, refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mpsyncd.model.clock import Clock

log = structlog.get_logger(__name__)

Record: TypeAlias = asyncpg.Record
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
"""What functions of this layer take; the caller has opened the transaction they need."""

_OWN = "mpsyncd"
_PASSWORD = re.compile(r"^(\w+://[^:/?#@]*):.*@")
_PASSWORD_PARAMETER = re.compile(r"((?:^|[?&\s])(?:ssl)?password=)[^&\s]*")
_ACQUIRE = timedelta(seconds=60)
_FIRST_PAUSE = timedelta(milliseconds=50)
_LONGEST_PAUSE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOptions:
    """How many connections, and how patient.

    idle_timeout: after this time without a word PostgreSQL ends a transaction, so that a daemon that froze holds no lease for ever.
    `prepare=False` is for a pgbouncer before 1.21 in transaction mode.
    """

    smallest: int = 1
    largest: int = 10
    connect_timeout: timedelta = timedelta(seconds=10)
    command_timeout: timedelta = timedelta(minutes=5)
    lock_timeout: timedelta = timedelta(seconds=10)
    idle_timeout: timedelta = timedelta(seconds=20)
    application_name: str = _OWN
    prepare: bool = True


def redact(dsn: str) -> str:
    """Return the address without its password."""
    return _PASSWORD_PARAMETER.sub(r"\1***", _PASSWORD.sub(r"\1:***@", dsn))


async def connect(dsn: str, options: PoolOptions | None = None) -> asyncpg.Connection[asyncpg.Record]:
    """Open one connection outside any pool.

    Raises:
        ConfigError: the address or the account can never work.
        StorageUnavailable: nobody answers there now.
    """
    options = options or PoolOptions()
    try:
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            dsn, **_arguments(options), timeout=options.connect_timeout.total_seconds()
        )
        await _prepare(connection)
    except (*DRIVER_ERRORS, ValueError) as error:
        raise _said(error, dsn) from error
    return connection


class Database:
    """A pool with its boundary. Made by `open_database`."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], *, dsn: str, options: PoolOptions) -> None:
        self._pool = pool
        self._options = options
        self.address = redact(dsn)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection in autocommit.

        Raises:
            StorageUnavailable: PostgreSQL is away or refuses work for now, at any statement of the body.
        """
        try:
            async with self._pool.acquire(timeout=_ACQUIRE.total_seconds()) as connection:
                yield connection
        except DRIVER_ERRORS as error:
            words = outage(error)
            if words is None:
                raise
            raise StorageUnavailable(f"{words} (database {self.address})") from error

    @asynccontextmanager
    async def transaction(self, *, lock_timeout: timedelta | None = None) -> AsyncIterator[Connection]:
        """Lend a connection in a transaction that waits for no lock longer than `lock_timeout`; raises like `connection`.

        PostgreSQL itself ends it when it is left idle.
        """
        limit = lock_timeout or self._options.lock_timeout
        async with self.connection() as connection, connection.transaction():
            idle = self._options.idle_timeout
            await connection.execute(
                f"SET LOCAL lock_timeout = {_milliseconds(limit)}; SET LOCAL idle_in_transaction_session_timeout = {_milliseconds(idle)}"
            )
            yield connection

    async def ping(self) -> None:
        """Ask for nothing; StorageUnavailable when there is no answer."""
        async with self.connection() as connection:
            await connection.execute("SELECT 1")


@asynccontextmanager
async def open_database(dsn: str, options: PoolOptions | None = None) -> AsyncIterator[Database]:
    """Open a pool and close it at the end, waiting a moment for what is under way.

    Raises:
        ConfigError: the address or the account can never work.
        StorageUnavailable: nobody answers there now.
    """
    options = options or PoolOptions()
    try:
        pool = await asyncpg.create_pool(
            dsn,
            min_size=options.smallest,
            max_size=options.largest,
            timeout=options.connect_timeout.total_seconds(),
            init=_prepare,
            **_arguments(options),
        )
    except (*DRIVER_ERRORS, ValueError) as error:
        raise _said(error, dsn) from error
    try:
        yield Database(pool, dsn=dsn, options=options)
    finally:
        await _close(pool)


async def wait_ready(dsn: str, *, clock: Clock, patience: timedelta) -> None:
    """Return when the server takes connections.

    Raises:
        ConfigError: the address or the account can never work.
        StorageUnavailable: it did not answer within `patience`.
    """
    end, pause = clock.now() + patience, _FIRST_PAUSE
    while True:
        try:
            connection = await connect(dsn)
        except StorageUnavailable as error:
            if clock.now() + pause >= end:
                raise
            log.debug("database_awaited", error=str(error))
            await clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        else:
            await connection.close()
            return


def _milliseconds(time: timedelta) -> int:
    return int(time.total_seconds() * 1000)


def _arguments(options: PoolOptions) -> dict[str, Any]:
    # Startup parameters, not SET: the pool resets a connection to these when it is given back, and pgbouncer knows all three.
    settings = {"timezone": "UTC", "datestyle": "ISO, YMD", "application_name": options.application_name}
    arguments: dict[str, Any] = {"server_settings": settings, "command_timeout": options.command_timeout.total_seconds()}
    return arguments if options.prepare else arguments | {"statement_cache_size": 0}


async def _prepare(connection: Connection) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_dump, decoder=orjson.loads, format="text")


def _dump(value: object) -> str:
    return orjson.dumps(value, default=_plain).decode()


def _plain(value: object) -> object:
    """Mappings of any kind are objects; what else orjson does not know is refused."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


def _said(error: BaseException, dsn: str) -> ConfigError | StorageUnavailable:
    where = redact(dsn)
    if (words := refusal(error)) is not None:
        return ConfigError(f"{words} The address is {where} (database.dsn); correct it and start again.")
    if (words := outage(error)) is not None:
        return StorageUnavailable(f"{words} (database {where})")
    return ConfigError(
        f"The database address {where} can not be used: {type(error).__name__}. It should look like postgresql://user@host/name."
    )


async def _close(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    try:
        await pool.close()
    except DRIVER_ERRORS:
        pool.terminate()
