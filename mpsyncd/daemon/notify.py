"""Speaks to the service manager (systemd's notify protocol: sd_notify(3), read 2026-11). Knows no part of the daemon.

Without NOTIFY_SOCKET nothing is sent; a manager that does not listen is no reason to stop.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping

log = structlog.get_logger(__name__)

LONGEST_TEXT = 240
"""Characters of a status line at most: it is shown in one line of a terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """The way to the service manager, `address` None when there is none. `watchdog`: how soon it restarts who is silent, or None."""

    address: str | None = None
    watchdog: timedelta | None = None

    def send(self, *messages: str) -> None:
        """Send assignments such as READY=1 together, in one datagram. Never blocks, never raises for a manager that is away."""
        if self.address is None:
            return
        path = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC) as manager:
                manager.sendto("\n".join(messages).encode(), path)
        except OSError as error:
            log.debug("notify_failed", error=str(error))


def status(text: str) -> str:
    """The assignment that shows `text` in `systemctl status`, in one line."""
    return f"STATUS={' '.join(text.split())[:LONGEST_TEXT]}"


def reloading() -> tuple[str, str]:
    """The assignments that begin a reload; READY=1 ends it, however it came out. The time tells apart what was asked before and after."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"


def notifier(environ: Mapping[str, str], *, pid: int | None = None) -> Notifier:
    """Read what the service manager wants; a watchdog that is meant for another process (WATCHDOG_PID) is left to that one."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")) or address in {"/", "@"}:
        return Notifier()
    meant = environ.get("WATCHDOG_PID") in {None, "", str(os.getpid() if pid is None else pid)}
    every = environ.get("WATCHDOG_USEC", "")
    wanted = meant and every.isdecimal() and int(every) > 0
    return Notifier(address=address, watchdog=timedelta(microseconds=int(every)) if wanted else None)
