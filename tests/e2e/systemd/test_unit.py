"""The unit as it is shipped, under a real systemd, with the PostgreSQL that mpsyncd brings along inside the hardened unit."""

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from mpsyncd.cli.codes import Code
from mpsyncd.storage.keyfile import new_key_line
from support.machine import UNIT, CanNotBootError, Machine, booted, why_not
from support.project import ROOT

pytestmark = [pytest.mark.xdist_group("systemd"), pytest.mark.timeout(300)]

PROGRAM = "/opt/mpsyncd/bin/mpsyncd"
SETTINGS = """
[database]
data_dir = "/var/lib/mpsyncd"

[database.settings]
shared_buffers = "16MB"

[vault]
key_file = "/etc/mpsyncd/vault.key"
"""
OWN_KEY = SETTINGS.partition("[vault]")[0]
AS_MPSYNCD = ("setpriv", "--reuid=mpsyncd", "--regid=mpsyncd", "--init-groups", "--")  # runuser would need PAM
DROP_INS = f"/etc/systemd/system/{UNIT}.d"
EXITED = "1"  # CLD_EXITED


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """One machine for all tests of this file."""
    if (reason := why_not()) is not None:
        pytest.skip(f"no real systemd here: {reason}")
    with ExitStack() as stack:
        try:
            made = stack.enter_context(booted())
        except CanNotBootError as error:
            pytest.skip(f"no real systemd here: {error}")
        yield made


@pytest.fixture
def fresh(machine: Machine) -> Machine:
    """The machine with the unit as it is shipped and stopped, and settings that are right."""
    machine.run("systemctl", "stop", UNIT)
    machine.good("rm", "-rf", DROP_INS, "/etc/mpsyncd/vault.key", "/var/lib/mpsyncd/vault.key")
    machine.write("/etc/mpsyncd/mpsyncd.toml", OWN_KEY)
    machine.good("systemctl", "daemon-reload")
    machine.run("systemctl", "reset-failed", UNIT)
    machine.forget()
    return machine


def drop_in(machine: Machine, text: str) -> None:
    machine.write(f"{DROP_INS}/test.conf", f"[Service]\n{text}\n")
    machine.good("systemctl", "daemon-reload")


def restarted(machine: Machine, *, after: int) -> bool:
    """Whether another process than `after` says that it is ready."""
    return machine.show("ActiveState") == "active" and machine.pid not in {0, after}


def test_folders_and_account_are_made_at_boot(machine: Machine) -> None:
    assert machine.good("stat", "-c", "%U %G %a", "/etc/mpsyncd").split() == ["root", "mpsyncd", "750"]
    assert machine.good("getent", "passwd", "mpsyncd").split(":")[5:] == ["/var/lib/mpsyncd", "/usr/sbin/nologin\n"]


def test_it_is_ready_says_how_it_is_and_stops_in_time(fresh: Machine) -> None:
    fresh.good("systemctl", "start", UNIT)
    assert fresh.show("ActiveState") == "active"
    fresh.good(PROGRAM, "status", "--json")
    fresh.good("env", "-C", "/root", *AS_MPSYNCD, PROGRAM, "status")
    fresh.until(lambda: fresh.show("StatusText") == "0 shops, 0 feeds at work, 0 late, nothing planned", what="the line of status")
    fresh.good("systemctl", "stop", UNIT)
    assert (fresh.show("Result"), fresh.show("ExecMainCode"), fresh.show("ExecMainStatus")) == ("success", EXITED, "0")
    assert fresh.processes() == {}
    assert "Killing process" not in fresh.journal()


def test_postgres_is_as_confined_as_the_daemon(fresh: Machine) -> None:
    fresh.good("systemctl", "start", UNIT)
    names = fresh.processes()
    assert {"mpsyncd", "python3", "python3.11", "python3.12", "python3.13", "postgres"} >= set(names.values())
    assert list(names.values()).count("postgres") > 1
    for pid, name in names.items():
        facts = dict(re.findall(r"^(\w+):\s*(.*)$", fresh.good("cat", f"/proc/{pid}/status"), flags=re.MULTILINE))
        assert (facts["NoNewPrivs"], facts["Seccomp"], int(facts["CapBnd"], 16)) == ("1", "2", 0), name
        assert "0" not in facts["Uid"].split(), name


def test_a_killed_daemon_comes_back_with_its_database(fresh: Machine) -> None:
    fresh.good("systemctl", "start", UNIT)
    killed = fresh.pid
    fresh.good("systemctl", "kill", "--signal=KILL", "--kill-who=main", UNIT)
    fresh.until(lambda: restarted(fresh, after=killed), what="the restart")
    assert fresh.show("NRestarts") == "1"
    fresh.good(PROGRAM, "status", "--json")
    fresh.good("systemctl", "stop", UNIT)
    assert fresh.show("Result") == "success"


def test_a_daemon_that_stands_still_is_restarted(fresh: Machine) -> None:
    drop_in(fresh, "WatchdogSec=9s\nRestartSec=100ms")
    fresh.good("systemctl", "start", UNIT)
    first = fresh.show("WatchdogTimestampMonotonic")
    fresh.until(lambda: fresh.show("WatchdogTimestampMonotonic") != first, what="a sign of life")
    stopped = fresh.pid
    fresh.good("kill", "-STOP", str(stopped))
    fresh.until(lambda: restarted(fresh, after=stopped), what="the restart by the watchdog")
    assert "Watchdog timeout" in fresh.journal()
    fresh.good(PROGRAM, "status", "--json")


def test_the_key_comes_as_a_credential(fresh: Machine) -> None:
    fresh.write(f"{DROP_INS}/credentials.conf", (ROOT / "systemd/mpsyncd.service.d/credentials.conf").read_text(encoding="utf-8"))
    fresh.good("systemctl", "daemon-reload")
    fresh.write("/etc/mpsyncd/mpsyncd.toml", SETTINGS)
    fresh.write("/etc/mpsyncd/vault.key", "no key at all\n", mode=0o600)
    assert fresh.run("systemctl", "start", UNIT).returncode != 0
    assert "the credential vault_key" in fresh.journal()
    fresh.write("/etc/mpsyncd/vault.key", f"{new_key_line()}\n", mode=0o600)
    fresh.good("systemctl", "start", UNIT)
    assert fresh.run("test", "-e", "/var/lib/mpsyncd/vault.key").returncode == 1
    assert fresh.run(*AS_MPSYNCD, "cat", "/etc/mpsyncd/vault.key").returncode != 0


def test_wrong_settings_are_not_tried_again(fresh: Machine) -> None:
    fresh.write("/etc/mpsyncd/mpsyncd.toml", "[http]\nport = 'many'\n")
    assert fresh.run("systemctl", "start", UNIT).returncode != 0
    assert (fresh.show("ActiveState"), fresh.show("ExecMainStatus")) == ("failed", str(Code.CONFIG.value))
    assert fresh.show("NRestarts") == "0"
    assert "http" in fresh.journal()


def told_changes(machine: Machine) -> list[str]:
    """What `mpsyncd reload` or a signal changed or was refused for, the newest first."""
    return re.findall(r'"event":\s*"(reload_\w+)"', machine.journal())


def test_systemctl_reload_takes_new_settings_and_shops_and_never_half_of_them(fresh: Machine) -> None:
    fresh.good("systemctl", "start", UNIT)
    pid, forget = fresh.pid, fresh.forget
    fresh.write("/etc/mpsyncd/mpsyncd.toml", OWN_KEY + '[schedules.frequent]\nevery = "11 min"\n')
    forget()
    fresh.good("systemctl", "reload", UNIT)
    fresh.until(lambda: "reload_applied" in told_changes(fresh), what="the reload")
    assert "schedules.frequent" in fresh.journal()
    fresh.write("/etc/mpsyncd/mpsyncd.toml", OWN_KEY + '[schedules.frequent]\nevery = "soon"\n')
    forget()
    fresh.good("systemctl", "reload", UNIT)
    fresh.until(lambda: "reload_refused" in told_changes(fresh), what="the refusal")
    assert "schedules.frequent" in fresh.journal()
    fresh.until(lambda: fresh.show("ActiveState") == "active", what="the end of the reload")
    fresh.until(lambda: "reload" in fresh.show("StatusText"), what="a line of status that tells of the refusal")
    assert (fresh.pid, fresh.show("NRestarts")) == (pid, "0")


def test_ten_hangups_are_one_or_two_reloads_and_the_unit_stays_up(fresh: Machine) -> None:
    fresh.good("systemctl", "start", UNIT)
    pid = fresh.pid
    fresh.write("/etc/mpsyncd/mpsyncd.toml", OWN_KEY + '[schedules.frequent]\nevery = "12 min"\n')
    fresh.forget()
    fresh.good("sh", "-c", f"for each in 1 2 3 4 5 6 7 8 9 10; do kill -HUP {pid}; done")
    fresh.until(lambda: "reload_applied" in told_changes(fresh), what="the reload")
    fresh.good("systemctl", "stop", UNIT)
    assert fresh.show("Result") == "success"
    assert 1 <= len(told_changes(fresh)) <= 2


def test_a_shop_of_the_list_has_its_token_as_a_credential(fresh: Machine) -> None:
    fresh.write(f"{DROP_INS}/test.conf", "[Service]\nLoadCredential=north_token:/etc/mpsyncd/north.token\n")
    fresh.good("systemctl", "daemon-reload")
    fresh.write("/etc/mpsyncd/shops.toml", '[[shops]]\nname = "north"\nsource = "wildberries"\ntoken = { credential = "north_token" }\n')
    try:
        fresh.write("/etc/mpsyncd/north.token", "no token at all\n", mode=0o600)
        assert fresh.run("systemctl", "start", UNIT).returncode != 0
        assert "north" in fresh.journal()
        assert "no token at all" not in fresh.journal()
    finally:
        fresh.good("rm", "-f", "/etc/mpsyncd/shops.toml", "/etc/mpsyncd/north.token")
