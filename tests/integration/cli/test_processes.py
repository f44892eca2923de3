"""Real processes: the daemon and the demo from the outside, their signals, and what they leave behind."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError, URLError

import orjson
import pytest

from mpsyncd.sources.kaiten.source import KAITEN
from mpsyncd.sources.wildberries.source import WILDBERRIES
from mpsyncd.storage.embedded.leftover import working_in
from support.embedded import home

PATIENCE = 60
MPSYNCD = [sys.executable, "-m", "mpsyncd"]


def _environ(data_dir: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MPSYNCD_")}
    return kept | {"MPSYNCD_DATABASE__DATA_DIR": str(data_dir), "MPSYNCD_HTTP__PORT": "0"}


@contextmanager
def _process(*arguments: str, environ: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A command in a session of its own, its stderr in a file; killed at the end if it still runs."""
    with (folder / "stderr").open("w") as log:
        process = subprocess.Popen(
            [*MPSYNCD, *arguments], env=environ, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            process.communicate()


def _words(folder: Path, pattern: str, process: subprocess.Popen[str]) -> str:
    """The first group of a pattern in what the process says on stderr, as soon as it says it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        text = (folder / "stderr").read_text()
        if found := re.search(pattern, text):
            return found[1]
        assert process.poll() is None, text
        time.sleep(0.05)
    raise AssertionError(f"{pattern} was not said:\n{text}")


def _get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - loopback
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()


def _run(*arguments: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MPSYNCD, *arguments], env=environ, text=True, capture_output=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL
    )


def test_a_daemon_on_its_own_database_from_start_to_sigterm() -> None:
    with home() as folder:
        environ = _environ(folder / "data")
        assert _run("dsn", environ=environ).returncode == 75
        with _process("run", environ=environ, folder=folder) as process:
            url = _words(folder, r'"url":"(http://[^"]+)".*"event":"daemon_ready"', process)
            assert _get(f"{url}/healthz")[0] == 200
            assert _get(f"{url}/readyz")[0] == 200
            assert orjson.loads(_get(f"{url}/status")[1])["shops"] == []
            asked = _run("psql", "-At", "-c", "select count(*) from mpsync.shops", environ=environ)
            assert (asked.returncode, asked.stdout) == (0, "0\n"), asked.stderr
            assert _run("dsn", environ=environ).stdout.startswith("postgresql://")
            assert f"daemon {process.pid} on" in _run("status", environ=environ).stdout
            second = _run("run", environ=environ)
            assert second.returncode == 78
            assert second.stderr.splitlines()[-1].startswith("mpsyncd: ")
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        with pytest.raises(URLError):
            _get(f"{url}/healthz")
        assert list(working_in(folder / "data" / "postgres")) == []
        lines = [orjson.loads(line) for line in (folder / "stderr").read_text().splitlines()]
        assert lines[-1]["event"] == "daemon_stopped"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_ends_cleanly_with_everything_it_started(number: signal.Signals) -> None:
    with home() as folder, _process("demo", environ=_environ(folder / "unused"), folder=folder) as process:
        sandbox = _words(folder, r"plays the vendors at (http://\S+?)\. ", process)
        status = _words(folder, r"Status: (http://\S+)", process)
        data = Path(_words(folder, r"Database: .*host=(/[^&\s]+)/postgres\.run", process))
        assert _get(f"{sandbox}/_stats")[0] == 200
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0, (folder / "stderr").read_text()
        assert not data.exists()
        for url in (sandbox, status):
            with pytest.raises((URLError, ConnectionError)):
                _get(url)


def test_the_sandbox_ends_with_a_killed_demo() -> None:
    with home() as folder, _process("demo", environ=_environ(folder / "unused"), folder=folder) as process:
        sandbox = _words(folder, r"plays the vendors at (http://\S+?)\. ", process)
        data = Path(_words(folder, r"Database: .*host=(/[^&\s]+)/postgres\.run", process))
        process.kill()
        process.wait()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                _get(sandbox)
            except (URLError, ConnectionError):
                break
            time.sleep(0.05)
        else:
            pytest.fail("the sandbox outlived the demo")
        while list(working_in(data / "postgres")):
            assert time.monotonic() < deadline, "PostgreSQL outlived the demo"
            time.sleep(0.05)


@pytest.mark.timeout(300)
def test_a_demo_once_is_equal_to_the_truth() -> None:
    with home() as folder, _process("demo", "--once", "--json", environ=_environ(folder / "unused"), folder=folder) as process:
        out, _ = process.communicate(timeout=280)
        told = (folder / "stderr").read_text()
        assert process.returncode == 0, told + out
    report = orjson.loads(out)
    assert report["equal"] is True
    rows = {(each["shop"], each["table"]): each for each in report["tables"]}
    sources = {"north-wind": WILDBERRIES, "linen-shop": WILDBERRIES, "small-toys": WILDBERRIES, "quiet-yard": KAITEN}
    declared = {(shop, table.name) for shop, source in sources.items() for stream in source.streams for table in stream.tables}
    assert rows.keys() == declared - {(shop, "wb.chat_attachments") for shop in sources}, "what the truth does not tell apart"
    assert rows["north-wind", "wb.orders"]["rows"] > 3_000
    parked = {key for key, each in rows.items() if each["parked"]}
    assert {shop for shop, _ in parked} == {"linen-shop", "small-toys"}
    assert {("linen-shop", "wb.cards"), ("small-toys", "wb.orders")} <= parked
    assert "times faster than published" in told
