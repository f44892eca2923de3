"""The timetable and the ticker."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from mpsyncd.engine.schedule import Ticker, Timetable
from mpsyncd.model.errors import ConfigError
from mpsyncd.model.schedule import Schedule

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def test_an_interval_counts_from_now_and_never_outruns_the_limits() -> None:
    table = Timetable({"frequent": Schedule(every=timedelta(minutes=30))})
    assert table.next_after("frequent", NOW) == NOW + timedelta(minutes=30)
    assert table.next_after("frequent", NOW, at_least=timedelta(hours=3)) == NOW + timedelta(hours=3)


def test_a_cron_line_is_read_in_its_own_zone() -> None:
    table = Timetable({"analytics": Schedule(cron="0 2 * * *", zone="Europe/Moscow")})
    assert table.next_after("analytics", NOW) == datetime(2026, 11, 2, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize("cron, zone", [("0 2 * *", "UTC"), ("0 2 * * *", "Europe/Moskva"), ("99 * * * *", "UTC")])
def test_a_bad_schedule_is_named(cron: str, zone: str) -> None:
    with pytest.raises(ConfigError, match="analytics"):
        Timetable({"analytics": Schedule(cron=cron, zone=zone)})


async def test_the_ticker_ticks_at_once_when_due_and_when_nudged() -> None:
    ticks: list[int] = []
    reached = asyncio.Event()

    async def tick() -> datetime | None:
        ticks.append(len(ticks))
        if len(ticks) == 2:
            ticker.nudge()
        if len(ticks) == 3:
            reached.set()
        return datetime.now(UTC) + timedelta(milliseconds=20) if len(ticks) == 1 else None

    ticker = Ticker(tick, beat=timedelta(hours=1))
    task = asyncio.create_task(ticker.run())
    async with asyncio.timeout(10):
        await reached.wait()
    task.cancel()
    await asyncio.wait({task})
    assert ticks == [0, 1, 2]


async def test_the_beat_ticks_without_any_reason() -> None:
    reached = asyncio.Event()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        ticks += 1
        if ticks == 3:
            reached.set()

    task = asyncio.create_task(Ticker(tick, beat=timedelta(milliseconds=50)).run())
    async with asyncio.timeout(10):
        await reached.wait()
    task.cancel()
    await asyncio.wait({task})


def test_another_timetable_takes_effect_when_it_is_committed() -> None:
    table = Timetable({"frequent": Schedule(every=timedelta(minutes=30)), "daily": Schedule(every=timedelta(days=1))})
    commit = table.prepare({"frequent": Schedule(every=timedelta(minutes=10)), "daily": Schedule(cron="0 10 * * *")})
    assert table.next_after("frequent", NOW) == NOW + timedelta(minutes=30)
    commit()
    assert table.next_after("frequent", NOW) == NOW + timedelta(minutes=10)
    assert table.next_after("daily", NOW) == NOW + timedelta(hours=1)
    with pytest.raises(ConfigError, match="daily"):
        table.prepare({"daily": Schedule(cron="99 * * * *")})
    assert table.next_after("daily", NOW) == NOW + timedelta(hours=1)
