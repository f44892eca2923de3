"""The container image, built and run for real without a container engine.

debootstrap makes the base, buildah builds the Dockerfile, systemd-nspawn runs what the image says (user, entry point, environment) with a
read-only root and no capability. The base takes over how this machine reaches its registries (apt and pip settings, certificates),
nothing else.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from support.machine import below, number_inside
from support.project import ROOT

BASE = "localhost/mpsyncd-test-base"
IMAGE = "localhost/mpsyncd-test"
OWNER = 10001
_TOOLS = {"buildah": "buildah", "debootstrap": "debootstrap", "systemd-nspawn": "systemd-container", "nsenter": "util-linux"}
_TAKEN_OVER = ("etc/apt/sources.list", "etc/apt/sources.list.d", "etc/apt/apt.conf.d", "etc/apt/auth.conf.d", "etc/pip.conf")
_CERTIFICATES = Path("usr/local/share/ca-certificates")
_BUILD_SECONDS = 900
_PATIENCE_SECONDS = 120
_PAUSE = 0.1


def why_not() -> str | None:
    """Why no image can be built here, or None."""
    if os.geteuid() != 0:
        return "only root can build and run an image without an engine"
    missing = sorted({package for tool, package in _TOOLS.items() if shutil.which(tool) is None})
    return f"not installed (Debian: apt-get install {' '.join(missing)})" if missing else None


class CanNotBuildError(Exception):
    """The base can not be made here: no package source, or no right to mount. The Dockerfile was not tried."""


class Image:
    """A built image: `facts` as it says of itself, `root` its file system, `size` in bytes."""

    def __init__(self, *, facts: dict[str, Any], root: Path, size: int) -> None:
        self.facts = facts
        self.root = root
        self.size = size

    @contextmanager
    def running(self, volume: Path, **environment: str) -> Iterator["Container"]:
        """Run the image as it says, with `volume` as its data and nothing else that can be written but two small file systems."""
        volume.mkdir(exist_ok=True)
        os.chown(volume, OWNER, OWNER)
        told = dict(entry.split("=", 1) for entry in self.facts["Env"]) | environment
        command = [
            *("setpriv", "--pdeathsig=KILL"),  # it goes down with the tests, however they end
            *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--console=pipe", "--read-only"),
            *("--no-new-privileges=yes", "--drop-capability=all", "--kill-signal=SIGTERM", f"--machine=mpsyncd-{os.getpid()}-image"),
            *(f"--directory={self.root}", f"--user={OWNER}", "--tmpfs=/tmp", f"--tmpfs=/run/mpsyncd:uid={OWNER},gid={OWNER},mode=0700"),
            *(f"--bind={volume}:/var/lib/mpsyncd", f"--chdir={self.facts['WorkingDir']}"),
            *(f"--setenv={name}={value}" for name, value in told.items()),
            *self.facts["Entrypoint"],
            *self.facts["Cmd"],
        ]
        log = volume.parent / f"{volume.name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        try:
            yield Container(process, log=log, environment=told)
        finally:
            process.kill()
            process.wait()


class Container:
    """A container that runs, or has ended."""

    def __init__(self, process: subprocess.Popen[bytes], *, log: Path, environment: dict[str, str]) -> None:
        self._process = process
        self._log = log
        self._environment = environment

    @property
    def log(self) -> str:
        """Everything it wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as the image's user with the image's environment."""
        enter = ("nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", f"-S{OWNER}", f"-G{OWNER}", "-r", "--", "env", "-i")
        told = [f"{name}={value}" for name, value in self._environment.items()]
        return subprocess.run([*enter, *told, *command], capture_output=True, text=True, timeout=60, check=False)

    @property
    def init(self) -> int:
        """The number, outside, of the container's first process."""
        self.until(lambda: self._first() is not None, what="its first process")
        return self._first() or 0

    def _first(self) -> int | None:
        return next((pid for pid in below(self._process.pid) if number_inside(pid) == "1"), None)

    def until(self, ask: Callable[[], bool], *, what: str) -> None:
        """Ask until the answer is yes."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not ask():
            assert self._process.poll() is None, f"the container ended before {what}: {self.log}"
            assert time.monotonic() < end, f"waited in vain for {what}: {self.log}"
            time.sleep(_PAUSE)

    def stop(self, signal: int) -> int:
        """Send the image's first process a signal; the exit code of the container."""
        os.kill(self.init, signal)
        return self._process.wait(timeout=_PATIENCE_SECONDS)


@contextmanager
def built() -> Iterator[Image]:
    """Make the base, build the Dockerfile on it, mount the result. CanNotBuildError: the base could not be made."""
    home = Path(mkdtemp(prefix="mpi"))
    try:
        _bootstrap(home / "base")
        container = _buildah(home, "from", "scratch").strip()
        _buildah(home, "add", "--quiet", container, str(home / "base"), "/")
        _buildah(home, "commit", "--quiet", "--rm", container, BASE)
        shutil.rmtree(home / "base")
        _buildah(
            home, "bud", "--isolation=chroot", "--format=docker", "--pull-never", f"--build-arg=BASE={BASE}", f"--tag={IMAGE}", str(ROOT)
        )
        facts = json.loads(_buildah(home, "inspect", "--type=image", IMAGE))
        mounted = _buildah(home, "from", "--pull-never", IMAGE).strip()
        root = Path(_buildah(home, "mount", mounted).strip())
        size = sum(path.lstat().st_size for path in root.rglob("*") if not path.is_dir())
        yield Image(facts=facts["Docker"]["config"], root=root, size=size)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _bootstrap(base: Path) -> None:
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines() if "=" in line)
    done = subprocess.run(
        ["debootstrap", "--variant=minbase", release.get("VERSION_CODENAME", "bookworm"), str(base)],
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise CanNotBuildError(f"debootstrap ended with {done.returncode}: {(done.stdout + done.stderr)[-500:]}")
    (base / "etc/apt/sources.list").unlink(missing_ok=True)
    for name in _TAKEN_OVER:
        ours, its = Path("/") / name, base / name
        if ours.is_dir():
            shutil.copytree(ours, its, dirs_exist_ok=True)
        elif ours.exists():
            shutil.copy(ours, its)
    for certificate in (Path("/") / _CERTIFICATES).glob("*.crt"):
        (base / _CERTIFICATES).mkdir(parents=True, exist_ok=True)
        shutil.copy(certificate, base / _CERTIFICATES)


def _buildah(home: Path, *words: str) -> str:
    command = ["buildah", f"--root={home / 'store'}", f"--runroot={home / 'run'}", "--storage-driver=vfs", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False)
    assert done.returncode == 0, f"buildah {words[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-3000:]}"
    return done.stdout
