"""A sandbox for all tests of commands, and commands that use it with a database of their own."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpsyncd.cli.neighbour import Neighbour, sandbox_process
from support.cli import Cli


@pytest.fixture(scope="module")
def neighbour() -> Iterator[Neighbour]:
    """A sandbox whose world stands still and whose limits hardly exist."""
    with asyncio.Runner() as runner:
        context = sandbox_process(limit_scale=10_000, event_rate=0)
        yield runner.run(context.__aenter__())
        runner.run(context.__aexit__(None, None, None))


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, empty_database: str, neighbour: Neighbour
) -> Cli:
    """Commands on an empty database and the sandbox."""
    monkeypatch.chdir(tmp_path)
    environ = {
        "MPSYNCD_DATABASE__DSN": empty_database,
        "MPSYNCD_DATABASE__DATA_DIR": str(tmp_path / "data"),
        "MPSYNCD_HTTP__PORT": "0",
        "MPSYNCD_TRANSPORT__LIMIT_SCALE": "10000",
        "MPSYNCD_SOURCES__WILDBERRIES__BASE_URL": f"{neighbour.url}/wb/{{host}}",
    }
    return Cli(monkeypatch, capsys, environ)
