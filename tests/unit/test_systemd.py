"""What is shipped for systemd, by systemd's own judgement."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mpsyncd.cli.codes import Code
from support.project import ROOT

SYSTEMD = ROOT / "systemd"
PROGRAM = "/opt/mpsyncd/bin/mpsyncd"
EXPOSURE_MAX = 15  # tenths
DAEMON_STOPS_IN, DATABASE_STOPS_IN = 10, 40

analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed (Debian: systemd)")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with its drop-ins, and a program that is there."""
    shutil.copytree(SYSTEMD / "mpsyncd.service.d", tmp_path / "mpsyncd.service.d", ignore=shutil.ignore_patterns("notify-reload.conf"))
    path = tmp_path / "mpsyncd.service"
    text = (SYSTEMD / "mpsyncd.service").read_text(encoding="utf-8")
    assert text.count(PROGRAM) == 1
    path.write_text(text.replace(PROGRAM, shutil.which("true") or "/bin/true"), encoding="utf-8")
    return path


def service(file: str = "mpsyncd.service") -> dict[str, str]:
    """The keys of [Service], the last of each."""
    parser = configparser.RawConfigParser(strict=False, comment_prefixes="#")
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(SYSTEMD / file, encoding="utf-8")
    return dict(parser["Service"])


def seconds(span: str) -> int:
    count, unit = re.fullmatch(r"(\d+)(s|min)", span).groups()  # type: ignore[union-attr]
    return int(count) * {"s": 1, "min": 60}[unit]


def run(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@analyze
def test_systemd_understands_every_line(unit: Path) -> None:
    assert run("systemd-analyze", "verify", "--recursive-errors=yes", str(unit)) == (0, "")


@analyze
def test_systemd_finds_a_wrong_line(unit: Path) -> None:
    unit.write_text(unit.read_text(encoding="utf-8").replace("KillMode=mixed", "KillMode=gently"), encoding="utf-8")
    _, told = run("systemd-analyze", "verify", "--recursive-errors=yes", str(unit))
    assert "gently" in told


@analyze
def test_the_unit_is_exposed_little(unit: Path) -> None:
    code, told = run("systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE_MAX}", str(unit))
    assert code == 0, told


def test_a_person_must_correct_what_a_restart_can_not() -> None:
    assert service()["Restart"] == "on-failure"
    assert service()["RestartPreventExitStatus"] == str(Code.CONFIG.value)


def test_there_is_time_to_stop_before_anything_is_killed() -> None:
    assert seconds(service()["TimeoutStopSec"]) >= DAEMON_STOPS_IN + DATABASE_STOPS_IN
    assert service()["KillMode"] == "mixed"


def test_a_reload_is_the_signal_that_the_daemon_waits_for() -> None:
    assert service()["Type"] == "notify"
    assert service()["ExecReload"] == "/bin/kill -HUP $MAINPID"


def test_a_newer_systemd_sends_the_signal_itself_and_waits() -> None:
    """Debian 12 has 252, which does not know the type: the drop-in is for others and is not read by the tests of systemd's judgement."""
    told = service("mpsyncd.service.d/notify-reload.conf")
    assert told == {"Type": "notify-reload", "ExecReload": ""}


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not installed (Debian: systemd)")
def test_the_account_is_made(tmp_path: Path) -> None:
    code, told = run("systemd-sysusers", "--dry-run", f"--root={tmp_path}", str(SYSTEMD / "mpsyncd.sysusers"))
    if "--dry-run" in told:
        pytest.skip("this systemd-sysusers has no --dry-run (systemd 250 has)")
    assert code == 0, told
    assert "'mpsyncd'" in told
