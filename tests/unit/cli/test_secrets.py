"""Keys come from files, stdin or a prompt, and never show."""

import io
from pathlib import Path

import pytest
import typer

from mpsyncd.cli.secrets import STDIN, read_credentials
from mpsyncd.model.errors import ConfigError
from mpsyncd.model.source import Secret

ONE = (Secret(name="token", title={"en": "API token"}),)
TWO = (
    Secret(name="client_id", title={"en": "Client"}),
    Secret(name="api_key", title={"en": "Key"}),
    Secret(name="ads", title={}, required=False),
)


class _Stdin(io.StringIO):
    def __init__(self, text: str, *, terminal: bool) -> None:
        super().__init__(text)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def test_a_file_with_one_field(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("  abc.def\n")
    assert read_credentials(ONE, tmp_path / "key") == {"token": "abc.def"}


def test_stdin_with_several_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", _Stdin("client_id = 7\n\napi_key=a=b\n", terminal=False))
    assert read_credentials(TWO, STDIN) == {"client_id": "7", "api_key": "a=b"}


def test_a_terminal_is_asked_without_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool]] = []

    def prompt(title: str, *, hide_input: bool, **_others: object) -> str:
        asked.append((title, hide_input))
        return "abc"

    monkeypatch.setattr("sys.stdin", _Stdin("", terminal=True))
    monkeypatch.setattr(typer, "prompt", prompt)
    assert read_credentials(ONE, None) == {"token": "abc"}
    assert asked == [("API token", True)]


def test_no_terminal_and_no_file_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", _Stdin("abc", terminal=False))
    with pytest.raises(typer.BadParameter, match="--token-file -"):
        read_credentials(ONE, None)


@pytest.mark.parametrize("text", ["hush", "token = hush", "= hush", "client_id hush"])
def test_what_has_other_fields_is_refused_without_being_shown(text: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(ConfigError, match="client_id") as refused:
        read_credentials(TWO, tmp_path / "key")
    assert "hush" not in str(refused.value)


def test_missing_fields_are_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("client_id = 7\n")
    with pytest.raises(ConfigError, match="No api_key was given"):
        read_credentials(TWO, tmp_path / "key")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError, match="No token"):
        read_credentials(ONE, tmp_path / "empty")
    with pytest.raises(ConfigError, match="nowhere"):
        read_credentials(ONE, tmp_path / "nowhere")
