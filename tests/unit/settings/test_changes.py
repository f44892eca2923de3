"""What differs between two readings, in words, and what of it asks for a restart."""

from pathlib import Path

import pytest

from mpsyncd.settings import Settings, differences, load
from mpsyncd.settings.changes import RESTART, needs_restart


def _settings(folder: Path, text: str) -> Settings:
    path = folder / "mpsyncd.toml"
    path.write_text(text)
    return load(path, {})


def _told(folder: Path, old: str, new: str) -> list[str]:
    return [str(each) for each in differences(_settings(folder, old), _settings(folder, new))]


def test_the_same_is_no_difference(tmp_path: Path) -> None:
    assert _told(tmp_path, "", '[schedules.frequent]\nevery = "0.5 h"\n') == []


def test_differences_are_told_as_people_write_them(tmp_path: Path) -> None:
    old = '[sources.wildberries.limits."statistics.orders"]\nlimit = 3\n'
    new = """
    [log]
    level = "debug"
    file = "own.log"
    [schedules]
    frequent = { every = "10 min" }
    daily = { cron = "30 4 * * *", zone = "Europe/Moscow" }
    [http]
    allow_remote = true
    [sources.wildberries.limits]
    content = { limit = 7, per = "2 min" }
    """
    assert _told(tmp_path, old, new) == [
        "http.allow_remote: false → true",
        "log.level: info → debug",
        "log.file: none → own.log",
        "schedules.frequent: 30 min → 10 min",
        "schedules.daily: 0 3 * * * (UTC) → 30 4 * * * (Europe/Moscow)",
        "sources.wildberries.limits.statistics.orders.limit: 3 → none",
        "sources.wildberries.limits.content.limit: none → 7",
        "sources.wildberries.limits.content.per: none → 2 min",
    ]


def test_secrets_are_only_said_to_have_changed(tmp_path: Path) -> None:
    old = '[database]\ndsn = "postgresql://a:hush@b/c"\n'
    new = '[database]\ndsn = "postgresql://a:hush2@b/c"\n[sources.wildberries]\nproxy = "http://u:hush@p:1"\n'
    assert _told(tmp_path, old, new) == ["database.dsn: changed", "sources.wildberries.proxy: changed"]


@pytest.mark.parametrize(
    "key, kept",
    [
        ("database.dsn", True), ("http.port", True), ("vault.key", True), ("engine.lease_ttl", True), ("transport.limit_scale", True),
        ("engine.feeds_at_once", False), ("log.level", False), ("schedules.daily", False), ("sources.wildberries.proxy", False),
        ("databases", False),
    ],
)  # fmt: skip
def test_some_settings_need_a_restart(key: str, kept: bool) -> None:
    assert needs_restart(key) is kept


def test_what_needs_a_restart_exists() -> None:
    for key in RESTART:
        group, _, name = key.partition(".")
        below = Settings.model_fields[group].annotation
        assert below is not None
        assert not name or name in below.model_fields
