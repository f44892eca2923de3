"""Homes, options and patience for tests of the embedded PostgreSQL."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from mpsyncd.storage.embedded import EmbeddedOptions, Timing
from mpsyncd.storage.embedded.leftover import working_in

QUICK = Timing(
    first_backoff=timedelta(milliseconds=50),
    longest_backoff=timedelta(milliseconds=400),
    silence=timedelta(seconds=40),
    handover=timedelta(seconds=40),
)
PATIENCE_SECONDS = 60


@contextmanager
def home() -> Iterator[Path]:
    """A short folder that the database account may enter (pytest's own is private); servers left in it are ended by their pid."""
    folder = Path(mkdtemp(prefix="mpe"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        for cluster in folder.glob("**/postgres/PG_VERSION"):
            for pid in working_in(cluster.parent):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        rmtree(folder, ignore_errors=True)


def options(
    data_dir: Path,
    *,
    major: int | None = None,
    timing: Timing = QUICK,
    runtime_dir: Path | None = None,
    listen_tcp: bool = False,
    port: int = 5432,
    settings: dict[str, str] | None = None,
) -> EmbeddedOptions:
    """Quick options: small memory, and no waiting for the disk (a killed process loses nothing by that)."""
    return EmbeddedOptions(
        data_dir=data_dir,
        major=major,
        timing=timing,
        runtime_dir=runtime_dir,
        listen_tcp=listen_tcp,
        port=port,
        settings={"fsync": "off", "shared_buffers": "16MB"} | (settings or {}),
    )


async def until(condition: Callable[[], bool], *, what: str) -> None:
    """Return when `condition` holds; fail with `what` when it does not within a minute."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                await asyncio.sleep(0.01)
    except TimeoutError:
        message = f"waited {PATIENCE_SECONDS} s in vain: {what}"
        raise AssertionError(message) from None


async def nobody_works_in(cluster: Path) -> None:
    """Return when no process has the cluster as its working directory."""
    await until(lambda: not list(working_in(cluster)), what=f"the end of the servers in {cluster}")
