"""Who asked for a reload: a letter box that takes questions at any time, and gives all that came to the next reload."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpsyncd.model.reload import ReloadOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Everything that one reload answers: who asked, who waits here, whether commands may have asked by the database."""

    by: tuple[str, ...]
    waiting: tuple[asyncio.Future[ReloadOutcome], ...]
    look: bool

    def answer(self, outcome: ReloadOutcome) -> None:
        """Tell those who wait; who has gone away is not told."""
        for future in self.waiting:
            if not future.done():
                future.set_result(outcome)


@dataclass(slots=True)
class Asking:
    """The letter box. What comes while a reload is under way is for the next one: this one may have read the files already."""

    _by: list[str] = field(default_factory=list)
    _waiting: list[asyncio.Future[ReloadOutcome]] = field(default_factory=list)
    _look: bool = False
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self, by: str) -> None:
        """Ask for a reload; many questions are one."""
        self._by.append(by)
        self._wanted.set()

    async def reload(self, by: str) -> ReloadOutcome:
        """Ask, and wait for what comes of it."""
        future: asyncio.Future[ReloadOutcome] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self.ask(by)
        return await future

    def look(self) -> None:
        """A command may have asked by the database."""
        self._look = True
        self._wanted.set()

    async def next(self) -> Asked:
        """Wait for a question and take everything that was asked."""
        await self._wanted.wait()
        self._wanted.clear()
        asked = Asked(by=tuple(dict.fromkeys(self._by)), waiting=tuple(self._waiting), look=self._look)
        self._by, self._waiting, self._look = [], [], False
        return asked

    def close(self) -> None:
        """Nobody will answer any more."""
        for future in self._waiting:
            future.cancel()
