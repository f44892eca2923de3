"""Small private files written whole or not at all, and the lock that keeps a second daemon out of a data directory."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mpsyncd.model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def write_private(path: Path, text: str, *, owner: tuple[int, int] | None = None) -> None:
    """Replace `path` atomically by a file of mode 0600 that survives a power cut; `owner` is (uid, gid) when it is given away."""
    staging = path.with_name(f"{path.name}.new")
    staging.unlink(missing_ok=True)
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if owner is not None:
            os.fchown(file.fileno(), *owner)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    staging.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(lock: Path, *, data_dir: Path) -> Iterator[None]:
    """Hold the data directory for this process; `ConfigError` names the process that has it. The kernel frees it when we die.

    The file stays where it is: removing it would let two processes lock two different files of one name.
    """
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise ConfigError(f"mpsyncd can not open {lock} ({reason}); run it as the owner of {data_dir} or set another data_dir") from error
    with os.fdopen(descriptor, "r+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read(20).strip()
            who = f" (process {holder})" if holder else ""
            message = f"Another daemon{who} uses the data directory {data_dir}; stop it, or set [database] data_dir to another folder"
            raise ConfigError(message) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
