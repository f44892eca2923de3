"""Why the server ended, told from its last lines: what, where, why and the next step. Pure text in, words out."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Cause(StrEnum):
    """What ended the server, as far as its log tells."""

    DISK_FULL = "disk_full"
    IN_USE = "in_use"
    SOCKET_IN_USE = "socket_in_use"
    LEFTOVER = "leftover"
    PORT_TAKEN = "port_taken"
    OTHER_MAJOR = "other_major"
    PERMISSION = "permission"
    READ_ONLY = "read_only"
    BAD_SETTING = "bad_setting"
    NO_MEMORY = "no_memory"
    DAMAGED = "damaged"
    NOT_EXECUTABLE = "not_executable"
    SILENT = "silent"
    SIGNALLED = "signalled"
    UNKNOWN = "unknown"


_PATTERNS: tuple[tuple[Cause, str], ...] = (
    (Cause.DISK_FULL, r"No space left on device|Disk quota exceeded|disk quota"),
    (Cause.IN_USE, r'lock file "(?!/)[^"]*postmaster\.pid" already exists'),
    (Cause.SOCKET_IN_USE, r'lock file ".*\.s\.PGSQL\.\d+\.lock" already exists'),
    (Cause.LEFTOVER, r"pre-existing shared memory block"),
    (Cause.PORT_TAKEN, r"could not bind .*: Address already in use"),
    (Cause.OTHER_MAJOR, r"database files are incompatible with server"),
    (Cause.NO_MEMORY, r"could not map anonymous shared memory|Cannot allocate memory|could not create shared memory segment"),
    (Cause.BAD_SETTING, r"unrecognized configuration parameter|value for parameter|is outside the valid range|requires a numeric value"),
    (Cause.READ_ONLY, r"Read-only file system"),
    (Cause.NOT_EXECUTABLE, r"could not execute "),
    (Cause.PERMISSION, r"Permission denied|has wrong ownership|has invalid permissions"),
    (Cause.DAMAGED, r"could not locate a valid checkpoint record|invalid (primary )?checkpoint|could not find redo location"),
)
_COMPILED = tuple((cause, re.compile(pattern, re.IGNORECASE)) for cause, pattern in _PATTERNS)
HOPELESS = frozenset(
    {
        Cause.IN_USE,
        Cause.SOCKET_IN_USE,
        Cause.PORT_TAKEN,
        Cause.OTHER_MAJOR,
        Cause.PERMISSION,
        Cause.READ_ONLY,
        Cause.BAD_SETTING,
        Cause.DAMAGED,
        Cause.NOT_EXECUTABLE,
    }
)
"""Causes that trying again does not cure at the first start: a person must change something."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a server (or initdb) ended; `line` is the server's own telling line."""

    cause: Cause
    line: str
    code: int | None


def says_disk_full(text: str) -> bool:
    """Whether a line of the log speaks of a full disk."""
    return _COMPILED[0][1].search(text) is not None


def diagnose(lines: Iterable[str], *, code: int | None) -> Ending:
    """The cause in the order of `Cause`, told by its newest line: a full disk explains whatever follows from it."""
    kept = list(lines)
    for cause, pattern in _COMPILED:
        for line in reversed(kept):
            if pattern.search(line):
                return Ending(cause=cause, line=line, code=code)
    last = kept[-1] if kept else "it wrote nothing"
    if code is not None and code < 0:
        return Ending(cause=Cause.SIGNALLED, line=last, code=code)
    return Ending(cause=Cause.UNKNOWN, line=last, code=code)


_SAID = ' PostgreSQL said: "{line}"'
_WORDS = MappingProxyType(
    {
        Cause.DISK_FULL: "The disk that holds {cluster} is full; free some space there, the database then goes on by itself." + _SAID,
        Cause.IN_USE: "Another PostgreSQL server{holder} uses the data directory {cluster}; "
        "stop it, or set [database] data_dir to another folder",
        Cause.SOCKET_IN_USE: "Another server listens on the socket of {cluster}; set [database] runtime_dir to another folder." + _SAID,
        Cause.LEFTOVER: "Processes of an earlier server still use {cluster}; they end within seconds, or end them by hand." + _SAID,
        Cause.PORT_TAKEN: "The TCP port of the embedded database is taken by another program; set [database] port to a free one." + _SAID,
        Cause.OTHER_MAJOR: "The data directory {cluster} is of another PostgreSQL major than the programs; "
        "name fitting ones in [database] embedded_binaries",
        Cause.PERMISSION: "The database account may not use {cluster} or the folder of its socket; give them to it." + _SAID,
        Cause.READ_ONLY: "{cluster} lies on a file system that is mounted read-only; remount it or set [database] data_dir." + _SAID,
        Cause.BAD_SETTING: "PostgreSQL refuses one of its settings; correct [database.settings] or postgresql.conf in {cluster}." + _SAID,
        Cause.NO_MEMORY: "The machine has not enough memory for PostgreSQL on {cluster}; lower shared_buffers in [database.settings]."
        + _SAID,
        Cause.DAMAGED: "The data directory {cluster} is damaged and PostgreSQL can not recover it; restore it from a backup." + _SAID,
        Cause.NOT_EXECUTABLE: "The database account can not run PostgreSQL's programs; name others in [database] embedded_binaries."
        + _SAID,
        Cause.SILENT: "PostgreSQL on {cluster} was started but did not answer." + _SAID,
        Cause.SIGNALLED: "PostgreSQL on {cluster} was ended by {signal}, sent by somebody else or for lack of memory.",
        Cause.UNKNOWN: "PostgreSQL on {cluster} ended with exit code {code}." + _SAID,
    }
)


def in_words(ending: Ending, *, cluster: Path, holder: int | None = None) -> str:
    """The message for people; `holder` is the process that uses the data directory, when known."""
    return _WORDS[ending.cause].format(
        cluster=cluster,
        line=ending.line,
        code=ending.code,
        signal=_signal_name(ending.code),
        holder=f" (process {holder})" if holder is not None else "",
    )


def _signal_name(code: int | None) -> str:
    try:
        return signal.Signals(-(code or 0)).name
    except ValueError:
        return f"signal {-(code or 0)}"
