"""Reads settings and shops again, and lets all of it take effect or nothing.

First everybody prepares and nobody changes anything; then the database is changed in one transaction; then every part takes over what it
has prepared, without a wait in between.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog

from mpsyncd.daemon.notify import reloading, status
from mpsyncd.daemon.table import Note
from mpsyncd.logs import hidden
from mpsyncd.model.errors import ConfigError, StorageUnavailable
from mpsyncd.model.reload import ReloadOutcome
from mpsyncd.settings import SettingsRefused, differences

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from mpsyncd.daemon.asking import Asked, Asking
    from mpsyncd.daemon.keys import Keys
    from mpsyncd.daemon.notify import Notifier
    from mpsyncd.daemon.table import Table
    from mpsyncd.logs import Logging
    from mpsyncd.model.clock import Clock
    from mpsyncd.settings import Configuration, Settings
    from mpsyncd.storage.reload import ReloadRequest

    Part: TypeAlias = Callable[[Configuration], Awaitable[Callable[[], None]]]
    """new configuration -> what makes it take effect, without a wait and without failing; raises ConfigError when it can not."""

log = structlog.get_logger(__name__)

_LOGGED = 50
"""Changes that one log line tells; the database keeps all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What a daemon was started with, how it is read again, and the logs that its settings are about."""

    first: Configuration
    read: Callable[[], Configuration]
    logs: Logging


class Reloader:
    """One per daemon; `run` is one of its root tasks. `parts` prepare what they make of new settings; `applied` is called afterwards."""

    def __init__(
        self,
        files: Files,
        asking: Asking,
        *,
        table: Table,
        keys: Keys,
        parts: Sequence[Part],
        applied: Callable[[], None],
        notifier: Notifier,
        clock: Clock,
    ) -> None:
        self._files = files
        self._asking = asking
        self._table = table
        self._keys = keys
        self._parts = parts
        self._applied = applied
        self._notifier = notifier
        self._clock = clock
        self._current = files.first
        self._last: tuple[tuple[str, ...], ReloadOutcome] | None = None
        self.counts: Counter[str] = Counter(applied=0, unchanged=0, refused=0)
        self.succeeded_at = clock.now()

    async def begin(self) -> None:
        """Bring the table up to the shop list, before the daemon is ready.

        Raises:
            ConfigError: the list can not be applied; every reason is named.
        """
        for each in self._current.notes:
            log.warning("setting_noted", note=each)
        note = Note(by=("start",), began=self._clock.now(), start=True)
        outcome, _ = await self._table.write(self._current, self._current, told=(), note=note)
        if outcome.state == "refused":
            raise ConfigError("\n  ".join(["The shop list can not be applied:", *outcome.problems]))
        if outcome.state == "applied":
            log.info("reload_applied", asked_by=["start"], changes=_shown(outcome.changes))

    async def run(self) -> None:
        """Answer questions until cancelled."""
        try:
            while True:
                asked = await self._asking.next()
                requests = await self._requests() if asked.look else ()
                if asked.by or requests:
                    await self._answer(asked, requests)
        finally:
            self._asking.close()

    async def _requests(self) -> Sequence[ReloadRequest]:
        try:
            return await self._table.asked()
        except StorageUnavailable as error:
            log.debug("chore_postponed", chore="reload requests", error=str(error))
            return ()

    async def _answer(self, asked: Asked, requests: Sequence[ReloadRequest]) -> None:
        by = tuple(dict.fromkeys((*asked.by, *(request.requested_by for request in requests))))
        note = Note(by=by, requests=tuple(request.request_id for request in requests), began=self._clock.now())
        self._notifier.send(*reloading(), status("reads its settings and shops again"))
        # In a task of its own, so that a bug in a reload ends that reload and not the daemon.
        task = asyncio.create_task(self._reload(note), name="reload")
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            await asyncio.wait({task})
        error = task.exception()
        if error is not None:
            log.error("reload_crashed", error=repr(error), exc_info=error)
        outcome = task.result() if error is None else self._refused(f"a bug in mpsyncd: {error!r}")
        self.counts[outcome.state] += 1
        self._last = by, outcome
        self._notifier.send("READY=1", status(self.refusal or "settings and shops were read again"))
        asked.answer(outcome)

    async def _reload(self, note: Note) -> ReloadOutcome:
        self._files.logs.reopen()
        outcome = await self._apply(note)
        if outcome.state == "refused":
            log.warning("reload_refused", asked_by=list(note.by), problems=list(outcome.problems))
            try:
                await self._table.keep(outcome, note)
            except StorageUnavailable as error:
                log.debug("chore_postponed", chore="keep a refusal", error=str(error))
        else:
            self.succeeded_at = outcome.at
            if outcome.state == "applied":
                log.info("reload_applied", asked_by=list(note.by), changes=_shown(outcome.changes))
            else:
                log.info("reload_unchanged", asked_by=list(note.by))
        return outcome

    async def _apply(self, note: Note) -> ReloadOutcome:
        """Both phases; everything that is in the way is found before anything is changed."""
        try:
            new = await asyncio.to_thread(self._files.read)
        except SettingsRefused as refused:
            return self._refused(*map(str, refused.problems))
        changed = differences(self._current.settings, new.settings)
        problems = [f"needs a restart: {each}" for each in changed if each.needs_restart]
        commits: list[Callable[[], None]] = []
        for prepare in self._parts:
            try:
                commits.append(await prepare(new))
            except ConfigError as error:
                problems.append(str(error))
        try:
            problems += await self._table.problems(new.shops)
            if problems:
                return self._refused(*problems)
            told = tuple(hidden(str(each)) for each in changed)
            outcome, keys = await self._table.write(self._current, new, told=told, note=note)
        except StorageUnavailable as error:
            return self._refused(*problems, str(error))
        if outcome.state != "refused":  # from here on nothing waits and nothing can fail
            for commit in commits:
                commit()
            self._keys.swap(keys)
            self._current = new
            self._applied()
        return outcome

    def _refused(self, *problems: str) -> ReloadOutcome:
        return ReloadOutcome(state="refused", problems=tuple(map(hidden, problems)), at=self._clock.now())

    async def by_api(self) -> ReloadOutcome:
        """Ask for a reload on behalf of the status server, and wait for what comes of it."""
        return await self._asking.reload("api")

    @property
    def settings(self) -> Settings:
        """What is in force now."""
        return self._current.settings

    @property
    def refusal(self) -> str | None:
        """The last reload in one line, when it was refused."""
        if self._last is None or self._last[1].state != "refused":
            return None
        first, *others = self._last[1].problems
        return f"the last reload was refused: {first}" + (f" (and {len(others)} more)" if others else "")

    def facts(self) -> dict[str, Any] | None:
        """The last reload, for /status; None before there was one."""
        if self._last is None:
            return None
        by, outcome = self._last
        return {
            "state": outcome.state,
            "at": outcome.at.isoformat(),
            "asked_by": list(by),
            "changes": list(outcome.changes),
            "problems": list(outcome.problems),
        }


def _shown(changes: Sequence[str]) -> list[str]:
    more = len(changes) - _LOGGED
    return [*changes[:_LOGGED], *((f"and {more} more",) if more > 0 else ())]
