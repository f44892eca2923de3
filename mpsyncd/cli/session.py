"""What every command has in common: where its settings come from, how much it logs, and its one way into the loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import typer

from mpsyncd.cli.codes import Code
from mpsyncd.logs import logging_to
from mpsyncd.settings import Settings, load

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Session:
    """The options that stand before the command's name."""

    config: Path | None
    verbose: bool

    def settings(self) -> Settings:
        """Read the settings; SettingsRefused lists what is wrong."""
        return load(self.config, os.environ)


def perform(context: typer.Context, work: Callable[[Settings], Awaitable[T]], *, chatty: bool = False) -> T:
    """Read the settings, set up logs, and run `work` in a loop of its own.

    Short commands log warnings only, so that what they print stays readable; `chatty` ones log as the settings say.
    """
    session: Session = context.obj
    settings = session.settings()
    level = settings.log.level if chatty or session.verbose else max(settings.log.level, "warning", key=_LEVELS.index)
    quiet = settings.log.model_copy(update={"level": level})

    async def inside() -> T:
        return await work(settings)

    with logging_to(quiet):
        try:
            return asyncio.run(inside())
        except KeyboardInterrupt:
            raise typer.Exit(Code.INTERRUPTED) from None


_LEVELS = ("debug", "info", "warning", "error")
