"""What can not work is refused in words: what, where, why and the next step; and nothing is harmed by the attempt."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from mpsyncd.model.errors import ConfigError, MpsyncdError, StorageUnavailable
from mpsyncd.storage.embedded import EmbeddedOptions, EmbeddedPostgres, ServerState, read_runtime
from mpsyncd.storage.embedded.binaries import find_auto
from support.embedded import nobody_works_in, options, until


async def refusal(chosen: EmbeddedOptions, kind: type[MpsyncdError] = ConfigError) -> str:
    """The message with which a start is refused."""
    with pytest.raises(kind) as refused:
        async with EmbeddedPostgres(chosen):
            pass
    return str(refused.value)


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    """A file system of its own, so that it can be filled; skips where mounting is not allowed."""
    folder.mkdir()
    size = f"size={megabytes}m,mode=711"
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine does not let root mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


async def insert_until_refused(dsn: str) -> int:
    """Commit rows of about 100 kB each until the server refuses or dies; the number of those it confirmed."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE kept (number bigint, filler text)")
    await connection.execute("ALTER TABLE kept ALTER filler SET STORAGE EXTERNAL")
    for number in range(1, 10_000):
        try:
            await connection.execute("INSERT INTO kept SELECT $1::bigint, repeat(md5($1::bigint::text), 3000)", number)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            connection.terminate()
            return number - 1
    pytest.fail("the disk never became full")


async def count_kept(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM kept"))
    finally:
        await connection.close()


async def test_a_second_daemon_is_told_who_has_the_directory_and_disturbs_nothing(home: Path) -> None:
    data = home / "data"
    async with EmbeddedPostgres(options(data)) as first:
        said = await refusal(options(data))
        assert f"Another daemon (process {os.getpid()}) uses the data directory {data}" in said
        assert first.state is ServerState.RUNNING
        runtime = read_runtime(data)
        assert runtime is not None
        connection = await asyncpg.connect(runtime.dsn)
        await connection.close()


async def test_a_server_that_somebody_else_started_is_named(home: Path) -> None:
    data = home / "data"
    async with EmbeddedPostgres(options(data)) as server:
        command = Path(f"/proc/{server.status.pid}/cmdline").read_text().strip("\0").split("\0")
    owner = (data / "postgres").stat()
    identity: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    sockets = home / "other"
    sockets.mkdir()
    os.chown(sockets, owner.st_uid, owner.st_gid)
    command.append(f"--unix_socket_directories={sockets}")
    foreign = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL, cwd="/", **identity)
    try:
        await until((sockets / ".s.PGSQL.5432").exists, what="the foreign server's socket")
        said = await refusal(options(data))
        assert f"Another PostgreSQL server (process {foreign.pid}) uses the data directory {data / 'postgres'}" in said
        assert foreign.returncode is None
    finally:
        foreign.send_signal(signal.SIGINT)
        await foreign.wait()


async def test_a_data_directory_of_another_major_is_used_by_its_own_major_or_refused(home: Path) -> None:
    data = home / "data"
    async with EmbeddedPostgres(options(data, major=16)):
        pass
    async with EmbeddedPostgres(options(data)) as server:  # auto: the programs follow the data
        assert (server.status.version or "").startswith("16.")
    said = await refusal(options(data, major=18))
    assert f"The data directory {data / 'postgres'} is of PostgreSQL 16" in said
    assert "embedded_major = 16" in said
    newest = find_auto()[0]
    assert newest.major == 18
    said = await refusal(replace(options(data), binaries=newest.folder))
    assert "is of PostgreSQL 16, but the programs found are of PostgreSQL 18" in said
    assert "pg_dump" in said


async def test_a_folder_with_something_else_in_it_is_left_alone(home: Path) -> None:
    (home / "data" / "postgres").mkdir(parents=True)
    (home / "data").chmod(0o711)
    (home / "data" / "postgres" / "letters.txt").write_text("dear")
    assert "is not empty and no PostgreSQL cluster" in await refusal(options(home / "data"))
    assert (home / "data" / "postgres" / "letters.txt").read_text() == "dear"


async def test_a_socket_path_that_is_too_long_is_measured(home: Path) -> None:
    said = await refusal(options(home / "data", runtime_dir=home / ("ы" * 60)))
    assert "has " in said
    assert "bytes, the system allows 107" in said
    assert "runtime_dir" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="a normal user runs the server itself")
async def test_root_is_told_which_parent_is_closed_to_the_database(home: Path) -> None:
    private = home / "private"
    private.mkdir(mode=0o700)
    said = await refusal(options(private / "data"))
    assert f"may not enter {private} on the way to" in said
    assert "data_dir" in said
    assert private.stat().st_mode & 0o777 == 0o700
    assert list(private.iterdir()) == []
    assert f"may not enter {private}" in await refusal(options(home / "data", runtime_dir=private / "run"))


async def test_a_place_where_no_folder_can_be_made_is_named(home: Path) -> None:
    (home / "file").write_text("")
    assert str(home / "file") in await refusal(options(home / "file"))
    assert str(home / "file") in await refusal(options(home / "file" / "data"))
    assert "/proc/mpsyncd" in await refusal(options(Path("/proc/mpsyncd")))


async def test_a_refused_setting_is_quoted(home: Path) -> None:
    said = await refusal(options(home / "data", settings={"shared_bufferz": "1"}))
    assert "shared_bufferz" in said
    assert "[database.settings]" in said


async def test_a_taken_port_is_explained(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert "port" in await refusal(options(home / "data", port=port, listen_tcp=True))
    await nobody_works_in(home / "data" / "postgres")


async def test_a_wrong_password_file_is_explained(home: Path) -> None:
    async with EmbeddedPostgres(options(home / "data")):
        pass
    (home / "data" / "postgres.password").write_text("invented\n")
    said = await refusal(options(home / "data"))
    assert "postgres.password" in said
    assert "remove that file" in said
    await nobody_works_in(home / "data" / "postgres")


async def test_programs_that_are_none_are_named(home: Path) -> None:
    assert str(home) in await refusal(replace(options(home / "data"), binaries=home))
    assert "PostgreSQL 13" in await refusal(options(home / "data", major=13))


async def test_an_unknown_account_is_named(home: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("a normal user never changes the account")
    assert "no-such-account" in await refusal(replace(options(home / "data"), os_user="no-such-account"))
    assert "root" in await refusal(replace(options(home / "data"), os_user="root"))


async def test_a_disk_too_small_for_a_cluster_is_called_full_and_nothing_half_made_stays(home: Path) -> None:
    with small_disk(home / "disk", megabytes=12) as disk:
        said = await refusal(options(disk / "data"), StorageUnavailable)
        assert "full" in said
        assert str(disk / "data") in said
        assert not (disk / "data" / "postgres").exists()
        assert not list((disk / "data").glob("postgres.new.*"))


async def test_a_disk_that_fills_up_is_waited_for_and_committed_rows_stay(home: Path) -> None:
    with small_disk(home / "disk", megabytes=160) as disk:
        async with EmbeddedPostgres(options(disk / "data", settings={"wal_init_zero": "off", "wal_recycle": "off"})) as server:
            filler = disk / "filler"
            free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
            filler.write_bytes(bytes(free - 6 * 1024 * 1024))
            committed = await insert_until_refused(server.dsn)
            await until(lambda: server.state is ServerState.DISK_FULL, what="the full disk to be noticed")
            assert "No space left" in server.status.detail
            filler.unlink()
            await until(lambda: server.state is ServerState.RUNNING, what="the database to go on")
            assert await count_kept(server.dsn) == committed > 0
        await nobody_works_in(disk / "data" / "postgres")


async def test_a_full_disk_of_the_write_ahead_log_ends_the_server_and_it_comes_back(home: Path) -> None:
    data = home / "data"
    async with EmbeddedPostgres(options(data)):
        pass
    with small_disk(home / "disk", megabytes=200) as disk:
        log_folder = data / "postgres" / "pg_wal"
        owner = log_folder.stat()
        shutil.move(log_folder, disk / "pg_wal")
        for path in (disk / "pg_wal", *(disk / "pg_wal").rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
        log_folder.symlink_to(disk / "pg_wal")
        async with EmbeddedPostgres(options(data)) as server:
            filler = disk / "filler"
            free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
            filler.write_bytes(bytes(free - 20 * 1024 * 1024))  # one segment more
            committed = await insert_until_refused(server.dsn)
            await until(lambda: server.state is ServerState.DISK_FULL and server.status.restarts > 1, what="tries on a full disk")
            assert "disk" in server.status.detail
            filler.unlink()
            await until(lambda: server.state is ServerState.RUNNING, what="the database to go on")
            assert committed <= await count_kept(server.dsn) <= committed + 1  # one may be committed and not told
            assert committed > 0
    await nobody_works_in(data / "postgres")
