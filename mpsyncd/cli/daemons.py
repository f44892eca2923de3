"""Commands that stay: the daemon, and the sandbox that stands in for the vendors."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer

from mpsyncd import daemon
from mpsyncd.cli.codes import Code
from mpsyncd.cli.session import Session, perform
from mpsyncd.cli.settings import Json
from mpsyncd.logs import logging_to
from mpsyncd.settings import Configuration, Settings


def run(context: typer.Context) -> None:
    """Run the daemon in the foreground until SIGTERM or SIGINT; a second signal does not wait for pages in hand.

    SIGHUP reads settings and shops again, as the command reload does.
    """
    session: Session = context.obj
    first = daemon.configuration(session.config, os.environ)

    def read() -> Configuration:
        """Read the same file again: one that vanished is no reason to go on with the defaults."""
        return daemon.configuration(session.config or first.file, os.environ)

    with logging_to(first.settings.log) as logs:
        try:
            code = asyncio.run(daemon.run(daemon.Files(first=first, read=read, logs=logs)))
        except KeyboardInterrupt:
            code = Code.INTERRUPTED
    raise typer.Exit(code)


def demo(
    context: typer.Context,
    *,
    once: Annotated[bool, typer.Option("--once", help="Load, follow the changes, compare with the truth, and leave.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the database for the next demo.")] = False,
    limit_scale: Annotated[float, typer.Option(min=1, max=100_000, help="How many times faster than published limits refill.")] = 30_000.0,
    json: Json = False,
) -> None:
    """Show everything with invented shops: a PostgreSQL of its own, a sandbox that plays the vendors, the daemon between them."""
    from mpsyncd.cli.demo import play  # noqa: PLC0415 - the daemon starts without it

    async def work(_settings: Settings) -> int:
        return await play(once=once, keep=keep, limit_scale=limit_scale, json=json)

    raise typer.Exit(perform(context, work, least="error"))  # parked streams belong to the show


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
    from mpsyncd.cli.playground import stay  # noqa: PLC0415 - the daemon starts without it
    from mpsyncd.sandbox import DEMO_COMPANIES, SandboxOptions  # noqa: PLC0415

    options = SandboxOptions(port=port, limit_scale=limit_scale, event_rate=event_rate, seed=seed, companies=DEMO_COMPANIES)

    async def work(_settings: Settings) -> None:
        await stay(options, until_eof=until_eof)

    perform(context, work)
