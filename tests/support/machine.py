"""A small machine with a real systemd: a container that shares this machine's /usr, with mpsyncd installed as the guide says.

Made of a few folders and of what Debian's packages put into /usr; boots in a second. The environment of the tests stands in for the one in
/opt/mpsyncd, so its interpreter must come from /usr.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from support.project import ROOT

UNIT = "mpsyncd.service"
_PAUSE = 0.1
_COMMAND_SECONDS = 90
_PATIENCE_SECONDS = 120
_BOOT_SECONDS = 30
_HALT_SECONDS = 30
_LINKS = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
_TARGET = """
[Unit]
Description=Everything that the tests need
Requires=basic.target
After=basic.target mpsyncd.service
AllowIsolate=yes
"""
"""Naming the unit in After keeps what systemd knows of it when it is stopped."""
_PROGRAM = """#!/bin/sh
PYTHONPATH=/opt/mpsyncd/source:/opt/mpsyncd/packages exec {python} -m mpsyncd "$@"
"""


def why_not() -> str | None:
    """Why no machine can be booted here, or None."""
    missing = [tool for tool in ("systemd-nspawn", "systemd-sysusers", "nsenter") if shutil.which(tool) is None]
    if os.geteuid() != 0:
        return "only root can boot a container"
    if missing:
        return f"not installed: {', '.join(missing)} (Debian: apt-get install systemd-container util-linux)"
    if not Path(sys.executable).resolve().is_relative_to("/usr"):
        return f"the interpreter {Path(sys.executable).resolve()} is not in /usr, which is all that the container has"
    if _cgroups() is None:
        return "there is no cgroup2 that may be written to"
    return None


class CanNotBootError(Exception):
    """systemd-nspawn refused: this machine (or what it may do) does not allow a container."""


class Machine:
    """A machine that runs. `root` is its file system, `init` the number of its first process as seen from outside."""

    def __init__(self, root: Path, *, init: int) -> None:
        self.root = root
        self._init = init
        self._since: tuple[str, ...] = ()

    def run(self, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command inside as root, to its end."""
        enter = [
            "nsenter",
            "-t",
            str(self._init),
            "-m",
            "-u",
            "-i",
            "-n",
            "-p",
            "-C",
            "--",
            "env",
            "-i",
            "PATH=/usr/sbin:/usr/bin",
            "LC_ALL=C.UTF-8",
        ]
        return subprocess.run([*enter, *command], input=stdin, capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=False)

    def good(self, *command: str, stdin: str = "") -> str:
        """Run a command that must end well; what it printed."""
        done = self.run(*command, stdin=stdin)
        assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}\n{self.journal()}"
        return done.stdout

    def show(self, name: str) -> str:
        """A property of the unit, as systemd tells it."""
        return self.good("systemctl", "show", UNIT, "--value", "-p", name).strip()

    @property
    def pid(self) -> int:
        """The daemon's number inside; 0 when there is none."""
        return int(self.show("MainPID"))

    def journal(self) -> str:
        """What the unit logged, and systemd about it, since `forget`."""
        self.run("journalctl", "--sync")
        return self.run("journalctl", "-u", UNIT, "--no-pager", "-o", "cat", *self._since).stdout

    def forget(self) -> None:
        """Let the journal begin here."""
        self.run("journalctl", "--sync")
        told = self.good("journalctl", "--no-pager", "-n", "0", "--show-cursor")
        self._since = ("--after-cursor", told.partition("cursor: ")[2].strip())

    def processes(self) -> dict[int, str]:
        """Number and name of every process of the unit."""
        group = self.show("ControlGroup")
        if not group:
            return {}
        listed = self.run("cat", f"/sys/fs/cgroup{group}/cgroup.procs").stdout.split()
        return {int(pid): self.run("cat", f"/proc/{pid}/comm").stdout.strip() for pid in listed}

    def until(self, ask: Callable[[], bool], *, what: str) -> None:
        """Ask until the answer is yes; fail with `what` and the journal."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not ask():
            assert time.monotonic() < end, f"waited {_PATIENCE_SECONDS} s in vain for {what}:\n{self.journal()}"
            time.sleep(_PAUSE)

    def write(self, path: str, text: str, *, mode: int = 0o644) -> None:
        """Make a file inside, of root."""
        target = self.root / path.removeprefix("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(mode)


@contextmanager
def booted() -> Iterator[Machine]:
    """Boot a machine and shut it down at the end. CanNotBootError tells what systemd-nspawn said when it refused."""
    home = Path(mkdtemp(prefix="mpm"))
    group = (_cgroups() or Path()) / home.name
    group.mkdir()
    try:
        root = home / "root"
        _furnish(root)
        with _container(root, group=group, log=home / "boot.log") as init:
            yield Machine(root, init=init)
    finally:
        _remove_group(group)
        shutil.rmtree(home, ignore_errors=True)


def _furnish(root: Path) -> None:
    """Folders, accounts and settings of a machine that has mpsyncd installed by the guide."""
    for folder in (
        "dev",
        "etc/systemd/system",
        "opt/mpsyncd/bin",
        "opt/mpsyncd/packages",
        "opt/mpsyncd/source",
        "proc",
        "run",
        "sys",
        "usr",
        "var/log",
    ):
        (root / folder).mkdir(parents=True)
    (root / "root").mkdir(mode=0o700)
    (root / "tmp").mkdir(mode=0o1777)
    root.chmod(0o755)
    for link in _LINKS:
        if (Path("/") / link).is_symlink():
            (root / link).symlink_to(f"usr/{link}")
    etc = root / "etc"
    (etc / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n", encoding="ascii")
    (etc / "group").write_text("root:x:0:\nnogroup:x:65534:\n", encoding="ascii")
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n", encoding="ascii")
    (etc / "hosts").write_text("127.0.0.1 localhost\n", encoding="ascii")
    shutil.copy("/usr/lib/os-release", etc)  # looked for before /usr is there
    (etc / "machine-id").write_text(f"{os.urandom(16).hex()}\n", encoding="ascii")
    (etc / "systemd/system/default.target").write_text(_TARGET, encoding="ascii")
    for source, target in (
        ("mpsyncd.sysusers", "sysusers.d/mpsyncd.conf"),
        ("mpsyncd.tmpfiles", "tmpfiles.d/mpsyncd.conf"),
        (UNIT, f"systemd/system/{UNIT}"),
    ):
        (etc / target).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / "systemd" / source, etc / target)
    program = root / "opt/mpsyncd/bin/mpsyncd"
    program.write_text(_PROGRAM.format(python=Path(sys.executable).resolve()), encoding="utf-8")
    program.chmod(0o755)


@contextmanager
def _container(root: Path, *, group: Path, log: Path) -> Iterator[int]:
    binds = {"/usr": "/usr", str(ROOT): "/opt/mpsyncd/source", sysconfig.get_path("purelib"): "/opt/mpsyncd/packages"}
    command = [
        *("sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(group)),
        *("setpriv", "--pdeathsig=TERM"),  # it goes down with the tests, however they end
        *("systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--private-network", "--console=pipe"),
        *(f"--directory={root}", f"--machine=mpsyncd-{os.getpid()}", *(f"--bind-ro={source}:{target}" for source, target in binds.items())),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            start_new_session=True,
        )
    try:
        yield _first_process(process, log=log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=_HALT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _first_process(process: subprocess.Popen[bytes], *, log: Path) -> int:
    """The container's init, once its systemd answers."""
    end = time.monotonic() + _BOOT_SECONDS
    while time.monotonic() < end and process.poll() is None:
        for pid in below(process.pid):
            if number_inside(pid) == "1" and Machine(Path(), init=pid).run("systemctl", "is-active", "basic.target").stdout == "active\n":
                return pid
        time.sleep(_PAUSE)
    told = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    if process.poll() is not None:
        raise CanNotBootError(f"systemd-nspawn ended with {process.returncode}: {told}")
    raise AssertionError(f"the container did not come up in {_BOOT_SECONDS} s: {told}")


def below(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
            yield int(child)
            yield from below(int(child))


def number_inside(pid: int) -> str | None:
    """The last of the numbers that a process has in nested namespaces, when there is more than one."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("NSpid:"):
                numbers = line.split()[1:]
                return numbers[-1] if len(numbers) > 1 else None
    return None


def _cgroups() -> Path | None:
    """Where groups of processes can be made, so that two machines never share one."""
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2" and os.access(where, os.W_OK):
            return Path(where)
    return None


def _remove_group(group: Path) -> None:
    """Remove a group with those below it, once their last process is gone."""
    for folder, _, _ in sorted(os.walk(group), reverse=True):
        with suppress(OSError):
            Path(folder).rmdir()
