"""Settings from file, environment and credentials, and everything that can be wrong with them."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from mpsyncd.model.errors import ConfigError
from mpsyncd.settings import Settings, SettingsRefused, load
from mpsyncd.settings.problems import Problem


def _file(folder: Path, text: str) -> Path:
    path = folder / "mpsyncd.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _problems(path: Path | None, **environ: str) -> dict[str, Problem]:
    with pytest.raises(SettingsRefused) as refused:
        load(path, environ)
    assert isinstance(refused.value, ConfigError)
    for problem in refused.value.problems:
        assert str(problem) in str(refused.value)
    return {problem.key: problem for problem in refused.value.problems}


def test_defaults_need_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load(None, {"STATE_DIRECTORY": "/var/lib/elsewhere", "RUNTIME_DIRECTORY": "/run/elsewhere"})
    assert settings.database.dsn is None
    assert settings.database.data_dir == Path("/var/lib/elsewhere")
    assert settings.database.runtime_dir == Path("/run/elsewhere")
    assert settings.vault_key_file == Path("/var/lib/elsewhere/vault.key")
    assert settings.schedules.plans()["analytics"].zone == "Europe/Moscow"
    assert settings.schedules.plans()["frequent"].every == timedelta(minutes=30)


def test_environment_wins_over_credentials_and_these_over_the_file(tmp_path: Path) -> None:
    path = _file(tmp_path, '[http]\nport = 1001\n[database]\ndsn = "postgresql://file"\nport = 6000\n[log]\nlevel = "error"\n')
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "database.dsn").write_text("postgresql://credential\n")
    (credentials / "database.port").write_text("6001")
    (credentials / "somebody-elses").write_text("whatever")
    settings = load(path, {"CREDENTIALS_DIRECTORY": str(credentials), "MPSYNCD_DATABASE__PORT": "6002", "MPSYNCD_LOG__LEVEL": "DEBUG"})
    assert settings.database.dsn is not None
    assert settings.database.dsn.get_secret_value() == "postgresql://credential"
    assert (settings.http.port, settings.database.port, settings.log.level) == (1001, 6002, "debug")


def test_credentials_may_have_the_names_of_variables(tmp_path: Path) -> None:
    (tmp_path / "MPSYNCD_DATABASE__DSN").write_text("postgresql://by-variable\n")
    (tmp_path / "database.dsn").write_text("postgresql://by-path")
    (tmp_path / "MPSYNCD_HTTP__PORT").write_text("many")
    (tmp_path / "MPSYNCD_HTTP_PORT").write_text("1")
    found = _problems(None, CREDENTIALS_DIRECTORY=str(tmp_path))
    assert {key: problem.origin for key, problem in found.items()} == {
        "http.port": "credential MPSYNCD_HTTP__PORT",
        "MPSYNCD_HTTP_PORT": "credential",
    }
    for name in ("MPSYNCD_HTTP__PORT", "MPSYNCD_HTTP_PORT"):
        (tmp_path / name).unlink()
    dsn = load(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).database.dsn
    assert dsn is not None
    assert dsn.get_secret_value() == "postgresql://by-variable"


@pytest.mark.parametrize("named_by", ["option", "variable", "folder"])
def test_the_file_is_found(named_by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _file(tmp_path, "[http]\nport = 1002\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path if named_by == "folder" else elsewhere)
    settings = load(path if named_by == "option" else None, {"MPSYNCD_CONFIG": str(path)} if named_by == "variable" else {})
    assert settings.http.port == 1002


def test_everything_wrong_is_listed_at_once_with_its_place(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        """
        nonsense = 1
        [http]
        prot = 8081
        host = "0.0.0.0"
        [schedules.daily]
        cron = "every night"
        [schedules.ads]
        every = "5"
        zone = "Mars/Olympus"
        [schedules.kaiten]
        every = "1 h"
        cron = "0 0 * * *"
        [sources.wildberry]
        [sources.wildberries.limits."statistics.orders"]
        limit = 0
        """,
    )
    found = _problems(path, MPSYNCD_HTTP__PORT="many", MPSYNCD_HTTP_PORT="1", MPSYNCD_ENGINE__LEASE="30 s")
    assert found["nonsense"].step.startswith("Known here: attachments, database, engine")
    assert found["http.prot"].step == "Did you mean http.port?"
    assert found["http.host"].origin == f"{path}:5"
    assert found["schedules.kaiten"].origin == f"{path}:12, {path}:13"
    assert found["sources.wildberry"].origin == f"{path}:14"
    assert "allow_remote" in found["http.host"].why
    assert found["http.port"].origin == "environment MPSYNCD_HTTP__PORT"
    assert found["http.port"].value == "'many'"
    assert "MPSYNCD_HTTP__PORT" in found["MPSYNCD_HTTP_PORT"].step
    assert found["engine.lease"].step == "Did you mean engine.lease_ttl?"
    assert "five fields" in found["schedules.daily"].why
    assert 'for example "30 s"' in found["schedules.ads.every"].why
    assert "IANA" in found["schedules.ads.zone"].why
    assert "one of the two" in found["schedules.kaiten"].why
    assert found["sources.wildberry"].step == "Did you mean sources.wildberries?"
    assert found["sources.wildberries.limits.statistics.orders.limit"].value == "0"
    assert len(found) == 12


def test_no_secret_is_shown(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        """
        [database]
        dsn = "mysql://user:hush-1@host/db"
        dns = "postgresql://user:hush-2@host/db"
        [vault]
        key = "hush-3"
        key_file = "vault.key"
        [sources.wildberries]
        proxy = "socks://user:hush-4@host"
        """,
    )
    with pytest.raises(SettingsRefused) as refused:
        load(path, {"MPSYNCD_VAULT_KEYS": "hush-5", "MPSYNCD_DATABASE": '{"dsn": ["hush-6"]}'})
    assert "hush" not in str(refused.value)
    assert {problem.key for problem in refused.value.problems} == {
        "database.dsn", "database.dns", "vault", "sources.wildberries.proxy", "MPSYNCD_VAULT_KEYS",
    }  # fmt: skip


@pytest.mark.parametrize(
    "content, words",
    [(b"[http\n", "no TOML"), (b"[http]\nport = 1\nport = 2\n", "no TOML"), (b"\xff\xfe", "no TOML"), (None, "no such file")],
)
def test_an_unusable_file_is_named(content: bytes | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    if content is not None:
        path.write_bytes(content)
    [problem] = _problems(path).values()
    assert problem.origin == str(path)
    assert words in problem.why


def test_an_unreadable_credential_is_named(tmp_path: Path) -> None:
    (tmp_path / "database.dsn").write_bytes(b"\xff\xfe")
    [problem] = _problems(None, CREDENTIALS_DIRECTORY=str(tmp_path)).values()
    assert problem.origin == "credential database.dsn"


def test_sources_are_set_by_variables_too() -> None:
    environ = {
        "MPSYNCD_SOURCES__WILDBERRIES__BASE_URL": "http://127.0.0.1:9100/wb/{host}/",
        "MPSYNCD_SOURCES__WILDBERRIES__LIMITS": '{"statistics.orders": {"limit": 3, "per": "2 min"}}',
    }
    source = load(None, environ).sources.by_name()["wildberries"]
    assert source.base_url == "http://127.0.0.1:9100/wb/{host}"
    assert source.limits["statistics.orders"].per == timedelta(minutes=2)


@pytest.mark.parametrize("address", ["ftp://x/{host}", "http://x/{shop}", "http://x/{host", "127.0.0.1:9100"])
def test_a_base_url_that_is_none_is_refused(address: str) -> None:
    assert set(_problems(None, MPSYNCD_SOURCES__WILDBERRIES__BASE_URL=address)) == {"sources.wildberries.base_url"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "[::1]", "localhost"])
def test_loopback_needs_no_leave(host: str) -> None:
    assert load(None, {"MPSYNCD_HTTP__HOST": host}).http.host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "sync.example"])  # noqa: S104
def test_other_machines_are_let_in_only_on_purpose(host: str) -> None:
    assert "http.host" in _problems(None, MPSYNCD_HTTP__HOST=host)
    assert load(None, {"MPSYNCD_HTTP__HOST": host, "MPSYNCD_HTTP__ALLOW_REMOTE": "true"}).http.host == host


def test_settings_are_frozen() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.http = settings.http
    with pytest.raises(ValidationError):
        settings.http.port = 1
