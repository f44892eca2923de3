"""Reads what the server writes, line by line, keeps the last of it and hands it on to our own log.

Memory is bounded whatever the server says: long lines are cut, only the newest lines are kept.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

log = structlog.get_logger(__name__)

LONGEST_LINE = 2_000
LINES_KEPT = 60
_LINE = re.compile(r"^(?:\[(?P<pid>\d+)\] )?(?P<severity>[A-Z]+[1-5]?):  (?P<message>.*)$", re.DOTALL)
_LEVELS = {
    "LOG": logging.INFO,
    "WARNING": logging.WARNING,
    "ERROR": logging.DEBUG,
    "FATAL": logging.ERROR,
    "PANIC": logging.CRITICAL,
}
_ROUTINE = (
    "checkpoint ",
    "the database system is starting up",
    "the database system is not yet accepting",
    "terminating connection due to administrator",
)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the server's log; `severity` is "" for a line without one, `pid` the process of the server that wrote it."""

    severity: str
    message: str
    pid: int | None = None

    @property
    def level(self) -> int:
        """The level for our log. A failed statement (ERROR) is the business of the client that gets the error, so it is only DEBUG here."""
        if self.message.startswith(_ROUTINE):
            return logging.DEBUG
        return _LEVELS.get(self.severity, logging.DEBUG)


def parse(text: str) -> LogLine:
    """Split a line of the server's log into its parts."""
    found = _LINE.match(text)
    if found is None:
        return LogLine(severity="", message=text.strip())
    return LogLine(severity=found["severity"], message=found["message"].strip(), pid=int(found["pid"]) if found["pid"] else None)


class ServerLog:
    """Follows one server's output until it ends."""

    def __init__(self, *, on_line: Callable[[LogLine], None]) -> None:
        self._on_line = on_line
        self._kept: deque[LogLine] = deque(maxlen=LINES_KEPT)

    @property
    def lines(self) -> list[LogLine]:
        """The newest lines, oldest first."""
        return list(self._kept)

    @property
    def telling(self) -> list[str]:
        """The newest messages about the server itself, oldest first: a client's failed statement never explains the server's end."""
        return [line.message for line in self._kept if line.severity != "ERROR"]

    async def follow(self, stream: asyncio.StreamReader) -> None:
        """Read until the server and all of its children have closed the pipe."""
        rest, overlong = b"", False
        while chunk := await stream.read(65_536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if not overlong:
                    self._take(line)
                overlong = False
            if len(rest) > LONGEST_LINE:
                if not overlong:
                    self._take(rest)
                rest, overlong = b"", True
        if rest and not overlong:
            self._take(rest)

    def _take(self, raw: bytes) -> None:
        line = parse(raw[:LONGEST_LINE].decode(errors="replace"))
        if not line.message:
            return
        self._kept.append(line)
        log.log(line.level, "postgres_logged", severity=line.severity.lower(), message=line.message, server_pid=line.pid)
        self._on_line(line)
