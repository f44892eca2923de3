"""What may be chosen about the embedded PostgreSQL, and where its files lie.

Values only: nothing here touches the disk, starts a process or reads the environment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

OLDEST_MAJOR = 14


class ServerState(StrEnum):
    """What the embedded server is doing, in the words of /status."""

    STOPPED = "stopped"
    STARTING = "starting"
    RECOVERING = "recovering"
    RUNNING = "running"
    RESTARTING = "restarting"
    DISK_FULL = "disk_full"
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One reading of the supervisor; `detail` is a sentence for people, `restarts` counts the unplanned ones since start."""

    state: ServerState
    since: datetime
    detail: str
    pid: int | None
    restarts: int
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How patient the supervisor is."""

    first_backoff: timedelta = timedelta(milliseconds=200)
    longest_backoff: timedelta = timedelta(seconds=15)
    steady_after: timedelta = timedelta(seconds=60)
    """A server that lived this long starts again at the first back-off."""
    silence: timedelta = timedelta(seconds=60)
    """How long a started server may say nothing at all; one that says "starting up" is waited for without end."""
    handover: timedelta = timedelta(minutes=2)
    """How long to wait for a server that a killed daemon left behind and that is still shutting down."""
    fast_stop: timedelta = timedelta(seconds=30)
    immediate_stop: timedelta = timedelta(seconds=10)
    report_every: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedOptions:
    """Everything that can be set.

    `data_dir` gets `postgres/` (the cluster), `postgres.password`, `postgres.json` and `postgres.lock`, and may hold other files too.
    `runtime_dir` is the folder that gets `postgres/` with the socket; None puts it into `data_dir`, or into the folder for temporary files
    when the path would be too long for a socket. `binaries` is "auto" or a folder of PostgreSQL programs. `major` None: the one of the
    existing cluster, else the newest. `port` names the socket; `listen_tcp` opens it on 127.0.0.1 too. `os_user` is the account that
    the server runs under when the daemon is root. `settings` are PostgreSQL's own and win over ours.
    """

    data_dir: Path
    runtime_dir: Path | None = None
    binaries: Literal["auto"] | Path = "auto"
    major: int | None = None
    port: int = 5432
    listen_tcp: bool = False
    os_user: str | None = None
    superuser: str = "mpsyncd"
    database: str = "mpsyncd"
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    timing: Timing = field(default_factory=Timing)


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one embedded database under its data directory."""

    root: Path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own directory (PGDATA)."""
        return self.root / "postgres"

    @property
    def staging(self) -> Path:
        """Start of the names of the folders where initdb works before its result takes the place of `cluster`."""
        return self.root / "postgres.new."

    @property
    def binaries(self) -> Path:
        """Copies of the wheel's programs, made only when the database account can not reach the originals."""
        return self.root / "postgres.binaries"

    @property
    def password(self) -> Path:
        return self.root / "postgres.password"

    @property
    def runtime(self) -> Path:
        return self.root / "postgres.json"

    @property
    def lock(self) -> Path:
        return self.root / "postgres.lock"


def server_settings(options: EmbeddedOptions, *, socket_dir: Path) -> dict[str, str]:
    """The settings of the server: durable, modest in memory, few large checkpoints; statements with customers' data stay out of its log."""
    settings = {
        "listen_addresses": "127.0.0.1" if options.listen_tcp else "",
        "port": str(options.port),
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "shared_buffers": "128MB",
        "max_connections": "60",
        "wal_compression": "on",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        "log_destination": "stderr",
        "logging_collector": "off",
        "log_line_prefix": "[%p] ",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
    return settings | dict(options.settings)
