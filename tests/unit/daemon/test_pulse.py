"""What the service manager is told of a daemon: a line for people, and signs of life only while they are true."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from mpsyncd.daemon.notify import Notifier
from mpsyncd.daemon.pulse import Pulse, in_words
from mpsyncd.engine.activity import Activity, Stage
from mpsyncd.engine.dispatcher import Dispatcher
from mpsyncd.model.errors import StorageUnavailable
from support.virtual_clock import VirtualClock

PATIENCE = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
WATCHDOG = timedelta(minutes=3)


@dataclass
class Heart:
    """The parts of a daemon that its pulse looks at, and the manager's ear."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    shops: int = 0
    due_at: datetime | None = None
    storage_error: str | None = None
    stuck: tuple[str, ...] = ()
    refusal: str | None = None
    late: int = 0
    hangs: bool = False
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.activity = Activity(self.clock)

    def pulse(self, *, watchdog: timedelta | None = WATCHDOG) -> Pulse:
        heard = self.heard

        class Ear(Notifier):
            def send(self, *messages: str) -> None:
                heard.extend(messages)

        async def late() -> int:
            if self.hangs:
                await asyncio.Event().wait()
            if self.storage_error is not None:
                raise StorageUnavailable(self.storage_error)
            return self.late

        return Pulse(
            Ear(address="@ear", watchdog=watchdog),
            dispatcher=cast("Dispatcher", self),
            activity=self.activity,
            late=late,
            stuck=lambda: self.stuck,
            refusal=lambda: self.refusal,
            clock=self.clock,
            patience=PATIENCE,
        )

    def work(self, feed_id: int = 1) -> Stage:
        return self.activity.begin(feed_id=feed_id, shop_id=1, run_id=1, stream="orders")

    @asynccontextmanager
    async def beating(self, **options: Any) -> AsyncIterator[None]:
        task = asyncio.create_task(self.pulse(**options).run())
        await self.clock.settle()
        yield
        assert not task.done()
        task.cancel()
        await asyncio.wait({task})

    async def signs(self, span: timedelta) -> int:
        """How many signs of life came in the next `span`."""
        self.heard.clear()
        await self.clock.advance(span)
        return self.heard.count("WATCHDOG=1")


@pytest.fixture
def heart() -> Heart:
    return Heart()


async def test_the_line_counts_shops_feeds_delays_and_the_wait(heart: Heart) -> None:
    heart.shops, heart.late, heart.due_at = 3, 1, heart.clock.now() + timedelta(minutes=4, seconds=20)
    heart.work(1)
    heart.work(2)
    assert await heart.pulse().line() == "3 shops, 2 feeds at work, 1 late, next in 4 min"


async def test_the_line_of_a_daemon_without_shops(heart: Heart) -> None:
    assert await heart.pulse().line() == "0 shops, 0 feeds at work, 0 late, nothing planned"


async def test_the_line_names_a_database_that_is_away(heart: Heart) -> None:
    heart.storage_error = "PostgreSQL is starting up"
    assert await heart.pulse().line() == "waits for the database: PostgreSQL is starting up"


@pytest.mark.parametrize(
    "wait, words",
    [
        (timedelta(seconds=-5), "now"),
        (timedelta(seconds=40), "in 40 s"),
        (timedelta(minutes=2), "in 2 min"),
        (timedelta(hours=3, minutes=59), "in 3 h"),
        (timedelta(days=2), "in 2 d"),
    ],
)
def test_waits_in_words(wait: timedelta, words: str) -> None:
    assert in_words(wait) == words


async def test_a_line_is_told_when_it_changed(heart: Heart) -> None:
    async with heart.beating():
        await heart.clock.advance(5 * MINUTE)
        assert len([message for message in heart.heard if message.startswith("STATUS=")]) == 1
        heart.shops = 1
        await heart.clock.advance(MINUTE)
        assert [message for message in heart.heard if message.startswith("STATUS=")][1:] == [
            "STATUS=1 shop, 0 feeds at work, 0 late, nothing planned"
        ]


async def test_an_idle_daemon_lives(heart: Heart) -> None:
    async with heart.beating():
        assert await heart.signs(timedelta(hours=6)) == 360


async def test_a_database_that_hangs_delays_no_sign_of_life(heart: Heart) -> None:
    heart.hangs = True
    async with heart.beating():
        assert await heart.signs(timedelta(minutes=30)) == 30


async def test_without_a_watchdog_there_is_a_line_only(heart: Heart) -> None:
    async with heart.beating(watchdog=None):
        assert len(heart.heard) == 1
        assert await heart.signs(timedelta(hours=1)) == 0


async def test_a_dispatcher_that_stands_still_is_no_life(heart: Heart) -> None:
    async with heart.beating():
        heart.stuck = ("the dispatcher has not ticked for 900 s",)
        assert await heart.signs(timedelta(minutes=5)) == 0
        heart.stuck = ()
        assert await heart.signs(timedelta(minutes=5)) == 5


async def test_work_that_could_move_and_does_not_is_no_life(heart: Heart) -> None:
    heart.work()
    async with heart.beating():
        assert await heart.signs(2 * PATIENCE) == 30
        await heart.clock.advance(3 * MINUTE)
        assert await heart.signs(timedelta(hours=1)) == 0


async def test_work_that_waits_for_a_known_time_is_life(heart: Heart) -> None:
    stage = heart.work()
    stage.reason, stage.until = "waits for a report", heart.clock.now() + timedelta(hours=24)
    async with heart.beating():
        assert await heart.signs(timedelta(hours=20)) == 1200


async def test_one_feed_that_moves_is_life_for_those_that_wait_for_a_seat(heart: Heart) -> None:
    heart.work(1)
    reader = heart.work(2)
    async with heart.beating():
        for _ in range(30):
            heart.activity.moved(reader)
            assert await heart.signs(timedelta(minutes=10)) == 10


async def test_a_long_absence_of_the_database_is_forgiven_when_it_returns(heart: Heart) -> None:
    heart.work()
    async with heart.beating():
        heart.storage_error = "away"
        assert await heart.signs(timedelta(hours=10)) == 600
        heart.storage_error = None
        assert await heart.signs(PATIENCE) == 15


async def test_a_wall_clock_that_jumps_is_no_standstill(heart: Heart) -> None:
    stage = heart.work()
    stage.moved_at -= timedelta(days=3)
    async with heart.beating():
        assert await heart.signs(PATIENCE) == 15


async def test_the_line_tells_that_the_last_reload_was_refused(heart: Heart) -> None:
    heart.refusal = "the last reload was refused: mpsyncd.toml:3: http.port: it is no number (and 2 more)"
    assert await heart.pulse().line() == f"0 shops, 0 feeds at work, 0 late, nothing planned; {heart.refusal}"
