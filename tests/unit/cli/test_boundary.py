"""Errors become one message and an exit code; help and wrong usage are the parser's."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from mpsyncd import daemon
from mpsyncd.cli.reference import commands_markdown
from mpsyncd.model.errors import ConfigError, MpsyncdError, NotThere, StorageUnavailable
from mpsyncd.sandbox.wildberries.tokens import make_token
from support.cli import Cli


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    monkeypatch.chdir(tmp_path)
    return Cli(monkeypatch, capsys, {"MPSYNCD_DATABASE__DATA_DIR": str(tmp_path / "data")})


@pytest.mark.parametrize(
    "error, code, shown",
    [
        (ConfigError("the file is odd"), 78, "the file is odd"),
        (StorageUnavailable("nobody answers"), 75, "nobody answers"),
        (NotThere("no such shop"), 1, "no such shop"),
        (MpsyncdError("something else"), 1, "something else"),
        (ZeroDivisionError("hush"), 1, "bug in mpsyncd (ZeroDivisionError)"),
    ],
)
def test_errors_end_in_one_line_and_a_code(error: Exception, code: int, shown: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_settings: object) -> list[str]:
        raise error

    monkeypatch.setattr(daemon, "migrate", fails)
    result = cli("migrate")
    assert (result.code, result.out) == (code, "")
    assert shown in result.err.splitlines()[-1]
    assert ("Traceback" in result.err) is isinstance(error, ZeroDivisionError)


@pytest.mark.parametrize("arguments", [("nonsense",), ("shops", "add"), ("sync", "--mode"), ("shops", "add", "wildbery"), ("run", "extra")])
def test_wrong_usage_is_2(arguments: tuple[str, ...], cli: Cli) -> None:
    result = cli(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "Error" in result.err


def test_secrets_are_no_arguments() -> None:
    page = commands_markdown().lower()
    assert not any(word in page for word in ("--token ", "--key ", "--password"))


def test_check_config_lists_every_problem(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mpsyncd.toml").write_text('[http]\nport = "many"\nprot = 1\n[database]\ndsn = "hush"\n')
    result = cli("check-config")
    assert (result.code, result.out) == (78, "")
    assert "3 problems" in result.err
    listed = cli("check-config", "--json")
    assert listed.code == 78
    assert {problem["key"] for problem in listed.json["problems"]} == {"http.port", "http.prot", "database.dsn"}
    assert "hush" not in result.err + listed.out


def test_check_config_shows_what_takes_effect_without_secrets(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[database]\ndsn = "postgresql://u:hush@h/db"\n[schedules]\ndaily = { every = "90 min" }\n')
    result = cli("--config", "own.toml", "check-config")
    assert result.code == 0
    assert "schedules.daily.every = 1 h 30 min" in result.out
    assert "hush" not in result.out
    assert cli("--config", "own.toml", "check-config", "--json").json["settings"]["schedules"]["daily"]["every"] == "1 h 30 min"


def test_check_config_reads_cron_lines_to_the_end(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mpsyncd.toml").write_text('[schedules]\ndaily = { cron = "61 3 * * *" }\n')
    result = cli("check-config")
    assert result.code == 78
    assert "daily" in result.err


def test_check_config_looks_at_the_shop_list_too(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mpsyncd.toml").write_text('[http]\nport = "many"\n[schedules]\ndaily = { cron = "61 3 * * *" }\n')
    (tmp_path / "shops.toml").write_text('[[shops]]\nname = "a"\nsource = "wildberries"\ntoken = "hush"\n')
    result = cli("check-config")
    assert (result.code, result.out) == (78, "")
    assert "2 problems" in result.err
    assert "shops.toml:4: shops.a.token" in result.err
    assert "hush" not in result.err
    (tmp_path / "mpsyncd.toml").write_text('[schedules]\ndaily = { cron = "61 3 * * *" }\n')
    (tmp_path / "key").write_text("hush.hush.hush")
    (tmp_path / "shops.toml").write_text('[[shops]]\nname = "a"\nsource = "wildberries"\ntoken = { file = "key" }\n')
    keys = {problem["key"]: problem for problem in cli("check-config", "--json").json["problems"]}
    assert keys.keys() == {"schedules.daily", "shops.a"}
    assert keys["schedules.daily"]["origin"] == "mpsyncd.toml:2"
    assert "hush" not in str(keys)


def test_check_config_notes_what_works_but_should_not(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNC_INTERVAL_MINUTES", "20")
    (tmp_path / "key").write_text(make_token(sid="sid-of-nobody", expires=datetime(2026, 1, 1, tzinfo=UTC)))
    (tmp_path / "mpsyncd.toml").touch()
    (tmp_path / "shops.toml").write_text('[[shops]]\nname = "a"\nsource = "wildberries"\ntoken = { file = "key" }\n')
    result = cli("check-config")
    assert result.code == 0
    assert "schedules.metrika.every = 20 min" in result.out
    assert "note: SYNC_INTERVAL_MINUTES is an old name" in result.err
    assert "note: shops.toml:1: shops.a: The Wildberries token expired on 2026-01-01" in result.err


def test_a_missing_file_is_config(cli: Cli) -> None:
    result = cli("--config", "nowhere.toml", "status")
    assert result.code == 78
    assert "nowhere.toml" in result.err


def test_dsn_is_the_configured_one_or_try_later(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    later = cli("dsn")
    assert (later.code, later.out) == (75, "")
    assert "mpsyncd run" in later.err
    monkeypatch.setenv("MPSYNCD_DATABASE__DSN", "postgresql://u:p@h/db")
    assert cli("dsn").out == "postgresql://u:p@h/db\n"
    assert orjson.loads(cli("dsn", "--json").out) == {"dsn": "postgresql://u:p@h/db", "embedded": False}


def test_version(cli: Cli) -> None:
    assert cli("--version").out.startswith("mpsyncd ")
