"""The sandbox as a process of its own, so that it shares neither loop nor memory with the daemon it is asked by."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import orjson

from mpsyncd.model.errors import MpsyncdError

_START_WITHIN_SECONDS = 30
_STOP_WITHIN_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class InventedShop:
    """A shop of the sandbox with its invented token, and where its methods are; `{host}` stands for the vendor's hosts."""

    name: str
    source: str
    token: str
    base_url: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A sandbox that runs: where it listens and whom it plays."""

    url: str
    shops: tuple[InventedShop, ...]


@asynccontextmanager
async def sandbox_process(*, limit_scale: float, event_rate: float) -> AsyncIterator[Neighbour]:
    """Run a sandbox until the end of the block; it also ends when this process is killed, because its stdin is closed then.

    Raises:
        MpsyncdError: it did not start; its own words are on stderr.
    """
    command = ["-m", "mpsyncd", "sandbox", "--port", "0", "--until-eof", "--limit-scale", str(limit_scale), "--event-rate", str(event_rate)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the demo, which ends the sandbox last
    )
    try:
        yield await _greeting(process)
    finally:
        await _end(process)


async def _greeting(process: asyncio.subprocess.Process) -> Neighbour:
    assert process.stdout is not None  # noqa: S101 - asked for
    try:
        async with asyncio.timeout(_START_WITHIN_SECONDS):
            told = orjson.loads(await process.stdout.readline())
    except (TimeoutError, orjson.JSONDecodeError) as error:
        message = "The sandbox did not start; what it said stands above"
        raise MpsyncdError(message) from error
    return Neighbour(url=told["url"], shops=tuple(InventedShop(**shop) for shop in told["shops"]))


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_WITHIN_SECONDS):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
