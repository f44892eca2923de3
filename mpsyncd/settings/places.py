"""Where files are by default: the settings file and the data directory, by the account and what systemd says. Touches no file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

CONFIG_VARIABLE = "MPSYNCD_CONFIG"
SYSTEM_CONFIG = Path("/etc/mpsyncd/mpsyncd.toml")
LOCAL_CONFIG = Path("mpsyncd.toml")
SHOP_LIST = "shops.toml"


def config_file(chosen: Path | None, environ: Mapping[str, str]) -> tuple[Path, str] | None:
    """The settings file and who named it: `--config`, MPSYNCD_CONFIG, or the first of the usual two that exists."""
    if chosen is not None:
        return chosen, "--config"
    if environ.get(CONFIG_VARIABLE):
        return Path(environ[CONFIG_VARIABLE]), CONFIG_VARIABLE
    return next(((path, "default") for path in (LOCAL_CONFIG, SYSTEM_CONFIG) if _is_there(path)), None)


def shop_list(config: Path | None) -> Path | None:
    """The shop list beside the settings file, None when there is none; one that this account may not see is never ignored."""
    beside = config.parent / SHOP_LIST if config is not None else None
    try:
        return beside if beside is not None and beside.exists() else None
    except PermissionError:
        return beside


def _is_there(path: Path) -> bool:
    """A working directory of somebody else is passed by; settings of the machine that this account may not see are never ignored."""
    try:
        path.stat()
    except PermissionError:
        return path == SYSTEM_CONFIG
    except OSError:
        return False
    return True


def data_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Systemd's STATE_DIRECTORY, /var/lib/mpsyncd for root, else the account's XDG data folder."""
    environ = os.environ if environ is None else environ
    if environ.get("STATE_DIRECTORY"):
        return Path(environ["STATE_DIRECTORY"].split(":")[0])
    if os.geteuid() == 0:
        return Path("/var/lib/mpsyncd")
    base = environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "mpsyncd"


def runtime_dir(environ: Mapping[str, str] | None = None) -> Path | None:
    """Systemd's RUNTIME_DIRECTORY, else None."""
    environ = os.environ if environ is None else environ
    found = environ.get("RUNTIME_DIRECTORY")
    return Path(found.split(":")[0]) if found else None
