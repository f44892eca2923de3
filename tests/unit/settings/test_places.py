"""Where the settings file is looked for."""

from pathlib import Path, PosixPath

import pytest

from mpsyncd.model.errors import ConfigError
from mpsyncd.settings import load, places


class Locked(PosixPath):
    """A file in a folder that this account may not enter."""

    def stat(self, **_: object) -> None:  # type: ignore[override]
        raise PermissionError(13, "Permission denied", str(self))

    def read_text(self, *_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied", str(self))


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of the machine, in a place of their own."""
    path = tmp_path / "system.toml"
    monkeypatch.setattr(places, "SYSTEM_CONFIG", path)
    monkeypatch.setattr(places, "LOCAL_CONFIG", tmp_path / "local.toml")
    return path


def test_the_working_directory_comes_before_the_machine(system: Path) -> None:
    assert places.config_file(None, {}) is None
    system.touch()
    assert places.config_file(None, {}) == (system, "default")
    places.LOCAL_CONFIG.touch()
    assert places.config_file(None, {}) == (places.LOCAL_CONFIG, "default")


def test_a_working_directory_of_somebody_else_is_passed_by(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as root's, when the service account is asked to run a command."""
    system.touch()
    monkeypatch.setattr(places, "LOCAL_CONFIG", Locked("mpsyncd.toml"))
    assert places.config_file(None, {}) == (system, "default")


@pytest.mark.usefixtures("system")
def test_settings_of_the_machine_that_may_not_be_read_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "SYSTEM_CONFIG", Locked("/etc/mpsyncd/mpsyncd.toml"))
    with pytest.raises(ConfigError, match=r"/etc/mpsyncd/mpsyncd\.toml.*can not be read"):
        load(None, {})
