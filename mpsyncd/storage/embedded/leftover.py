"""Who holds a cluster when PostgreSQL says that somebody does: a foreign server, one that a killed daemon left, or only an old lock file.

PostgreSQL trusts the process number in `postmaster.pid`. In containers numbers come back, so a file of the last life may name an innocent
process. Servers always work inside their cluster's folder, which tells them apart.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from mpsyncd.storage.embedded.diagnosis import Cause
from mpsyncd.storage.embedded.runtime import alive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpsyncd.storage.embedded.runtime import Runtime

log = structlog.get_logger(__name__)

LOCK_FILE = "postmaster.pid"


def holder(cluster: Path) -> int | None:
    """The live process that the lock file names, None when there is no file or the process is gone."""
    try:
        pid = int((cluster / LOCK_FILE).read_text(encoding="ascii").splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pid if alive(abs(pid)) else None


def working_in(cluster: Path, *, proc: Path = Path("/proc")) -> Iterator[int]:
    """Numbers of the processes whose working directory is the cluster: its servers and their children."""
    if not proc.is_dir():
        return
    target = cluster.stat()
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            found = (entry / "cwd").stat()
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == (target.st_dev, target.st_ino):
            yield int(entry.name)


def passes(cause: Cause, *, cluster: Path, holder: int | None, previous: Runtime | None) -> bool:
    """Whether a refused start is worth another try: remains of a dead server, a server that a killed daemon left, or a stale lock file.

    The caller holds the data directory, so a server that the runtime file names has no daemon any more; it is told to stop.
    """
    if cause is Cause.LEFTOVER:
        return True
    if cause is not Cause.IN_USE:
        return False
    if holder is None or remove_stale_lock(cluster):
        return True
    if previous is None or holder != previous.server_pid:
        return False
    if holder in working_in(cluster):
        with suppress(ProcessLookupError):
            os.kill(holder, signal.SIGINT)
    return True


def remove_stale_lock(cluster: Path) -> bool:
    """Remove the lock file when it certainly names a stranger: that process is visible to us and nobody works in the cluster."""
    pid = holder(cluster)
    if pid is None or not _visible(pid) or any(True for _ in working_in(cluster)):
        return False
    log.warning("postgres_stale_lock_removed", file=str(cluster / LOCK_FILE), named_process=pid)
    (cluster / LOCK_FILE).unlink(missing_ok=True)
    return True


def _visible(pid: int) -> bool:
    try:
        Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return False
    return True
