"""The ordinary life of the embedded PostgreSQL: first start, what others see of it, a clean end, the next start."""

import asyncio
import os
import socket
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from mpsyncd.storage.embedded import EmbeddedOptions, EmbeddedPostgres, ServerState, read_runtime
from mpsyncd.storage.embedded.binaries import probe, system_folders
from mpsyncd.storage.embedded.options import OLDEST_MAJOR
from support.embedded import nobody_works_in, options


async def test_first_start_makes_a_database_fit_for_russian_text_and_closed_to_the_network(home: Path, major: int) -> None:
    async with EmbeddedPostgres(EmbeddedOptions(data_dir=home / "data", major=major)) as server:
        connection = await asyncpg.connect(server.dsn)
        settings = {row["name"]: row["setting"] for row in await connection.fetch("SELECT name, setting FROM pg_settings")}
        assert int(settings["server_version_num"]) // 10_000 == major
        assert await connection.fetchval("SELECT current_database()") == "mpsyncd"
        assert await connection.fetchval("SELECT lower('ЗАКАЗ Ё')") == "заказ ё"
        await connection.close()
    expected = {"listen_addresses": "", "fsync": "on", "synchronous_commit": "on", "TimeZone": "UTC", "data_checksums": "on"}
    assert {name: settings[name] for name in expected} == expected


async def test_what_it_leaves_on_the_disk_is_private(home: Path) -> None:
    data = home / "data"
    async with EmbeddedPostgres(options(data)) as server:
        modes = {path.name: path.stat().st_mode & 0o777 for path in data.iterdir()}
        assert modes["postgres"] == modes["postgres.run"] == 0o700
        assert modes["postgres.password"] == modes["postgres.json"] == modes["postgres.lock"] == 0o600
        password = (data / "postgres.password").read_text().strip()
        assert len(password) >= 32
        assert password not in (data / "postgres.json").read_text()
        arguments = Path(f"/proc/{server.status.pid}/cmdline").read_bytes()
        assert password.encode() not in arguments


async def test_no_secret_of_the_daemon_reaches_the_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAITEN_API_TOKEN", "invented-secret")
    async with EmbeddedPostgres(options(home / "data")) as server:
        assert b"invented-secret" not in Path(f"/proc/{server.status.pid}/environ").read_bytes()


async def test_the_superuser_can_not_come_in_without_the_password(home: Path) -> None:
    async with EmbeddedPostgres(options(home / "data")) as server:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(replace(server.address, password="guessed").dsn)


async def test_other_commands_find_it_while_it_runs_and_only_then(home: Path) -> None:
    data = home / "data"
    assert read_runtime(data) is None
    async with EmbeddedPostgres(options(data)) as server:
        runtime = read_runtime(data)
        assert runtime is not None
        assert (runtime.dsn, runtime.pid, runtime.server_pid) == (server.dsn, os.getpid(), server.status.pid)
    assert read_runtime(data) is None


async def test_psql_understands_both_urls(home: Path) -> None:
    async with EmbeddedPostgres(options(home / "data")) as server:
        runtime = read_runtime(home / "data")
        assert runtime is not None
        psql = [str(runtime.programs / "psql"), "--no-psqlrc", "-Atc", "SELECT current_user"]
        plain = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        cases: tuple[tuple[list[str], dict[str, str]], ...] = (
            ([server.dsn], plain),
            ([server.address.public_dsn], plain | {"PGPASSWORD": server.address.password}),
            ([], plain | server.address.environment()),
        )
        for arguments, variables in cases:
            answer = await asyncio.to_thread(subprocess.run, [*psql, *arguments], env=variables, capture_output=True, text=True, timeout=30)
            assert (answer.returncode, answer.stdout) == (0, "mpsyncd\n"), answer.stderr


async def test_a_clean_end_leaves_no_process_and_the_next_start_has_the_rows(home: Path, major: int) -> None:
    data = home / "data"
    async with EmbeddedPostgres(options(data, major=major)) as server:
        connection = await asyncpg.connect(server.dsn)
        await connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        first = server.dsn  # the connection stays open: a fast stop does not wait for clients
    assert server.state is ServerState.STOPPED
    assert server.status.pid is None
    assert not (data / "postgres.run").exists()
    assert not (data / "postgres" / "postmaster.pid").exists()
    await nobody_works_in(data / "postgres")
    connection.terminate()
    async with EmbeddedPostgres(options(data)) as server:
        assert server.dsn == first
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("SELECT number FROM kept") == 7
        await connection.close()
        assert (server.state, server.status.restarts) == (ServerState.RUNNING, 0)


async def test_programs_of_the_system_serve_where_there_are_any(home: Path) -> None:
    found = [installation for folder in system_folders() if (installation := probe(folder, origin="system"))]
    usable = [installation for installation in found if installation.major >= OLDEST_MAJOR]
    if not usable:
        pytest.skip("this machine has no PostgreSQL of its own")
    chosen = replace(options(home / "data"), binaries=usable[0].folder)
    async with EmbeddedPostgres(chosen) as server:
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("SELECT lower('Ё')") == "ё"
        await connection.close()
        assert server.status.version == usable[0].version


async def test_tcp_is_opened_on_loopback_by_wish(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe_socket:
        port = probe_socket.getsockname()[1]
    async with EmbeddedPostgres(options(home / "data", port=port, listen_tcp=True)) as server:
        connection = await asyncpg.connect(replace(server.address, host="127.0.0.1").dsn)
        assert await connection.fetchval("SHOW listen_addresses") == "127.0.0.1"
        await connection.close()


async def test_a_data_directory_too_deep_for_a_socket_gets_a_short_one(home: Path) -> None:
    data = home / ("d" * 100)
    async with EmbeddedPostgres(options(data)) as server:
        folder = Path(server.address.host)
        assert not folder.is_relative_to(data)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert read_runtime(data) is not None
    assert not folder.exists()


async def test_a_lost_password_file_is_made_again(home: Path, major: int) -> None:
    data = home / "data"
    async with EmbeddedPostgres(options(data, major=major)) as server:
        first = server.address.password
    (data / "postgres.password").unlink()
    async with EmbeddedPostgres(options(data)) as server:
        assert server.address.password != first
        connection = await asyncpg.connect(server.dsn)
        await connection.close()


async def test_it_is_refused_outside_of_the_main_thread(home: Path) -> None:
    async def attempt() -> None:
        async with EmbeddedPostgres(options(home / "data")):
            pass

    refused: list[str] = []

    def in_thread() -> None:
        try:
            asyncio.run(attempt())
        except RuntimeError as error:
            refused.append(str(error))

    thread = threading.Thread(target=in_thread)
    thread.start()
    await asyncio.to_thread(thread.join)
    assert "main thread" in refused[0]


async def test_cancelling_the_start_leaves_nothing_behind(home: Path) -> None:
    data = home / "data"
    async with EmbeddedPostgres(options(data)):
        pass

    async def hold() -> None:
        async with EmbeddedPostgres(options(data)):
            await asyncio.Event().wait()

    holding = asyncio.create_task(hold())
    while not (data / "postgres" / "postmaster.pid").exists():
        await asyncio.sleep(0)
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    await nobody_works_in(data / "postgres")
    async with EmbeddedPostgres(options(data)) as server:
        assert server.state is ServerState.RUNNING
