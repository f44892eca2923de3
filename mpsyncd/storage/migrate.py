"""Brings the schema up to the code: forward-only SQL files, each in one transaction, remembered with its checksum.

Several daemons may start at once. Never edits data, never goes back, and refuses what it does not understand.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import structlog

import mpsyncd
from mpsyncd.model.errors import ConfigError, StorageUnavailable
from mpsyncd.model.stream import Write
from mpsyncd.storage.outage import DRIVER_ERRORS, outage
from mpsyncd.storage.pool import PoolOptions, connect, redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mpsyncd.model.source import Source
    from mpsyncd.storage.pool import Connection

log = structlog.get_logger(__name__)

LOCK_TIMEOUT = timedelta(seconds=10)
"""A migration waits no longer than this for a table that somebody reads, or everybody would queue up behind it."""
TURN_TIMEOUT = timedelta(minutes=10)
_LOCK_KEY = 0x6D70_7379_6E63  # "mpsync"
_OLDEST_SERVER = 140000
_BLOCK = 100
_FILE = re.compile(r"(\d{4})_[a-z0-9_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file. Numbers come in blocks of a hundred, one a source; within a block they only grow."""

    version: int
    name: str
    checksum: str
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaState:
    """How database and code compare: names of the newest applied and known migration, what is missing, what is wrong (in words)."""

    current: str | None
    expected: str | None
    pending: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def ready(self) -> bool:
        """Whether the code can work on this database."""
        return not self.pending and self.problem is None


def load_migrations(folder: Path | None = None) -> tuple[Migration, ...]:
    """Read the files that came with the program: inside an installed wheel, or beside the package in an editable install."""
    package = Path(mpsyncd.__file__).parent
    places = (folder,) if folder else (package / "_migrations", package.parent / "migrations")
    place = next((place for place in places if place.is_dir()), None)
    if place is None:
        raise ConfigError(f"The migrations are not where they should be ({places[0]}); install mpsyncd again.")
    found = tuple(_read(path) for path in sorted(place.glob("*.sql")))
    twice = {one.version for one in found if sum(other.version == one.version for other in found) > 1}
    if twice:
        raise ConfigError(f"Two migrations in {place} share the number {min(twice):04d}; give one of them the next free number.")
    return found


def outstanding(available: Sequence[Migration], applied: Mapping[int, tuple[str, str]]) -> tuple[Migration, ...]:
    """Return what is to be applied, in order. `applied` maps version → (name, checksum).

    Raises:
        ConfigError: the database is newer than the code, a file was changed after it was applied, or a number was skipped.
    """
    known = {one.version: one for one in available}
    strange = [applied[version][0] for version in sorted(applied) if version not in known]
    if strange:
        raise ConfigError(
            f"The database is newer than this program: it has {', '.join(strange)}, which it does not know. "
            "Nothing was changed. Install the newer mpsyncd again, or point it at another database."
        )
    for version, (name, checksum) in sorted(applied.items()):
        if known[version].checksum != checksum:
            raise ConfigError(
                f"Migration {name} was applied to the database in another wording than this program has (checksum {checksum[:12]} there, "
                f"{known[version].checksum[:12]} here). Nothing was changed. Put the file back as it was; write a new migration instead."
            )
    missing = tuple(one for one in sorted(available, key=lambda one: one.version) if one.version not in applied)
    for one in missing:
        later = max((v for v in applied if v // _BLOCK == one.version // _BLOCK), default=0)
        if later > one.version:
            raise ConfigError(
                f"Migration {one.name} was skipped: the database already has {applied[later][0]}. Nothing was changed. "
                f"Give the file a number after {later:04d}."
            )
    return missing


async def migrate(dsn: str, *, folder: Path | None = None, lock_timeout: timedelta = LOCK_TIMEOUT) -> list[str]:
    """Apply what is missing and return the names of what this call applied.

    Raises:
        ConfigError: see `outstanding`; also when a migration fails, PostgreSQL is too old, or the account may not make tables.
        StorageUnavailable: PostgreSQL is away, or a table was locked for longer than `lock_timeout`; calling again is safe.
    """
    available = load_migrations(folder)
    connection = await connect(dsn, PoolOptions(application_name="mpsyncd migrate", command_timeout=timedelta(hours=6)))
    done: list[str] = []
    try:
        _check_server(connection)
        if outstanding(available, await _applied(connection)):
            while (name := await _step(connection, available, lock_timeout)) is not None:
                done.append(name)
    except DRIVER_ERRORS as error:
        if (words := outage(error)) is None or _forbids(error):
            raise ConfigError(
                f"The database {redact(dsn)} can not be prepared: {error}. Give the account the right to create there."
            ) from error
        raise StorageUnavailable(f"{words} (while migrating {redact(dsn)}; what was applied stays, calling again goes on)") from error
    finally:
        connection.terminate() if connection.is_in_transaction() else await connection.close()
    return done


async def pending(dsn: str, *, folder: Path | None = None) -> list[str]:
    """Return the names of migrations that the database lacks; raises like `migrate`, changes nothing."""
    connection = await connect(dsn)
    try:
        return [one.name for one in outstanding(load_migrations(folder), await _applied(connection))]
    finally:
        await connection.close()


async def schema_state(connection: Connection, *, folder: Path | None = None) -> SchemaState:
    """Compare database and code for `/readyz`; a mismatch is told in `problem`, not raised."""
    available = load_migrations(folder)
    applied = await _applied(connection)
    current = applied[max(applied)][0] if applied else None
    expected = available[-1].name if available else None
    try:
        missing = tuple(one.name for one in outstanding(available, applied))
    except ConfigError as error:
        return SchemaState(current=current, expected=expected, problem=str(error))
    return SchemaState(current=current, expected=expected, pending=missing)


_REGISTER = """
INSERT INTO mpsync.stream_tables (source, stream, table_name, main, day, declared)
SELECT source, stream, table_name, main, day, true
FROM unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::text[]) AS told (source, stream, table_name, main, day)
ON CONFLICT (source, stream, table_name) DO UPDATE SET main = excluded.main, day = excluded.day, declared = true
WHERE (stream_tables.main, stream_tables.day, stream_tables.declared) IS DISTINCT FROM (excluded.main, excluded.day, true)
"""
_WITHDRAW = """
UPDATE mpsync.stream_tables SET declared = false
WHERE declared AND (source, stream, table_name) NOT IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))
"""


async def register_streams(connection: Connection, sources: Iterable[Source]) -> None:
    """Write down which table each declared stream fills; tables of streams that are gone stay listed, for the purge of their shops."""
    rows: list[tuple[str, str, str, bool, str | None]] = []
    for source in sources:
        for stream in source.streams:
            for table in stream.tables:
                main = table is stream.main
                rows.append((source.name, stream.name, table.name, main, stream.day if main else None))
                if table.write is Write.SNAPSHOT:
                    rows.append((source.name, stream.name, f"{table.name}_history", False, None))
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], [], []]
    async with connection.transaction():
        await connection.execute(_REGISTER, *columns)
        await connection.execute(_WITHDRAW, *columns[:3])


def _read(path: Path) -> Migration:
    named = _FILE.fullmatch(path.stem)
    if named is None:
        raise ConfigError(f"{path.name} is no name for a migration: four digits and lower-case words are wanted, as in 0102_wb_sales.sql.")
    sql = path.read_text(encoding="utf-8-sig")
    # Line ends and blanks at line ends are an editor's business and no change of meaning.
    normal = "\n".join(line.rstrip() for line in sql.splitlines()).strip() + "\n"
    return Migration(version=int(named[1]), name=path.stem, checksum=hashlib.sha256(normal.encode()).hexdigest(), sql=sql)


async def _applied(connection: Connection) -> dict[int, tuple[str, str]]:
    if await connection.fetchval("SELECT to_regclass('mpsync.migrations')") is None:
        return {}
    rows = await connection.fetch("SELECT version, name, checksum FROM mpsync.migrations")
    return {row["version"]: (row["name"], row["checksum"]) for row in rows}


_TABLE = """
CREATE SCHEMA IF NOT EXISTS mpsync;
CREATE TABLE IF NOT EXISTS mpsync.migrations (
    version    integer CONSTRAINT migrations_pk PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
"""


async def _step(connection: Connection, available: Sequence[Migration], lock_timeout: timedelta) -> str | None:
    """Apply the next migration under the lock and return its name, None when there is none.

    The lock ends with the transaction, so that it also works behind pgbouncer.
    """
    async with connection.transaction():
        await connection.execute(f"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = {_milliseconds(TURN_TIMEOUT)}")
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
        await connection.execute(f"SET LOCAL lock_timeout = {_milliseconds(lock_timeout)}")
        await connection.execute(_TABLE)
        missing = outstanding(available, await _applied(connection))
        if not missing:
            return None
        one = missing[0]
        try:
            await connection.execute(one.sql)
        except asyncpg.PostgresError as error:
            if outage(error) is not None:
                raise
            raise ConfigError(
                f"Migration {one.name} failed and left nothing behind: {error}. Correct the cause and start again."
            ) from error
        await connection.execute(
            "INSERT INTO mpsync.migrations (version, name, checksum) VALUES ($1, $2, $3)", one.version, one.name, one.checksum
        )
    log.info("migration_applied", name=one.name)
    return one.name


def _check_server(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    version = connection.get_server_version()
    if version.major * 10000 < _OLDEST_SERVER:
        raise ConfigError(f"PostgreSQL {version.major} is too old, 14 is the oldest that works. Upgrade the server or use another.")


def _forbids(error: BaseException) -> bool:
    return isinstance(error, asyncpg.InsufficientPrivilegeError)


def _milliseconds(time: timedelta) -> int:
    return int(time.total_seconds() * 1000)
