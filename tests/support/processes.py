"""Real processes for end-to-end tests: an installation with its settings file, its commands, its daemons. Everything ends by its pid."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from inspect import isawaitable
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, Self

import aiohttp

PATIENCE_SECONDS = 60
_PAUSE = 0.05
_TAIL = 25
SCALE = 1_000
"""How many times faster than published the limits are, unless a test says otherwise."""


async def until(ask: Callable[[], Any], *, what: str | Callable[[], str], within: float = PATIENCE_SECONDS) -> Any:
    """Ask (a function, a coroutine) until the answer is true and return it; fail with `what` after the time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while True:
        answer = ask()
        known = await answer if isawaitable(answer) else answer
        if known:
            return known
        if loop.time() > end:
            message = f"waited {within:g} s in vain: {what() if callable(what) else what}"
            raise AssertionError(message)
        await asyncio.sleep(_PAUSE)


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that came to its end."""

    code: int
    out: str
    err: str


class DaemonProcess:
    """`mpsyncd run` as a process. Its log is kept in a file and read as JSON lines."""

    def __init__(self, command: list[str], *, log: Path) -> None:
        self._log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=environment(),
                cwd=log.parent,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def text(self) -> str:
        """Everything that it wrote to stderr."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """Logged events, of one name or all."""
        found = []
        for line in self.text().splitlines():
            with suppress(json.JSONDecodeError):
                event = json.loads(line)
                if name is None or event.get("event") == name:
                    found.append(event)
        return found

    async def ready(self, *, within: float = PATIENCE_SECONDS) -> str:
        """Wait until it says that it is ready; the address of its status server."""

        def told() -> list[dict[str, Any]]:
            if not self.alive:
                raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self._tail()}")
            return self.events("daemon_ready")

        [ready] = await until(told, what="daemon_ready in the log", within=within)
        return str(ready["url"])

    async def get(self, path: str, *, accept: str = "application/json") -> tuple[int, str]:
        """Status and text of an answer of its status server."""
        url = self.events("daemon_ready")[0]["url"]
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=45)) as session,
            session.get(f"{url}{path}", headers={"Accept": accept}) as answer,
        ):
            return answer.status, await answer.text()

    async def kill(self) -> None:
        """Kill -9, and collect it."""
        self.process.kill()
        await self.ended()

    async def terminate(self) -> int:
        """Send SIGTERM and wait; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self, *, within: float = PATIENCE_SECONDS) -> int:
        """Wait for the end; the exit code."""
        await until(lambda: not self.alive, what=lambda: f"the end of the daemon:\n{self._tail()}", within=within)
        return int(self.process.wait())

    def close(self) -> None:
        """End it whatever it does."""
        if self.alive:
            self.process.kill()
        self.process.wait()

    def _tail(self) -> str:
        return "\n".join(self.text().splitlines()[-_TAIL:])


class SandboxProcess(AbstractContextManager["SandboxProcess"]):
    """`mpsyncd sandbox` as a process, with the demo's shops. It also ends when this process does, because its stdin is closed then."""

    url: str
    shops: list[dict[str, str]]

    def __init__(self, *, limit_scale: float, event_rate: float) -> None:
        speed = ["--limit-scale", str(limit_scale), "--event-rate", str(event_rate)]
        self._command = [sys.executable, "-m", "mpsyncd", "sandbox", "--port", "0", "--until-eof", *speed]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()
        )
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        self.url, self.shops = told["url"], told["shops"]
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()


class Installation:
    """A settings file with its data folder. `dsn` None: with a PostgreSQL of its own."""

    def __init__(self, home: Path, *, sandbox: str, dsn: str | None = None, **tables: Mapping[str, Any]) -> None:
        self.home = home
        self.data = home / "data"
        self.settings_file = home / "mpsyncd.toml"
        self.daemons: list[DaemonProcess] = []
        self._dsn = dsn
        self.tables: dict[str, dict[str, Any]] = {
            "database": {"data_dir": str(self.data), "runtime_dir": str(home / "run")} | ({} if dsn is None else {"dsn": dsn}),
            "http": {"port": 0},
            "log": {"level": "info", "format": "json"},
            "engine": {"lease_ttl": "3 s"},
            "transport": {"limit_scale": SCALE},
            "sources.wildberries": {"base_url": f"{sandbox}/wb/{{host}}"},
        }
        if dsn is None:
            self.tables["database.settings"] = {"shared_buffers": "16MB"}
        self.set(**tables)

    def set(self, **tables: Mapping[str, Any]) -> None:
        """Change settings and write the file; `__` in a name stands for the dot."""
        for name, values in tables.items():
            self.tables.setdefault(name.replace("__", "."), {}).update(values)
        self.settings_file.write_text(_toml(self.tables), encoding="utf-8")

    @property
    def cluster(self) -> Path:
        """The directory of its own PostgreSQL."""
        return self.data / "postgres"

    async def command(self, *arguments: str, stdin: str = "", within: float = PATIENCE_SECONDS) -> Ended:
        """Run a command to its end."""
        process = await asyncio.create_subprocess_exec(
            *self._command(*arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            cwd=self.home,
        )
        try:
            async with asyncio.timeout(within):
                out, err = await process.communicate(stdin.encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return Ended(process.returncode or 0, out.decode(), err.decode())

    async def good(self, *arguments: str, stdin: str = "") -> str:
        """Run a command that must end well; what it printed."""
        ended = await self.command(*arguments, stdin=stdin)
        assert ended.code == 0, f"{' '.join(arguments)} ended with {ended.code}: {ended.err}"
        return ended.out

    async def add_shop(self, name: str, token: str) -> int:
        """Add a shop as a person would; its number."""
        out = await self.good("shops", "add", "wildberries", "--token-file", "-", "--name", name, "--json", stdin=token)
        return int(json.loads(out)["shop"]["shop_id"])

    async def dsn(self) -> str:
        """The address of the database as `mpsyncd dsn` tells it."""
        return self._dsn or (await self.good("dsn")).strip()

    def start(self) -> DaemonProcess:
        """Start a daemon."""
        log = self.home / f"daemon-{len(self.daemons)}.log"
        daemon = DaemonProcess(self._command("run"), log=log)
        self.daemons.append(daemon)
        return daemon

    async def started(self) -> DaemonProcess:
        """Start a daemon and wait until it is ready."""
        daemon = self.start()
        await daemon.ready()
        return daemon

    async def restarted(self, daemon: DaemonProcess) -> DaemonProcess:
        """Stop a daemon cleanly and start the next one."""
        assert await daemon.terminate() == 0
        return await self.started()

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "mpsyncd", "--config", str(self.settings_file), *arguments]

    def close(self) -> None:
        """End every daemon and whatever works in the database directory."""
        for daemon in self.daemons:
            daemon.close()
        for pid in working_in(self.cluster):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


Install = Callable[..., Installation]
"""The fixture `install`: (sandbox's address, dsn=…, settings by table) -> Installation."""


@contextmanager
def new_home() -> Iterator[Path]:
    """A short folder, because a socket's path is short, that the database account may enter."""
    folder = Path(mkdtemp(prefix="mpx"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)


def environment() -> dict[str, str]:
    """This process's variables without settings of mpsyncd."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MPSYNCD_", "STATE_DIR", "RUNTIME_DIR"))}
    return kept | {"LC_ALL": "C.UTF-8"}


def working_in(folder: Path) -> list[int]:
    """Processes whose working directory is this folder: servers of a cluster."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                if (entry / "cwd").readlink() == folder:
                    found.append(int(entry.name))
    return found


async def nobody_works_in(folder: Path) -> None:
    """Return when the last server of a cluster is gone."""
    await until(lambda: not working_in(folder), what=f"the end of the servers in {folder}")


def _toml(tables: Mapping[str, Mapping[str, Any]]) -> str:
    parts = []
    for name, values in tables.items():
        lines = [f"{key} = {_value(value)}" for key, value in values.items()]
        parts.append("\n".join([f"[{name}]", *lines]))
    return "\n\n".join(parts) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)
