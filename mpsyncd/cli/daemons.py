"""Commands that stay: the daemon, and the sandbox that stands in for the vendors."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from typing import Annotated

import orjson
import typer

from mpsyncd import daemon
from mpsyncd.cli.output import print_line
from mpsyncd.cli.session import perform
from mpsyncd.model.errors import ConfigError
from mpsyncd.sandbox import DemoShop, SandboxOptions, serve
from mpsyncd.settings import Settings


def run(context: typer.Context) -> None:
    """Run the daemon in the foreground until SIGTERM or SIGINT; a second signal does not wait for pages in hand."""
    raise typer.Exit(perform(context, daemon.run, chatty=True))


def sandbox(
    context: typer.Context,
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 9100,
    limit_scale: Annotated[float, typer.Option(min=0.01, help="How many times faster than published limits refill.")] = 1.0,
    event_rate: Annotated[float, typer.Option(min=0.0, help="Changes per second in the invented world.")] = 1.0,
    seed: Annotated[str, typer.Option(help="Worlds of the same seed are born alike.")] = "mpsyncd",
    until_eof: Annotated[bool, typer.Option("--until-eof", help="Stop when stdin is closed, so that it ends with its parent.")] = False,
) -> None:
    """Play the vendors' APIs on loopback, with invented shops. Prints its address and their tokens as one line of JSON."""
    options = SandboxOptions(port=port, limit_scale=limit_scale, event_rate=event_rate, seed=seed)

    async def work(_settings: Settings) -> None:
        await _stay(options, until_eof=until_eof)

    perform(context, work)


async def _stay(options: SandboxOptions, *, until_eof: bool) -> None:
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
    return {"name": shop.name, "source": shop.source, "token": shop.token, "note": shop.note}


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
