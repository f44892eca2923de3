"""A PostgreSQL for one benchmark: the one of the wheel, with the durable settings that mpsyncd gives it, alike for everybody who loads."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from mpsyncd.storage.embedded import EmbeddedOptions, EmbeddedPostgres, read_runtime


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, reached by TCP on loopback so that every contender goes the same way."""

    root: str

    def dsn(self, database: str) -> str:
        return f"{self.root}/{database}"

    async def create(self, database: str) -> str:
        """Make an empty database; its address."""
        await self._execute(f'CREATE DATABASE "{database}"')
        return self.dsn(database)

    async def drop(self, database: str) -> None:
        await self._execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    async def settle(self, database: str) -> None:
        """What a server at rest does by itself within minutes; no contender pays for the one before."""
        await self._execute("VACUUM (ANALYZE)", database=database)
        await self._execute("CHECKPOINT")

    async def wal(self) -> int:
        """Bytes of write-ahead log since the cluster was made."""
        connection = await asyncpg.connect(self.dsn("postgres"))
        try:
            return int(await connection.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"))
        finally:
            await connection.close()

    async def value(self, database: str, sql: str) -> object:
        connection = await asyncpg.connect(self.dsn(database))
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    async def _execute(self, sql: str, *, database: str = "postgres") -> None:
        connection = await asyncpg.connect(self.dsn(database))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


@asynccontextmanager
async def postgres() -> AsyncIterator[Server]:
    """Run a server in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="mpb") as folder:
        home = Path(folder)
        home.chmod(0o711)
        options = EmbeddedOptions(data_dir=home / "data", listen_tcp=True, port=free_port())
        async with EmbeddedPostgres(options):
            runtime = read_runtime(options.data_dir)
            if runtime is None:
                raise RuntimeError("the server runs but does not say where")
            login = runtime.dsn.partition("://")[2].partition("@")[0]
            yield Server(f"postgresql://{login}@127.0.0.1:{options.port}")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as line:
        return int(line.getsockname()[1])
