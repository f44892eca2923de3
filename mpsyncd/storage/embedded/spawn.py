"""Starts PostgreSQL's programs so that they can not outlive the daemon.

A tiny Python program goes first in the child: it drops root, asks the kernel for a signal when the parent dies, and turns itself into the
wanted program. The order matters (a change of account clears that request), and it can not be done between fork and exec in this process,
which has threads. The kernel sends the signal when the *thread* that forked ends, so starting from any but the main thread is refused.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpsyncd.storage.embedded.account import Account

_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "TMPDIR", "SYSTEMROOT")
_OUTPUT_KEPT = 16_000
_SHIM = """
import ctypes, os, sys
parent, death_signal, uid, gid, groups = (sys.argv[i] for i in range(1, 6))
command = sys.argv[6:]
try:
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
except (OSError, MemoryError):
    libc = None
    print("WARNING:  the kernel can not be asked to stop this server with its daemon", file=sys.stderr)
if uid:
    os.setgroups([int(group) for group in groups.split(",")])
    os.setgid(int(gid))
    os.setuid(int(uid))
if libc is not None and libc.prctl(1, int(death_signal), 0, 0, 0) != 0:
    print("WARNING:  the kernel refused to stop this server with its daemon", file=sys.stderr)
if os.getppid() != int(parent):
    sys.exit("FATAL:  the daemon that started this server has ended")
os.umask(0o077)
try:
    os.execv(command[0], command)
except OSError as error:
    sys.exit(f"FATAL:  could not execute {command[0]}: {error.strerror}")
"""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended: its exit code (negative: the signal) and the end of what it wrote."""

    code: int
    output: str


def shim_arguments(command: Sequence[str], *, account: Account | None, death_signal: signal.Signals) -> list[str]:
    """The argument list that runs `command` as `account` and ends it with this process."""
    uid, gid = (str(account.uid), str(account.gid)) if account is not None else ("", "")
    groups = ",".join(str(group) for group in account.groups) if account is not None else ""
    return [sys.executable, "-I", "-S", "-c", _SHIM, str(os.getpid()), str(int(death_signal)), uid, gid, groups, *command]


async def start(command: Sequence[str], *, account: Account | None, stdin: bool = False) -> asyncio.subprocess.Process:
    """Start a program in its own session, both outputs in one pipe and none of this process's secrets in its environment."""
    if threading.current_thread() is not threading.main_thread():
        message = "the embedded PostgreSQL must be started from the main thread: it would end with any other one"
        raise RuntimeError(message)
    return await asyncio.create_subprocess_exec(
        *shim_arguments(command, account=account, death_signal=signal.SIGINT),
        stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd="/",
        env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ} | {"LC_ALL": "C"},
        start_new_session=True,
    )


async def run_to_end(command: Sequence[str], *, account: Account | None, text: str | None = None) -> Finished:
    """Run a short program, `text` as its input; a cancelled caller takes the program with it."""
    process = await start(command, account=account, stdin=text is not None)
    assert process.stdout is not None  # noqa: S101 - asked for above
    kept = b""
    try:
        if text is not None and process.stdin is not None:
            process.stdin.write(text.encode())
            process.stdin.close()
        while chunk := await process.stdout.read(65_536):
            kept = (kept + chunk)[-_OUTPUT_KEPT:]
        return Finished(code=await process.wait(), output=kept.decode(errors="replace"))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
