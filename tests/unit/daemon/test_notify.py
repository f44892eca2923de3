"""The service manager as a datagram socket that listens, and what it hears."""

import os
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import pytest

from mpsyncd.daemon.notify import LONGEST_TEXT, Notifier, notifier, reloading, status


class Manager:
    """Listens as systemd does."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def heard(self) -> list[str]:
        """Every datagram so far."""
        found = []
        while True:
            try:
                found.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return found

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    made = Manager(str(tmp_path / "n") if request.param == "path" else f"@mpsyncd-test-{token_hex(8)}")
    yield made
    made.close()


def test_assignments_arrive_together(manager: Manager) -> None:
    ours = notifier({"NOTIFY_SOCKET": manager.address})
    ours.send("READY=1", status("2 shops"))
    ours.send("WATCHDOG=1")
    assert manager.heard() == ["READY=1\nSTATUS=2 shops", "WATCHDOG=1"]


def test_the_time_of_a_reload_is_that_of_the_managers_clock(manager: Manager) -> None:
    """CLOCK_MONOTONIC in microseconds, or systemd 253 and newer would not believe that it is an answer to its signal."""
    before = time.clock_gettime(time.CLOCK_MONOTONIC)
    notifier({"NOTIFY_SOCKET": manager.address}).send(*reloading())
    after = time.clock_gettime(time.CLOCK_MONOTONIC)
    [told] = manager.heard()
    first, second = told.split("\n")
    assert first == "RELOADING=1"
    assert before * 1e6 - 1 <= int(second.removeprefix("MONOTONIC_USEC=")) <= after * 1e6


def test_a_status_is_one_short_line() -> None:
    assert status("waits for the\n  database") == "STATUS=waits for the database"
    assert len(status("x" * 10_000)) == len("STATUS=") + LONGEST_TEXT


@pytest.mark.parametrize("address", ["", "@", "/", "relative", "vsock:2:1"])
def test_without_an_address_nothing_is_sent(address: str) -> None:
    ours = notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000"})
    assert ours == Notifier()
    ours.send("READY=1")


def test_without_a_manager_nothing_is_sent() -> None:
    assert notifier({"WATCHDOG_USEC": "1000000"}) == Notifier()


def test_a_manager_that_is_away_harms_nobody(tmp_path: Path) -> None:
    notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).send("READY=1")


def test_a_manager_that_does_not_read_is_not_waited_for(manager: Manager) -> None:
    ours = notifier({"NOTIFY_SOCKET": manager.address})
    for _ in range(5_000):
        ours.send("WATCHDOG=1")
    assert 0 < len(manager.heard()) < 5_000


@pytest.mark.parametrize(
    "given, watchdog",
    [
        ({"WATCHDOG_USEC": "30000000"}, timedelta(seconds=30)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "17"}, timedelta(seconds=30)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": ""}, timedelta(seconds=30)),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "18"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_read_when_it_is_meant_for_this_process(given: dict[str, str], watchdog: timedelta | None) -> None:
    assert notifier({"NOTIFY_SOCKET": "@x"} | given, pid=17).watchdog == watchdog


def test_this_process_is_the_one_that_is_meant() -> None:
    given = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "5", "WATCHDOG_PID": str(os.getpid())}
    assert notifier(given).watchdog == timedelta(microseconds=5)
