"""What every command has in common: where its settings come from, how much it logs, and its one way into the loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import typer

from mpsyncd.cli.codes import Code
from mpsyncd.logs import logging_to
from mpsyncd.settings import Settings, load

T = TypeVar("T")
Level = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Session:
    """The options that stand before the command's name."""

    config: Path | None
    verbose: bool

    def settings(self) -> Settings:
        """Read the settings; SettingsRefused lists what is wrong."""
        return load(self.config, os.environ)


def perform(context: typer.Context, work: Callable[[Settings], Awaitable[T]], *, least: Level = "warning") -> T:
    """Read the settings, set up logs, and run `work` in a loop of its own.

    What is less important than `least` is not logged unless --verbose asks for it, so that what a command prints stays readable.
    """
    session: Session = context.obj
    settings = session.settings()
    level = settings.log.level if session.verbose else max(settings.log.level, least, key=_LEVELS.index)
    quiet = settings.log.model_copy(update={"level": level})

    async def inside() -> T:
        return await work(settings)

    with logging_to(quiet):
        try:
            return asyncio.run(inside())
        except KeyboardInterrupt:
            raise typer.Exit(Code.INTERRUPTED) from None


_LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")
