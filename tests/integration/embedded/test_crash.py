"""Deaths that nobody planned: of the daemon, of the server, of one of its processes. No orphan stays, no committed row is lost."""

import asyncio
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from mpsyncd.model.errors import ConfigError
from mpsyncd.storage.embedded import EmbeddedPostgres, ServerState, read_runtime
from mpsyncd.storage.embedded.account import blocked_folder, by_name
from mpsyncd.storage.embedded.leftover import working_in
from mpsyncd.storage.embedded.runtime import alive
from support.embedded import QUICK, nobody_works_in, options, until

PROGRAM = Path(__file__).with_name("small_daemon.py")
REPOSITORY = Path(__file__).parents[3]


@dataclass
class SmallDaemon:
    """The program of `small_daemon.py` while it runs; `committed` is the last row that it told of."""

    process: asyncio.subprocess.Process
    committed: int = 0

    async def line(self) -> str:
        assert self.process.stdout is not None
        return (await asyncio.wait_for(self.process.stdout.readline(), 60)).decode().strip()

    async def ready(self) -> int:
        word, _, pid = (await self.line()).partition(" ")
        assert word == "ready"
        return int(pid)

    async def kill(self) -> None:
        """Kill −9, then read what it had told before."""
        self.process.kill()
        while told := await self.line():
            self.committed = int(told)
        await self.process.wait()


@asynccontextmanager
async def small_daemon(data: Path, major: int, *, user: str | None = None) -> AsyncIterator[SmallDaemon]:
    command = [sys.executable, str(PROGRAM), str(data), str(major)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
    account = by_name(user) if user is not None else None
    identity: dict[str, Any] = {"user": account.uid, "group": account.gid, "extra_groups": []} if account is not None else {}
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd="/", **identity
    )
    try:
        yield SmallDaemon(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def rows(dsn: str) -> list[int]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row["number"] for row in await connection.fetch("SELECT number FROM kept ORDER BY number")]
    finally:
        await connection.close()


async def test_killed_daemon_takes_its_server_along_and_no_committed_row_is_lost(home: Path, major: int) -> None:
    data = home / "data"
    async with small_daemon(data, major) as daemon:
        server_pid = await daemon.ready()
        while daemon.committed < 50:
            daemon.committed = int(await daemon.line())
        await daemon.kill()
    async with EmbeddedPostgres(options(data)) as server:  # at once: the old server may still be stopping
        assert server.status.pid != server_pid
        kept = await rows(server.dsn)
    assert kept in (list(range(1, daemon.committed + 1)), list(range(1, daemon.committed + 2)))  # one may be committed and not told
    await until(lambda: not alive(server_pid), what="the end of the killed daemon's server")
    await nobody_works_in(data / "postgres")


async def test_killed_daemon_leaves_no_orphan_even_when_nobody_starts_again(home: Path) -> None:
    async with small_daemon(home / "data", 18) as daemon:
        server_pid = await daemon.ready()
        await daemon.kill()
    await until(lambda: not alive(server_pid), what="the end of the killed daemon's server")
    await nobody_works_in(home / "data" / "postgres")
    assert read_runtime(home / "data") is None
    assert (home / "data" / "postgres.json").exists()  # stale, and known to be


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account; as a normal user every test here is this test")
async def test_the_same_for_a_normal_user(home: Path, major: int) -> None:
    nobody = by_name("nobody")
    for path in (Path(sys.executable), Path(sys.executable).resolve(), PROGRAM, REPOSITORY / "mpsyncd"):
        if (blocked := blocked_folder(path, nobody)) is not None:
            pytest.skip(f"nobody may not enter {blocked}, so it can not run the program")
    data = home / "data"
    data.mkdir(mode=0o700)
    os.chown(data, nobody.uid, nobody.gid)
    async with small_daemon(data, major, user="nobody") as daemon:
        server_pid = await daemon.ready()
        assert Path(f"/proc/{server_pid}").stat().st_uid == nobody.uid
        while daemon.committed < 20:
            daemon.committed = int(await daemon.line())
        await daemon.kill()
    await until(lambda: not alive(server_pid), what="the end of the killed daemon's server")
    await nobody_works_in(data / "postgres")
    async with small_daemon(data, major, user="nobody") as daemon:
        first_refused = daemon.committed  # its first insert meets the rows of the first life
        await daemon.ready()
        await daemon.process.wait()
    assert first_refused == 0
    assert daemon.process.returncode == 1  # duplicate key: the rows are there


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the account of the server")
async def test_root_never_runs_the_server_and_gives_away_only_what_it_made(home: Path) -> None:
    data = home / "data"
    async with EmbeddedPostgres(options(data)) as server:
        owner = Path(f"/proc/{server.status.pid}").stat().st_uid
        assert owner != 0
        assert (data / "postgres").stat().st_uid == owner
    assert (data.stat().st_uid, home.stat().st_uid, home.stat().st_mode & 0o777) == (0, 0, 0o711)
    async with EmbeddedPostgres(replace(options(data), os_user=pwd.getpwuid(owner).pw_name)):
        pass  # the owner by name is the same account
    with pytest.raises(ConfigError, match="belongs to"):
        async with EmbeddedPostgres(replace(options(data), os_user="daemon")):
            pass


async def test_daemon_killed_during_initdb_starts_well_the_next_time(home: Path) -> None:
    data = home / "data"
    async with small_daemon(data, 18) as daemon:
        await until(lambda: bool(list(data.glob("postgres.new.*/PG_VERSION"))), what="initdb at work")
        await daemon.kill()
    assert not (data / "postgres").exists()
    async with EmbeddedPostgres(options(data)) as server:
        assert server.state is ServerState.RUNNING


async def test_killed_server_is_started_again_at_the_same_address(home: Path, major: int) -> None:
    async with EmbeddedPostgres(options(home / "data", major=major)) as server:
        connection = await asyncpg.connect(server.dsn)
        await connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 100) AS number")
        address, first = server.dsn, server.status.pid
        for restarts in (1, 2):
            killed = server.status.pid
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            await until(lambda: server.state is ServerState.RESTARTING, what="the death to be noticed")
            assert "SIGKILL" in server.status.detail
            await until(lambda: server.state is ServerState.RUNNING, what="the restart")
            assert server.status.restarts >= restarts
        assert server.status.pid != first
        assert server.dsn == address
        assert await rows(address) == list(range(1, 101))
        runtime = read_runtime(home / "data")
        assert runtime is not None
        assert runtime.server_pid == server.status.pid
        connection.terminate()


async def test_killed_backend_is_recovered_by_postgresql_itself(home: Path) -> None:
    async with EmbeddedPostgres(options(home / "data")) as server:
        pid = server.status.pid
        connection = await asyncpg.connect(server.dsn)
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        os.kill(backend, signal.SIGKILL)
        await until(lambda: server.state is ServerState.RECOVERING, what="the crash to be noticed")
        await until(lambda: server.state is ServerState.RUNNING, what="the recovery")
        assert (server.status.pid, server.status.restarts) == (pid, 0)
        connection.terminate()
        connection = await asyncpg.connect(server.dsn)
        await connection.close()


async def test_a_server_that_can_not_come_back_is_given_up_in_words(home: Path) -> None:
    async with EmbeddedPostgres(options(home / "data")) as server:
        failed = asyncio.create_task(server.wait_failed())
        (home / "data" / "postgres" / "PG_VERSION").unlink()
        assert server.status.pid is not None
        os.kill(server.status.pid, signal.SIGKILL)
        with pytest.raises(ConfigError):
            await asyncio.wait_for(failed, 60)
        assert server.state is ServerState.FAILED
        assert server.status.pid is None


async def test_stopping_on_purpose_is_no_failure(home: Path) -> None:
    async with EmbeddedPostgres(options(home / "data")) as server:
        failed = asyncio.create_task(server.wait_failed())
        await asyncio.sleep(0)
        assert not failed.done()
    await asyncio.wait_for(failed, 10)


async def test_a_server_that_does_not_listen_to_signals_is_killed(home: Path) -> None:
    hasty = replace(QUICK, fast_stop=timedelta(milliseconds=300), immediate_stop=timedelta(milliseconds=300))
    async with EmbeddedPostgres(options(home / "data", timing=hasty)) as server:
        pid = server.status.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
    assert not alive(pid)
    await nobody_works_in(home / "data" / "postgres")


async def test_an_old_lock_file_that_names_a_stranger_is_removed(home: Path) -> None:
    data = home / "data"
    async with EmbeddedPostgres(options(data)):
        pass
    cluster = data / "postgres"
    owner = cluster.stat()
    identity: dict[str, Any] = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    stranger = await asyncio.create_subprocess_exec("sleep", "600", cwd="/", **identity)
    try:
        lock = cluster / "postmaster.pid"
        lock.write_text(f"{stranger.pid}\n{cluster}\n1700000000\n5432\n\n\n\n")
        os.chown(lock, owner.st_uid, owner.st_gid)
        async with EmbeddedPostgres(options(data)) as server:
            assert server.state is ServerState.RUNNING
        assert stranger.returncode is None  # nobody hurt it
    finally:
        stranger.kill()
        await stranger.wait()
    assert not list(working_in(cluster))
