"""Runs commands inside the test process, as `mpsyncd` would."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from mpsyncd.cli.boundary import main


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout, which must be JSON as a whole."""
        return orjson.loads(self.out)


class Cli:
    """`cli("shops", "list")` runs a command with these variables and nothing of the machine's own settings."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environ: Mapping[str, str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        for name, value in environ.items():
            monkeypatch.setenv(name, value)

    def __call__(self, *arguments: str, stdin: str = "") -> Result:
        self._monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        captured = self._capsys.readouterr()
        code = ended.value.code
        return Result(code=code if isinstance(code, int) else int(code is not None), out=captured.out, err=captured.err)
