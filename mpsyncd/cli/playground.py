"""Keeps a sandbox running for a command, and tells the caller where it is."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys

import orjson

from mpsyncd.cli.output import print_line
from mpsyncd.model.errors import ConfigError
from mpsyncd.sandbox import DemoShop, SandboxOptions, serve


async def stay(options: SandboxOptions, *, until_eof: bool) -> None:
    """Run the sandbox until a signal, or with `until_eof` until stdin is closed; print its address and shops as one line of JSON.

    Raises:
        ConfigError: the port is taken.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        started = await serve(options)
    except OSError as error:
        message = f"The sandbox can not listen on port {options.port} ({error.strerror}); give another one, for example --port 0"
        raise ConfigError(message) from error
    async with started:
        print_line(orjson.dumps({"url": started.url, "shops": [_told(shop) for shop in started.demo_shops()]}).decode())
        sys.stdout.flush()
        reader = asyncio.create_task(_until_eof(ended)) if until_eof else None
        await ended.wait()
        if reader is not None:
            reader.cancel()


def _told(shop: DemoShop) -> dict[str, str]:
    return {"name": shop.name, "source": shop.source, "token": shop.token, "base_url": shop.base_url, "note": shop.note}


async def _until_eof(ended: asyncio.Event) -> None:
    """Read stdin to its end in the loop: a thread that waits there could not be ended. What is no pipe is at its end already."""
    if not (stat.S_ISFIFO(mode := os.fstat(0).st_mode) or stat.S_ISSOCK(mode) or os.isatty(0)):
        ended.set()
        return
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass
    ended.set()
