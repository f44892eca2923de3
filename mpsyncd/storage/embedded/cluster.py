"""The cluster on disk: made once by initdb, recognised by its major, its password kept beside it. Runs no server that answers."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import structlog

from mpsyncd.model.errors import ConfigError, StorageUnavailable
from mpsyncd.storage.embedded.diagnosis import Cause, diagnose, in_words
from mpsyncd.storage.embedded.files import sync_folder, write_private
from mpsyncd.storage.embedded.serverlog import parse
from mpsyncd.storage.embedded.spawn import run_to_end

if TYPE_CHECKING:
    from mpsyncd.storage.embedded.account import Account
    from mpsyncd.storage.embedded.binaries import Installation
    from mpsyncd.storage.embedded.options import Layout

log = structlog.get_logger(__name__)

FIRST_BUILTIN_LOCALE = 17
CHECKSUMS_BY_DEFAULT = 18
LAST_RESORT_LOCALE = "C"


def read_major(cluster: Path) -> int | None:
    """The major of an existing cluster, None when there is none yet; `ConfigError` when the folder holds something else."""
    try:
        return int((cluster / "PG_VERSION").read_text(encoding="ascii"))
    except FileNotFoundError:
        if cluster.exists() and any(cluster.iterdir()):
            message = f"{cluster} is not empty and no PostgreSQL cluster (it has no PG_VERSION); move it away or set [database] data_dir"
            raise ConfigError(message) from None
        return None
    except (OSError, ValueError) as error:
        message = f"{cluster / 'PG_VERSION'} can not be read ({error}); the data directory is damaged or belongs to somebody else"
        raise ConfigError(message) from error


def read_password(path: Path) -> str | None:
    """The stored password, None when there is none; `ConfigError` when this account may not read it."""
    try:
        return path.read_text(encoding="ascii").strip() or None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        message = f"The password of the embedded database in {path} can not be read ({error}); run mpsyncd as the owner of the file"
        raise ConfigError(message) from error


async def ensure(
    layout: Layout,
    *,
    installation: Installation,
    account: Account | None,
    scratch: Path,
    superuser: str,
    durable: bool,
) -> str:
    """Make the cluster when it is missing, give it a new password when its file is lost, and return the password.

    `scratch` is a private folder of the database account, used for the password during initdb. Raises `StorageUnavailable` for a full disk
    and `ConfigError` for what a person must change.
    """
    password = read_password(layout.password)
    exists = read_major(layout.cluster) is not None
    if password is not None and exists:
        return password
    password = secrets.token_urlsafe(32)
    if exists:
        await _reset_password(layout, installation=installation, account=account, superuser=superuser, password=password)
        write_private(layout.password, password + "\n")
    else:  # the password first: a cluster is never found without it, and a password without a cluster is simply replaced
        write_private(layout.password, password + "\n")
        await _initialise(layout, installation, account=account, scratch=scratch, superuser=superuser, password=password, durable=durable)
    return password


async def _initialise(
    layout: Layout,
    installation: Installation,
    *,
    account: Account | None,
    scratch: Path,
    superuser: str,
    password: str,
    durable: bool,
) -> None:
    """Run initdb beside the final place, so that a kill in the middle leaves nothing that looks like a cluster.

    Each try has a folder of its own: the initdb of a daemon that was just killed may still be writing into the last one.
    """
    password_file = scratch / "initdb.password"
    owner = (account.uid, account.gid) if account is not None else None
    write_private(password_file, password + "\n", owner=owner)
    try:
        for locale in _locales(installation.major):
            staging = await asyncio.to_thread(_new_staging, layout.staging, owner)
            command = initdb_command(installation, staging, superuser=superuser, password_file=password_file, locale=locale)
            if not durable:
                command.append("--no-sync")
            finished = await run_to_end(command, account=account)
            if finished.code == 0:
                break
            await asyncio.to_thread(shutil.rmtree, staging, ignore_errors=True)
            if locale == LAST_RESORT_LOCALE or "invalid locale" not in finished.output:
                _refuse(finished.output, code=finished.code, cluster=layout.cluster)
    finally:
        password_file.unlink(missing_ok=True)
    staging.rename(layout.cluster)
    sync_folder(layout.root)
    log.info("postgres_cluster_created", folder=str(layout.cluster), version=installation.version, origin=installation.origin)


def initdb_command(installation: Installation, folder: Path, *, superuser: str, password_file: Path, locale: str) -> list[str]:
    """The command that makes a cluster: passwords everywhere, UTF-8, byte order for texts, checksums on pages."""
    command = [
        str(installation.program("initdb")),
        f"--pgdata={folder}",
        f"--username={superuser}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        f"--locale={locale}",
    ]
    if installation.major >= FIRST_BUILTIN_LOCALE:
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    if installation.major < CHECKSUMS_BY_DEFAULT:
        command.append("--data-checksums")
    return command


def _locales(major: int) -> tuple[str, ...]:
    """Since 17 PostgreSQL brings C.UTF-8 itself; older ones take the machine's, and plain C where the machine has none."""
    return (LAST_RESORT_LOCALE,) if major >= FIRST_BUILTIN_LOCALE else ("C.UTF-8", LAST_RESORT_LOCALE)


def _new_staging(prefix: Path, owner: tuple[int, int] | None) -> Path:
    for abandoned in prefix.parent.glob(f"{prefix.name}*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    staging = Path(mkdtemp(prefix=prefix.name, dir=prefix.parent))
    if owner is not None:
        shutil.chown(staging, *owner)
    return staging


async def _reset_password(layout: Layout, *, installation: Installation, account: Account | None, superuser: str, password: str) -> None:
    """Set a password without knowing the old one, in PostgreSQL's single-user mode."""
    command = [
        str(installation.program("postgres")),
        "--single",
        "-D",
        str(layout.cluster),
        "-c",
        "log_min_error_statement=panic",
        "postgres",
    ]
    statement = f"""ALTER ROLE "{superuser.replace('"', '""')}" PASSWORD '{password}'\n"""
    finished = await run_to_end(command, account=account, text=statement)
    if finished.code != 0 or "ERROR:" in finished.output:
        _refuse(finished.output, code=finished.code, cluster=layout.cluster)
    log.warning("postgres_password_replaced", file=str(layout.password))


def _refuse(output: str, *, code: int, cluster: Path) -> None:
    ending = diagnose((parse(line).message for line in output.splitlines() if line.strip()), code=code)
    words = in_words(ending, cluster=cluster)
    if ending.cause is Cause.DISK_FULL:
        raise StorageUnavailable(words)
    raise ConfigError(words)
