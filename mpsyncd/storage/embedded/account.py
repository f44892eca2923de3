"""Which account of the machine runs the server, and the folders it needs.

PostgreSQL refuses to run as root. Only folders that were made here are ever given away or have their mode set; a parent that the account
may not enter is reported, never changed.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsyncd.model.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

CANDIDATES = ("mpsyncd", "postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the machine; `groups` are all of its group numbers."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]


def by_name(name: str) -> Account:
    """Look an account up; `KeyError` when the machine has none of that name."""
    entry = pwd.getpwnam(name)
    return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid, groups=tuple(os.getgrouplist(name, entry.pw_gid)))


def by_number(uid: int, *, gid: int) -> Account:
    """The account of a number; one without a name (usual in containers) has only the group `gid`."""
    try:
        return by_name(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return Account(name=f"uid {uid}", uid=uid, gid=gid, groups=(gid,))


def choose_account(wanted: str | None, *, cluster: Path) -> Account | None:
    """The account to change to, or None when the daemon is not root and the server simply runs as the daemon does.

    An existing cluster keeps its owner, so that accounts that appear later change nothing.
    """
    mark = cluster / "PG_VERSION"
    found = mark.stat() if mark.exists() else None
    owner = found.st_uid if found is not None else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise ConfigError(
                f"The data directory {cluster} belongs to {_name_of(owner)}, but mpsyncd runs as {_name_of(os.geteuid())}; "
                "run it as the owner, or set [database] data_dir to another folder"
            )
        return None
    if wanted is not None:
        account = _wished(wanted)
    elif found is not None and found.st_uid != 0:
        account = by_number(found.st_uid, gid=found.st_gid)
    else:
        account = _default()
    if owner not in (None, account.uid):
        message = (
            f"The data directory {cluster} belongs to {_name_of(owner)}, but the database is to run as {account.name}; "
            f"set [database] os_user to the owner, or give the folder away with chown -R {account.name}"
        )
        raise ConfigError(message)
    return account


def blocked_folder(path: Path, account: Account) -> Path | None:
    """The first folder above `path` that `account` may not enter by its mode bits, or None. Folders that do not exist yet do not block."""
    for folder in reversed(path.parents):
        try:
            found = folder.stat()
        except FileNotFoundError:
            return None
        if found.st_uid == account.uid:
            needed = stat.S_IXUSR
        elif found.st_gid in account.groups:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not found.st_mode & needed:
            return folder
    return None


def require_reachable(path: Path, account: Account | None, *, setting: str) -> None:
    """`ConfigError` naming the folder when `account` can not come to `path`."""
    if account is None:
        return
    blocked = blocked_folder(path, account)
    if blocked is not None:
        raise ConfigError(
            f"PostgreSQL can not run as root, and the account {account.name} may not enter {blocked} on the way to {path}. "
            f"Set {setting} to a folder outside of it (for example under /var/lib/mpsyncd), or run mpsyncd as a normal user"
        )


def make_root(path: Path) -> None:
    """Make the data directory and its missing parents; made by root they let others pass through, without looking inside."""
    mode = 0o711 if os.geteuid() == 0 else 0o700
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        for folder in reversed(missing):
            folder.mkdir(mode=mode)
            folder.chmod(mode)
    except FileExistsError as error:
        message = f"The data directory {path} can not be made: {error.filename} is a file; set [database] data_dir to another folder"
        raise ConfigError(message) from error
    except OSError as error:
        raise ConfigError(_unwritable(path, error)) from error
    if not path.is_dir():
        message = f"The data directory {path} is not a folder; set [database] data_dir to another one"
        raise ConfigError(message)
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigError(_unwritable(path, PermissionError("Permission denied")))


def make_private(path: Path, account: Account | None) -> None:
    """Make `path` as a 0700 folder of the account; one that exists must already be that account's own, and no link."""
    uid = account.uid if account is not None else os.geteuid()
    try:
        path.mkdir(mode=0o700)
        if account is not None:
            os.chown(path, account.uid, account.gid)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
            raise ConfigError(
                f"{path} must be a private folder (mode 0700) of {_name_of(uid)}; move it away and start again, a right one is then made"
            ) from None
    except OSError as error:
        raise ConfigError(_unwritable(path, error)) from error


def _wished(name: str) -> Account:
    try:
        account = by_name(name)
    except KeyError:
        message = f"The account {name} of [database] os_user does not exist on this machine; make it or name another one"
        raise ConfigError(message) from None
    if account.uid == 0:
        message = "PostgreSQL can not run as root: [database] os_user must name an unprivileged account, for example postgres or nobody"
        raise ConfigError(message)
    return account


def _default() -> Account:
    for name in CANDIDATES:
        try:
            return by_name(name)
        except KeyError:
            continue
    raise ConfigError(
        f"PostgreSQL can not run as root, and this machine has none of the accounts {', '.join(CANDIDATES)}; name one in [database] os_user"
    )


def _name_of(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid or 0).pw_name
    except KeyError:
        return f"uid {uid}"


def _unwritable(path: Path, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    who = _name_of(os.geteuid())
    return f"mpsyncd can not write to {path} ({reason}); give the folder to {who} or set [database] data_dir to another one"
