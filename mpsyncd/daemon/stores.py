"""Opens the database for a daemon or a command: a server with a DSN, the running embedded one, or an embedded one of our own."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from mpsyncd.model.clock import SystemClock
from mpsyncd.sources import SOURCES
from mpsyncd.storage import keyfile
from mpsyncd.storage import migrate as migrations
from mpsyncd.storage.embedded import EmbeddedOptions, EmbeddedPostgres, read_runtime
from mpsyncd.storage.leases import connection_name, release_all
from mpsyncd.storage.pool import Database, PoolOptions, open_database, wait_ready
from mpsyncd.storage.vault import Keyring, check_keyring

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from mpsyncd.settings import DatabaseSettings, Settings

log = structlog.get_logger(__name__)

CONTROL_CONNECTIONS = 5
"""Beside `[database] pool_max`: a tick, a reload, a look at everything, a question whether the database answers, and deliveries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """An open database with a current schema and the keys of its vault. `embedded` is the server when this process runs it.

    control: connections for what must not stand in line behind thousands of pages: leases, due feeds, reloads, questions of watchers.
    """

    pool: Database
    control: Database
    dsn: str
    vault: Keyring
    embedded: EmbeddedPostgres | None = None


@asynccontextmanager
async def open_storage(settings: Settings, *, daemon: UUID | None = None) -> AsyncIterator[Storage]:
    """Open, migrate, check the vault's keys. `daemon`: who asks is a daemon; an embedded server is started here and nowhere else.

    Raises:
        ConfigError: what a person must change, in words.
        StorageUnavailable: the database is away for now.
    """
    async with AsyncExitStack() as stack:
        dsn, embedded = await _address(settings, stack, exclusive=daemon is not None)
        await migrations.migrate(dsn)
        vault = keyring(settings)
        options = _pool_options(settings.database)
        if daemon is not None:
            options = replace(options, application_name=connection_name(daemon))
        pool = control = await stack.enter_async_context(open_database(dsn, options))
        if daemon is not None:
            control = await stack.enter_async_context(open_database(dsn, replace(options, smallest=1, largest=CONTROL_CONNECTIONS)))
        async with pool.connection() as connection:
            await check_keyring(connection, vault)
            await migrations.register_streams(connection, SOURCES)
            if embedded is not None:
                await release_all(connection)
        yield Storage(pool=pool, control=control, dsn=dsn, vault=vault, embedded=embedded)


async def migrate(settings: Settings) -> list[str]:
    """Bring the schema up to this program; return the names of what was applied."""
    async with AsyncExitStack() as stack:
        dsn, _ = await _address(settings, stack, exclusive=False)
        return await migrations.migrate(dsn)


async def _address(settings: Settings, stack: AsyncExitStack, *, exclusive: bool) -> tuple[str, EmbeddedPostgres | None]:
    given = settings.database
    if given.dsn is not None:
        dsn = given.dsn.get_secret_value()
        await wait_ready(dsn, clock=SystemClock(), patience=given.connect_timeout)
        return dsn, None
    running = None if exclusive else read_runtime(given.data_dir)
    if running is not None:
        return running.dsn, None
    server = await stack.enter_async_context(EmbeddedPostgres(_embedded_options(given)))
    return server.dsn, server


def keyring(settings: Settings, *, create: bool = True) -> Keyring:
    """The keys of the vault as they are now; made when there are none and `create`. Raises ConfigError like `keyfile.load_keyring`."""
    given = settings.vault.key.get_secret_value() if settings.vault.key is not None else None
    return keyfile.load_keyring(key=given, key_file=settings.vault_key_file, environ=os.environ, create=create)


def _embedded_options(given: DatabaseSettings) -> EmbeddedOptions:
    return EmbeddedOptions(
        data_dir=given.data_dir,
        runtime_dir=given.runtime_dir,
        binaries=given.embedded_binaries,
        major=given.embedded_major,
        port=given.port,
        listen_tcp=given.listen_tcp,
        os_user=given.os_user,
        settings=given.settings,
    )


def _pool_options(given: DatabaseSettings) -> PoolOptions:
    return PoolOptions(
        smallest=given.pool_min, largest=given.pool_max, connect_timeout=given.connect_timeout, command_timeout=given.command_timeout
    )
