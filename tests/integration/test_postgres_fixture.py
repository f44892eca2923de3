"""The shared database fixture keeps its promises: right major, fresh copies, nobody left behind."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg

from support.marks import both_majors
from support.postgres import PgServer

CRASHING = """
import os, pathlib, signal, sys
sys.path.insert(0, sys.argv[1])
from support.postgres import PgServer
async def nothing(dsn): pass
server = PgServer(18, migrate=nothing).__enter__()
print(server._process.pid, server._home, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


async def _tables(dsn: str) -> set[str]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace >= 16384 ORDER BY 1")
        await connection.execute("CREATE TABLE public.left_by_a_test (id int)")
        left = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    finally:
        await connection.close()
    assert left == 1, "a fresh database already holds another test's table"
    return {row["relname"] for row in rows}


@both_majors
async def test_server_is_of_the_major_asked_for(empty_database: str, pg_major: int) -> None:
    connection = await asyncpg.connect(empty_database)
    version = await connection.fetchval("SHOW server_version_num")
    assert await connection.fetchval("SELECT 'я' < 'ё'") is True  # one code-point order on every major
    await connection.close()
    assert int(version) // 10000 == pg_major


@both_majors
async def test_copies_of_the_template_are_fresh_and_equal(database: str, pg_server: PgServer) -> None:
    first = await _tables(database)
    dsn = pg_server.create(migrated=True)
    second = await _tables(dsn)
    pg_server.drop(dsn)
    assert first == second


async def test_empty_database_has_no_tables(empty_database: str) -> None:
    assert await _tables(empty_database) == set()


def test_killed_test_process_leaves_no_server(tmp_path: Path) -> None:
    script = tmp_path / "crash.py"
    script.write_text(CRASHING)
    tests = Path(__file__).parents[1]
    child = subprocess.run([sys.executable, script, tests], capture_output=True, text=True, timeout=60, check=False)
    assert child.returncode == -signal.SIGKILL, child.stderr
    pid, home = child.stdout.split()
    deadline = time.monotonic() + 20
    while _alive(int(pid)):
        assert time.monotonic() < deadline, f"PostgreSQL {pid} outlived the process that started it"
        time.sleep(0.02)
    shutil.rmtree(home)


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except FileNotFoundError:
        return False
