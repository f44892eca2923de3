"""The runtime file: how other commands find the embedded database while the daemon runs.

It holds no password (that is in its own file) and may be stale after a kill, so a reader always checks that something listens.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mpsyncd.model.errors import ConfigError
from mpsyncd.storage.embedded.address import Address, socket_path
from mpsyncd.storage.embedded.cluster import read_password
from mpsyncd.storage.embedded.files import write_private
from mpsyncd.storage.embedded.options import Layout

_ANSWER_WITHIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Runtime:
    """A database that runs now; `pid` is the daemon's process, `server_pid` PostgreSQL's, `psql` the folder of its programs."""

    address: Address
    pid: int
    server_pid: int
    started_at: datetime
    version: str
    programs: Path

    @property
    def dsn(self) -> str:
        return self.address.dsn


def write_runtime(layout: Layout, runtime: Runtime) -> None:
    """Tell other commands where the database listens."""
    address = runtime.address
    content = {
        "host": address.host,
        "port": address.port,
        "user": address.user,
        "database": address.database,
        "pid": runtime.pid,
        "server_pid": runtime.server_pid,
        "started_at": runtime.started_at.isoformat(),
        "version": runtime.version,
        "programs": str(runtime.programs),
    }
    write_private(layout.runtime, json.dumps(content, indent=1) + "\n")


def read_runtime(data_dir: Path) -> Runtime | None:
    """The database of `data_dir` when it runs, else None (no file, a broken one, a dead process, a socket nobody listens on).

    `ConfigError` when it belongs to an account whose files this one may not read.
    """
    layout = Layout(data_dir.absolute())
    runtime = last_runtime(layout)
    if runtime is None or not alive(runtime.server_pid):
        return None
    return runtime if _answers(socket_path(Path(runtime.address.host), port=runtime.address.port)) else None


def last_runtime(layout: Layout) -> Runtime | None:
    """What the runtime file says, whether or not it is still true."""
    try:
        content = json.loads(layout.runtime.read_text(encoding="utf-8"))
        address = Address(
            host=str(content["host"]),
            port=int(content["port"]),
            user=str(content["user"]),
            database=str(content["database"]),
            password=read_password(layout.password) or "",
        )
        return Runtime(
            address=address,
            pid=int(content["pid"]),
            server_pid=int(content["server_pid"]),
            started_at=datetime.fromisoformat(content["started_at"]),
            version=str(content["version"]),
            programs=Path(content["programs"]),
        )
    except PermissionError as error:
        message = f"{layout.runtime} belongs to another account; run this command as the account that runs the daemon"
        raise ConfigError(message) from error
    except (OSError, ValueError, KeyError, TypeError):
        return None


def alive(pid: int) -> bool:
    """Whether a process of that number exists, whoever owns it."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_ANSWER_WITHIN_SECONDS)
        try:
            client.connect(str(path))
        except PermissionError as error:
            message = f"This account may not use the database socket {path}; run this command as the account that runs the daemon"
            raise ConfigError(message) from error
        except OSError:
            return False
    return True
