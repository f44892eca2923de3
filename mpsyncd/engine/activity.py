"""What this process is doing right now, for people and for the watchdog. Never the source of a percent or a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from mpsyncd.model.clock import Clock


@dataclass(slots=True, kw_only=True)
class Stage:
    """One feed being worked: since when, when it last moved, and what it waits for."""

    feed_id: int
    shop_id: int
    run_id: int
    stream: str
    started_at: datetime
    moved_at: datetime
    reason: str | None = None
    until: datetime | None = None
    resting: bool = False
    """It waits for another feed, which is watched itself."""


class Activity:
    """The feeds under way in this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stages: dict[int, Stage] = {}

    def begin(self, *, feed_id: int, shop_id: int, run_id: int, stream: str) -> Stage:
        """Note that a feed is being worked; a feed is worked once at a time."""
        now = self._clock.now()
        stage = Stage(feed_id=feed_id, shop_id=shop_id, run_id=run_id, stream=stream, started_at=now, moved_at=now)
        self._stages[feed_id] = stage
        return stage

    def moved(self, stage: Stage) -> None:
        """Note that the feed made progress."""
        stage.moved_at = self._clock.now()
        stage.reason, stage.until, stage.resting = None, None, False

    def rests(self, stage: Stage, reason: str) -> None:
        """Note that the feed waits for another one."""
        stage.reason, stage.until, stage.resting = reason, None, True

    def end(self, stage: Stage) -> None:
        """Note that the feed is no longer worked."""
        self._stages.pop(stage.feed_id, None)

    def __iter__(self) -> Iterator[Stage]:
        return iter(tuple(self._stages.values()))

    def stalled(self, patience: timedelta) -> list[Stage]:
        """Return the feeds that neither moved nor wait for another one or a known instant since `patience`."""
        now = self._clock.now()
        late = [stage for stage in self if now - stage.moved_at > patience and not stage.resting]
        return [stage for stage in late if stage.until is None or stage.until < now]
