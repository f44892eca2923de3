"""When things are due. The only room that knows APScheduler: its triggers compute the next time, its clock ticks.

Due-ness itself is `feeds.next_due_at` in the database, so a daemon that was down catches up once and several daemons fire once.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from mpsyncd.model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mpsyncd.model.schedule import Schedule


class Timetable:
    """The named schedules of the settings, compiled."""

    def __init__(self, schedules: Mapping[str, Schedule]) -> None:
        self._schedules = dict(schedules)
        self._crons = {name: _cron(name, plan) for name, plan in schedules.items() if plan.cron is not None}

    def next_after(self, name: str, now: datetime, *, at_least: timedelta = timedelta(0)) -> datetime:
        """Return when `name` is due after `now`; never sooner than `at_least` from now (what the limits allow)."""
        due: datetime
        if name in self._crons:
            due = self._crons[name].get_next_fire_time(None, now)
        else:
            due = now + (self._schedules[name].every or timedelta(days=1))
        return max(due, now + at_least)

    def __contains__(self, name: str) -> bool:
        return name in self._schedules

    def prepare(self, schedules: Mapping[str, Schedule]) -> Callable[[], None]:
        """Return what makes these schedules take effect for whoever asks next; raises ConfigError like making a timetable of them."""
        crons = {name: _cron(name, plan) for name, plan in schedules.items() if plan.cron is not None}

        def commit() -> None:
            self._schedules, self._crons = dict(schedules), crons

        return commit


def _cron(name: str, plan: Schedule) -> CronTrigger:
    try:
        return CronTrigger.from_crontab(plan.cron, timezone=plan.zone)
    except (ValueError, KeyError) as error:
        message = f"[schedules] {name}: {plan.cron!r} in zone {plan.zone!r} is no cron line of five fields ({error})"
        raise ConfigError(message) from error


class Ticker:
    """Calls `tick` when it said it wants to be called, when nudged, and at least every `beat`; one call at a time.

    `tick` returns the instant of the next call that it knows of, or None.
    """

    def __init__(self, tick: Callable[[], Awaitable[datetime | None]], *, beat: timedelta) -> None:
        self._tick = tick
        self._wanted = asyncio.Event()
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._beat = beat

    def nudge(self) -> None:
        """Ask for a tick as soon as the current one is over. Must be called from the loop's own thread."""
        self._wanted.set()

    def every(self, interval: timedelta, job: Callable[[], Awaitable[None]], *, name: str, first: timedelta | None = None) -> None:
        """Call `job` every `interval`, the first time `first` from now, never two at a time; a late call is made once."""
        begin = datetime.now(UTC) + (interval if first is None else first)
        trigger = IntervalTrigger(seconds=interval.total_seconds(), start_date=begin)
        self._scheduler.add_job(job, trigger, id=name, max_instances=1, coalesce=True, misfire_grace_time=None)

    async def run(self) -> None:
        """Tick until cancelled."""
        self._scheduler.add_job(
            self.nudge_later, IntervalTrigger(seconds=self._beat.total_seconds()), id="beat", coalesce=True, misfire_grace_time=None
        )
        self._scheduler.start()
        try:
            while True:
                self._wanted.clear()
                due = await self._tick()
                if due is not None:
                    self._scheduler.add_job(
                        self.nudge_later, "date", run_date=due, id="due", replace_existing=True, misfire_grace_time=None
                    )
                await self._wanted.wait()
        finally:
            self._scheduler.shutdown(wait=False)

    async def nudge_later(self) -> None:
        """The scheduler's way to nudge: a coroutine, so that it is run in the loop and not in a thread."""
        self._wanted.set()
