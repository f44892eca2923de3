"""Tells the service manager how the daemon is: one line of status, and a sign of life only while what could move does move.

It reads the state of the engine and asks the database one short question; it decides nothing but its own silence.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from mpsyncd.daemon.notify import status
from mpsyncd.daemon.question import Question
from mpsyncd.model.errors import StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import datetime

    from mpsyncd.daemon.notify import Notifier
    from mpsyncd.engine.activity import Activity
    from mpsyncd.engine.dispatcher import Dispatcher
    from mpsyncd.model.clock import Clock

log = structlog.get_logger(__name__)

TELL_EVERY = timedelta(seconds=10)
ANSWER_WITHIN = timedelta(seconds=5)
SIGNS_PER_TERM = 3
"""Signs of life in the time that the manager waits for one, so that one of them may be late."""


class Pulse:
    """One per daemon; `run` is one of its root tasks.

    late: counts feeds that are overdue. refusal: the last reload in one line, when it was refused. patience: as in Observer.
    """

    def __init__(
        self,
        notifier: Notifier,
        *,
        dispatcher: Dispatcher,
        activity: Activity,
        late: Callable[[], Coroutine[object, object, int]],
        stuck: Callable[[], tuple[str, ...]],
        refusal: Callable[[], str | None],
        clock: Clock,
        patience: timedelta,
    ) -> None:
        self._notifier = notifier
        self._dispatcher = dispatcher
        self._activity = activity
        self._late = Question(late, within=ANSWER_WITHIN)
        self._stuck = stuck
        self._refusal = refusal
        self._clock = clock
        self._patience = patience
        self._calm_at = clock.monotonic()
        self._newest: datetime | None = None
        self._silent = False

    async def run(self) -> None:
        """Tell and live until cancelled; never ends by itself."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell(), name="status")
            if self._notifier.watchdog is not None:
                group.create_task(self._live(self._notifier.watchdog / SIGNS_PER_TERM), name="watchdog")

    async def _tell(self) -> None:
        told = ""
        while True:
            line = await self.line()
            if line != told:
                self._notifier.send(status(line))
                told = line
            await self._clock.sleep(TELL_EVERY)

    async def _live(self, every: timedelta) -> None:
        while True:
            reasons = self.reasons()
            if not reasons:
                self._notifier.send("WATCHDOG=1")
            elif not self._silent:
                log.error("watchdog_withheld", reasons=list(reasons))
            self._silent = bool(reasons)
            await self._clock.sleep(every)

    async def line(self) -> str:
        """One line for people: "3 shops, 2 feeds at work, 1 late, next in 4 min", behind it that the last reload was refused."""
        refusal = self._refusal()
        return await self._work() if refusal is None else f"{await self._work()}; {refusal}"

    async def _work(self) -> str:
        dispatcher = self._dispatcher
        if dispatcher.storage_error is not None:
            return f"waits for the database: {dispatcher.storage_error}"
        try:
            late = f"{await self._late.answer()} late"
        except StorageUnavailable as error:
            return f"waits for the database: {error}"
        at_work = sum(1 for _ in self._activity)
        coming = "nothing planned" if dispatcher.due_at is None else f"next {in_words(dispatcher.due_at - self._clock.now())}"
        return ", ".join((counted(dispatcher.shops, "shop"), f"{counted(at_work, 'feed')} at work", late, coming))

    def reasons(self) -> tuple[str, ...]:
        """Why a restart would help; empty when all is well, or when only the database is away.

        A feed that does not move is given up by its own attempt after `patience`. When no feed at all moved for as long again, that failed.
        """
        now = self._clock.monotonic()
        newest = max((stage.moved_at for stage in self._activity), default=None)
        if newest != self._newest or self._dispatcher.storage_error is not None or not self._activity.stalled(self._patience):
            self._calm_at = now
        self._newest = newest
        still = now - self._calm_at
        hung = (f"no feed at work has moved for {still:.0f} s longer than allowed",) if still > self._patience.total_seconds() else ()
        return (*self._stuck(), *hung)


def counted(count: int, noun: str) -> str:
    """A number with its noun: "1 shop", "2 shops"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def in_words(wait: timedelta) -> str:
    """A wait, as exact as people want it: "now", "in 40 s", "in 4 min", "in 3 h"."""
    seconds = wait.total_seconds()
    if seconds < 1:
        return "now"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"in {seconds // size:.0f} {unit}"
    return f"in {seconds:.0f} s"
