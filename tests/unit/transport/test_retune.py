"""Limits that change while requests wait and fly: no debit is lost, no burst is let through, and nobody loses the place in the line."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from mpsyncd.model.rate import Rate, RateKind
from mpsyncd.transport.kinds import meter
from mpsyncd.transport.ledger import MemoryLedger
from mpsyncd.transport.meter import Moment
from mpsyncd.transport.options import LimitOverride, SourceOptions, TransportOptions
from support.gates import MINUTE, World
from support.transport import simulate

NOW = Moment(1_000.0, 1_800_000_000.0)
TEN = Rate(name="ten", limit=60, per=timedelta(minutes=1), burst=10)


def options(**limits: LimitOverride) -> TransportOptions:
    return TransportOptions(sources={"acme": SourceOptions(limits=limits)}, patience=timedelta(hours=9))


def after(seconds: float) -> Moment:
    return Moment(NOW.mono + seconds, NOW.wall + seconds)


@pytest.mark.parametrize(
    "burst, used, then, free",
    [
        (10, 10, 10, 0),
        (10, 4, 10, 6),
        (10, 4, 5, 1),
        (10, 8, 5, 0),  # three more are out than there may be
        (1, 0, 10, 1),  # nine more come empty
        (1, 1, 10, 0),
        (5, 5, 10, 0),
    ],
)
def test_a_bucket_keeps_what_is_out_and_grows_empty(burst: int, used: int, then: int, free: int) -> None:
    made = meter(Rate(name="x", limit=60, per=timedelta(minutes=1), burst=burst))
    for _ in range(used):
        made.take(NOW, 1)
    made.retune(Rate(name="x", limit=6, per=timedelta(minutes=1), burst=then), NOW)
    assert made.available(NOW) == free
    assert made.durable is True
    owed = max(0, used - then)
    assert made.available(after(owed * 10 + 10.2)) == min(then, free + 1)


def test_a_faster_bucket_does_not_wait_for_the_slow_one() -> None:
    made = meter(Rate(name="x", limit=1, per=timedelta(hours=3)))
    made.take(NOW, 1)
    assert made.ready_at(NOW, 1, spare=True) > NOW.mono + 3 * 3600
    made.retune(Rate(name="x", limit=6, per=timedelta(minutes=1)), NOW)
    assert NOW.mono + 9 < made.ready_at(NOW, 1, spare=True) < NOW.mono + 11


def test_a_window_keeps_what_was_sent() -> None:
    hundred = Rate(name="x", limit=100, per=timedelta(minutes=1), kind=RateKind.WINDOW)
    made = meter(hundred)
    for _ in range(60):
        made.take(NOW, 1)
    made.retune(replace(hundred, limit=50), after(1))
    assert made.available(after(1)) == 0
    made.retune(replace(hundred, limit=80), after(2))
    assert made.available(after(2)) == 20
    assert made.available(after(62)) == 80


def test_a_longer_window_takes_the_unknown_for_used() -> None:
    made = meter(Rate(name="x", limit=10, per=timedelta(minutes=1), kind=RateKind.WINDOW))
    for second in (0, 50, 100):
        made.take(after(second), 4)
    now = after(110)
    made.retune(Rate(name="x", limit=1_000, per=timedelta(hours=1), kind=RateKind.WINDOW), now)
    known, unknown = 12, 10 * 58
    assert 1_000 - made.available(now) == pytest.approx(known + unknown, abs=10)
    assert made.available(after(110 + 3_700)) == 1_000


def test_day_counters_and_places_stay() -> None:
    day = meter(Rate(name="x", limit=10, per=timedelta(days=1), kind=RateKind.DAY))
    flights = meter(Rate(name="x", limit=3, per=timedelta(seconds=1), kind=RateKind.CONCURRENCY))
    for made in (day, flights):
        made.take(NOW, 1)
        made.take(NOW, 1)
    day.retune(Rate(name="x", limit=5, per=timedelta(days=1), kind=RateKind.DAY), NOW)
    flights.retune(Rate(name="x", limit=2, per=timedelta(seconds=1), kind=RateKind.CONCURRENCY), NOW)
    assert (day.available(NOW), flights.available(NOW)) == (3, 0)
    flights.give_back()
    assert flights.available(NOW) == 1


def test_who_waits_goes_on_by_the_new_limit_in_the_old_order() -> None:
    async def story() -> None:
        world = World(MINUTE, sources=options().sources, patience=timedelta(hours=9))
        waiting = [world.later(name, limits=("minute",)) for name in "abc"]
        await asyncio.sleep(5)
        assert world.gone == [("a", 0.0)]
        world.limiter.retune(options(minute=LimitOverride(limit=6)))
        await asyncio.gather(*waiting)
        assert [name for name, _ in world.gone] == ["a", "b", "c"]
        second, third = (at for _, at in world.gone[1:])
        assert 14 <= second <= 16
        assert 9.9 <= third - second <= 11

    simulate(story)


def test_the_same_options_change_nothing() -> None:
    async def story() -> None:
        world = World(MINUTE, TEN, patience=timedelta(hours=9))
        await world.ask("a", limits=("minute",))
        [gate] = world.limiter.gates
        before = gate.meter.ready_at(world.limiter.now(), 1, spare=True)
        for _ in range(10):
            world.limiter.retune(options())
        assert gate.meter.ready_at(world.limiter.now(), 1, spare=True) == before

    simulate(story)


def test_a_closed_door_stays_closed() -> None:
    async def story() -> None:
        world = World(MINUTE, patience=timedelta(hours=9))
        await world.ask("a", limits=("minute",))
        [gate] = world.limiter.gates
        gate.door.close(world.limiter.now().mono + 500)
        world.limiter.retune(options(minute=LimitOverride(limit=60)))
        await world.ask("b", limits=("minute",))
        assert world.gone[1][1] >= 500

    simulate(story)


def test_a_limit_that_becomes_quick_is_marked_as_in_use_in_the_ledger() -> None:
    """Or a crash would find the state of the slow one and take its bucket for as full as that said."""

    async def story() -> None:
        ledger = MemoryLedger()
        world = World(MINUTE, ledger=ledger, patience=timedelta(hours=9))
        await world.ask("a", limits=("minute",))
        [gate] = world.limiter.gates
        assert "in_use" not in ledger.states[gate.name]
        world.limiter.retune(options(minute=LimitOverride(limit=60)))
        await world.ask("b", limits=("minute",))
        assert ledger.states[gate.name]["in_use"] is True
        world.limiter.retune(options())
        await world.ask("c", limits=("minute",))
        assert "in_use" not in ledger.states[gate.name]

    simulate(story)
