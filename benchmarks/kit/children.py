"""Other processes of a benchmark: they tell about themselves in one line of JSON and end with their stdin, or by their pid."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
_GRACE_SECONDS = 10


@contextmanager
def serving(module: str, *arguments: str) -> Iterator[dict[str, Any]]:
    """Run a server module until the end of the block; what it told when it was ready."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, cwd=HERE, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                raise RuntimeError(f"{module} ended before it was ready")
            yield json.loads(line)
        finally:
            if process.stdin:
                process.stdin.close()
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


async def told(module: str, *arguments: str, python: str = sys.executable, within: float, **variables: str) -> dict[str, Any]:
    """Run a module to its end; the JSON of the last line that it printed."""
    process = await asyncio.create_subprocess_exec(
        python, "-m", module, *arguments, cwd=HERE, env=environment() | variables, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(within):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"{module} ended with {process.returncode}")
    answer: dict[str, Any] = json.loads(out.splitlines()[-1])
    return answer


async def until_eof() -> None:
    """Return when stdin is closed."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


def tell(**facts: object) -> None:
    """Print the one line."""
    print(json.dumps(facts), flush=True)


@contextmanager
def compiled() -> Iterator[None]:
    """Let every process of the block keep and use compiled modules, as an installed program does; they are put into a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="mpc") as folder:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        try:
            yield
        finally:
            del os.environ["PYTHONPYCACHEPREFIX"]


def environment() -> dict[str, str]:
    """This process's variables without settings of mpsyncd; nobody phones home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MPSYNCD_", "STATE_DIR", "RUNTIME_DIR"))}
    return kept | {"LC_ALL": "C.UTF-8", "RUNTIME__DLTHUB_TELEMETRY": "false", "DO_NOT_TRACK": "1"}


def arguments_after(argv: Sequence[str], *names: str) -> dict[str, str]:
    """Positional arguments by name."""
    if len(argv) - 1 != len(names):
        raise SystemExit(f"usage: {argv[0]} {' '.join(names)}")
    return dict(zip(names, argv[1:], strict=True))
