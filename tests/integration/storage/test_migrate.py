"""Migrations: several starters, locks, changed files, newer databases, both majors."""

import asyncio
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from mpsyncd.model.errors import ConfigError, StorageUnavailable
from mpsyncd.storage.migrate import load_migrations, migrate, pending, schema_state
from support.marks import both_majors
from support.postgres import PgServer

ALL = [one.name for one in load_migrations()]


def folder_with(tmp_path: Path, **files: str) -> Path:
    for name, sql in files.items():
        (tmp_path / f"{name.removeprefix('m')}.sql").write_text(sql)
    return tmp_path


async def fetchval(dsn: str, statement: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@both_majors
async def test_an_empty_database_gets_everything_once(empty_database: str) -> None:
    assert await pending(empty_database) == ALL
    assert await migrate(empty_database) == ALL
    assert await migrate(empty_database) == []
    assert await pending(empty_database) == []
    connection = await asyncpg.connect(empty_database)
    state = await schema_state(connection)
    await connection.close()
    assert state.ready
    assert state.current == state.expected == ALL[-1]


async def test_five_starters_apply_each_migration_once(empty_database: str) -> None:
    applied = await asyncio.gather(*(migrate(empty_database) for _ in range(5)))
    assert sorted(name for one in applied for name in one) == ALL
    assert await fetchval(empty_database, "SELECT count(*) FROM mpsync.migrations") == len(ALL)


async def test_an_editors_blanks_are_no_change_but_words_are(empty_database: str, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, m0001_a="CREATE TABLE a (x int);\n-- why\n")
    await migrate(empty_database, folder=folder)
    folder_with(tmp_path, m0001_a="\ufeffCREATE TABLE a (x int);  \r\n-- why")
    assert await migrate(empty_database, folder=folder) == []
    folder_with(tmp_path, m0001_a="CREATE TABLE a (x bigint);\n-- why\n")
    with pytest.raises(ConfigError, match="0001_a was applied to the database in another wording"):
        await migrate(empty_database, folder=folder)


async def test_a_newer_database_is_refused_and_left_alone(empty_database: str, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, m0001_a="CREATE TABLE a ()", m0002_b="CREATE TABLE b ()")
    await migrate(empty_database, folder=folder)
    (tmp_path / "0002_b.sql").unlink()
    folder_with(tmp_path, m0003_c="CREATE TABLE c ()")
    with pytest.raises(ConfigError, match="newer than this program: it has 0002_b"):
        await migrate(empty_database, folder=folder)
    assert await fetchval(empty_database, "SELECT to_regclass('c')") is None
    connection = await asyncpg.connect(empty_database)
    state = await schema_state(connection, folder=folder)
    await connection.close()
    assert not state.ready
    assert "newer" in (state.problem or "")


async def test_a_gap_is_refused(empty_database: str, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, m0001_a="CREATE TABLE a ()", m0003_c="CREATE TABLE c ()")
    await migrate(empty_database, folder=folder)
    folder_with(tmp_path, m0002_b="CREATE TABLE b ()", m0101_d="CREATE TABLE d ()")
    with pytest.raises(ConfigError, match="0002_b was skipped"):
        await migrate(empty_database, folder=folder)
    assert await fetchval(empty_database, "SELECT to_regclass('d')") is None


async def test_a_failing_migration_leaves_nothing_and_names_itself(empty_database: str, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, m0001_a="CREATE TABLE a ()", m0002_b="CREATE TABLE b (); SELECT 1/0")
    with pytest.raises(ConfigError, match="Migration 0002_b failed and left nothing behind: division by zero"):
        await migrate(empty_database, folder=folder)
    assert await fetchval(empty_database, "SELECT to_regclass('b')") is None
    assert await pending(empty_database, folder=folder) == ["0002_b"]


async def test_a_locked_table_does_not_hang_the_start(empty_database: str, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, m0001_a="CREATE TABLE a (x int)")
    await migrate(empty_database, folder=folder)
    folder_with(tmp_path, m0002_b="ALTER TABLE a ADD y int")
    reader = await asyncpg.connect(empty_database)
    try:
        async with reader.transaction():
            await reader.execute("SELECT * FROM a")
            with pytest.raises(StorageUnavailable, match="locked by somebody else"):
                await migrate(empty_database, folder=folder, lock_timeout=timedelta(milliseconds=50))
    finally:
        await reader.close()
    assert await migrate(empty_database, folder=folder) == ["0002_b"]


@pytest.mark.parametrize("name,why", [("m1_a", "no name for a migration"), ("m0001_B", "no name for a migration")])
async def test_a_badly_named_file_is_refused(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        load_migrations(folder_with(tmp_path, **{name: ""}))


async def test_a_number_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="share the number 0001"):
        load_migrations(folder_with(tmp_path, m0001_a="", m0001_b=""))


async def test_an_account_without_rights_is_told_so(empty_database: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(empty_database)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f'CREATE ROLE "{name}_guest" LOGIN')
    await connection.close()
    folder = folder_with(tmp_path, m0001_a="CREATE TABLE a ()")
    with pytest.raises(ConfigError, match="permission denied"):
        await migrate(empty_database.replace("postgres@", f"{name}_guest@"), folder=folder)


async def test_an_address_that_can_not_work_is_refused_without_its_password() -> None:
    for dsn, kind, why in (
        ("postgresql://me:hunter2@127.0.0.1:1/x", StorageUnavailable, "refused"),
        ("http://me:hunter2@127.0.0.1/x", ConfigError, "can not be used"),
    ):
        with pytest.raises(kind, match=why) as caught:
            await migrate(dsn)
        assert "hunter2" not in str(caught.value)


async def test_a_database_that_does_not_exist_is_a_matter_of_settings(pg_server: PgServer) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        await migrate(pg_server.dsn("nobody_made_this"))
