"""Fixtures for everyone. A test that wants a database names `database` or `empty_database` and gets a DSN of its own."""

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import pytest

from support.postgres import MAJORS, PgServer

MIGRATIONS = Path(__file__).parents[1] / "migrations"


async def migrate(dsn: str) -> None:
    """Bring a database to the newest schema, by the program's own `migrate(dsn)` as soon as there is one."""
    if importlib.util.find_spec("mpsyncd.storage.migrate") is not None:
        await importlib.import_module("mpsyncd.storage.migrate").migrate(dsn)
        return
    connection = await asyncpg.connect(dsn)
    try:
        for path in sorted(MIGRATIONS.glob("*.sql")):
            async with connection.transaction():
                await connection.execute(path.read_text(encoding="utf-8"))
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def pg_servers() -> Iterator[Callable[[int], PgServer]]:
    """The server of a major; started when first asked for, one a test process."""
    running: dict[int, PgServer] = {}
    with ExitStack() as stack:

        def server(major: int) -> PgServer:
            if major not in running:
                running[major] = stack.enter_context(PgServer(major, migrate=migrate))
            return running[major]

        yield server


@pytest.fixture
def pg_major(request: pytest.FixtureRequest) -> int:
    """18, or `MPSYNCD_TEST_PG`; `@both_majors` of `support.marks` sets it by parameter."""
    major = int(getattr(request, "param", os.environ.get("MPSYNCD_TEST_PG", "18")))
    if major not in MAJORS:
        pytest.fail(f"PostgreSQL {major} is not in the wheel, it has {sorted(MAJORS)}")
    return major


@pytest.fixture
def pg_server(pg_servers: Callable[[int], PgServer], pg_major: int) -> PgServer:
    """The server under `database`."""
    return pg_servers(pg_major)


@pytest.fixture
def database(pg_server: PgServer) -> Iterator[str]:
    """DSN of a fresh copy of the migrated template, dropped after the test."""
    dsn = pg_server.create(migrated=True)
    yield dsn
    pg_server.drop(dsn)


@pytest.fixture
def empty_database(pg_server: PgServer) -> Iterator[str]:
    """DSN of a database without any table, dropped after the test."""
    dsn = pg_server.create(migrated=False)
    yield dsn
    pg_server.drop(dsn)


@pytest.fixture(scope="module")
def module_database(pg_servers: Callable[[int], PgServer]) -> Iterator[str]:
    """Like `database` on the default major, shared by the tests of one file that only read or keep to keys of their own."""
    server = pg_servers(int(os.environ.get("MPSYNCD_TEST_PG", "18")))
    dsn = server.create(migrated=True)
    yield dsn
    server.drop(dsn)
