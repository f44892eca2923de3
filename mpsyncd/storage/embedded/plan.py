"""Everything that must be settled before the first process starts: account, folders, programs, socket. Refuses in words, changes little."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mpsyncd.model.errors import ConfigError
from mpsyncd.storage.embedded.account import Account, blocked_folder, choose_account, make_private, make_root, require_reachable
from mpsyncd.storage.embedded.address import LONGEST_SOCKET_PATH, socket_fits, socket_path
from mpsyncd.storage.embedded.binaries import Installation, choose, find_at, find_auto, reachable_copy
from mpsyncd.storage.embedded.cluster import read_major
from mpsyncd.storage.embedded.options import EmbeddedOptions, Layout, server_settings

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Plan:
    """The decided facts of one embedded server."""

    options: EmbeddedOptions
    layout: Layout
    account: Account | None
    installation: Installation
    socket_dir: Path

    @property
    def durable(self) -> bool:
        return self.options.settings.get("fsync", "on") != "off"

    def command(self) -> list[str]:
        """The argument list of the server."""
        settings = server_settings(self.options, socket_dir=self.socket_dir)
        arguments = [f"--{name}={value}" for name, value in settings.items()]
        return [str(self.installation.program("postgres")), "-D", str(self.layout.cluster), *arguments]


def locate(options: EmbeddedOptions) -> tuple[Layout, Account | None]:
    """Choose the account and make the data directory, after checking that the account can get there. Blocks on the disk."""
    layout = Layout(options.data_dir.absolute())
    try:
        account = choose_account(options.os_user, cluster=layout.cluster)
    except PermissionError as error:
        message = f"mpsyncd may not look into {layout.root} ({error.strerror}); run it as the owner or set [database] data_dir"
        raise ConfigError(message) from error
    require_reachable(layout.cluster, account, setting="[database] data_dir")
    make_root(layout.root)
    require_reachable(layout.cluster, account, setting="[database] data_dir")
    return layout, account


def make_plan(options: EmbeddedOptions, layout: Layout, account: Account | None) -> Plan:
    """Choose the programs and make the folder of the socket. Blocks on the disk and on short programs: call it in a thread."""
    socket_dir = socket_folder(options, layout)
    installations = find_auto() if options.binaries == "auto" else find_at(options.binaries)
    installation = choose(installations, cluster_major=read_major(layout.cluster), wanted=options.major, cluster=layout.cluster)
    if account is not None:
        installation = reachable_copy(installation, into=layout.binaries, reachable=_reachable_by(account))
        require_reachable(installation.program("postgres"), account, setting="[database] embedded_binaries")
    if not socket_dir.parent.exists():
        make_root(socket_dir.parent)
    require_reachable(socket_dir, account, setting="[database] runtime_dir")
    make_private(socket_dir, account)
    return Plan(options=options, layout=layout, account=account, installation=installation, socket_dir=socket_dir)


def socket_folder(options: EmbeddedOptions, layout: Layout) -> Path:
    """The folder of the socket, short enough for the kernel; `ConfigError` when a chosen one is too long."""
    if options.runtime_dir is not None:
        chosen = options.runtime_dir.absolute() / "postgres"
        if not socket_fits(chosen, port=options.port):
            path = socket_path(chosen, port=options.port)
            message = (
                f"The socket path {path} has {len(str(path).encode())} bytes, the system allows {LONGEST_SOCKET_PATH}; "
                "set [database] runtime_dir to a shorter path, for example /run/mpsyncd"
            )
            raise ConfigError(message)
        return chosen
    usual = layout.root / "postgres.run"
    if socket_fits(usual, port=options.port):
        return usual
    name = hashlib.blake2s(str(layout.root).encode(), digest_size=6).hexdigest()
    return Path(tempfile.gettempdir()) / f"mpsyncd-{os.geteuid()}-{name}"


def _reachable_by(account: Account) -> Callable[[Path], bool]:
    return lambda path: blocked_folder(path, account) is None
