"""Each kind of limit against a strict vendor that counts arrivals on its own: nothing is refused, 97 % of what it allows is used."""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import pytest

from mpsyncd.model.clock import Clock
from mpsyncd.model.rate import Rate, RateKind
from mpsyncd.model.stream import Lane
from mpsyncd.transport.daily import Daily
from mpsyncd.transport.ledger import Ledger, MemoryLedger
from mpsyncd.transport.limiter import Limiter
from mpsyncd.transport.meter import Moment
from mpsyncd.transport.options import TransportOptions
from mpsyncd.transport.ticket import priority
from mpsyncd.transport.waiting import Visitor
from support.transport import START, LoopClock, acme, get, identity, simulate

WORKERS = 8


class Counting(Protocol):
    def arrives(self, at: float, weight: int) -> bool: ...


@dataclass
class StrictBucket:
    """Refuses whatever finds less than a whole token."""

    interval: float
    burst: int
    tokens: float = field(init=False)
    seen: float | None = None

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def arrives(self, at: float, weight: int) -> bool:
        if self.seen is not None:
            self.tokens = min(self.burst, self.tokens + (at - self.seen) / self.interval)
        self.seen = at
        if self.tokens < weight - 1e-6:
            return False
        self.tokens -= weight
        return True


@dataclass
class StrictWindow:
    limit: int
    per: float
    seen: deque[tuple[float, int]] = field(default_factory=deque)

    def arrives(self, at: float, weight: int) -> bool:
        while self.seen and self.seen[0][0] <= at - self.per:
            self.seen.popleft()
        if sum(held for _, held in self.seen) + weight > self.limit:
            return False
        self.seen.append((at, weight))
        return True


@dataclass
class StrictDay:
    """Its own clock is three seconds ahead of ours."""

    limit: int
    zone: str
    days: dict[str, int] = field(default_factory=dict)

    def arrives(self, at: float, weight: int) -> bool:
        moment = START + timedelta(seconds=at + 3)
        day = moment.astimezone(ZoneInfo(self.zone)).date().isoformat()
        self.days[day] = self.days.get(day, 0) + weight
        return self.days[day] <= self.limit


@dataclass
class Outcome:
    sent: int = 0
    weight: int = 0
    refused: int = 0


def visitor_of(rate: Rate, lane: Lane = Lane.LIVE) -> Visitor:
    return Visitor(
        source=acme(rate),
        shop_id=3,
        identity=identity(),
        credentials=dict,
        priority=priority(lane, manual=False, webhook=False),
        rates={rate.name: rate},
        tell=lambda _reason, _until: None,
    )


async def use(
    rate: Rate, vendor: Counting, *, seconds: float, lives: int = 1, clean: bool = True, weights: tuple[int, ...] = (1,)
) -> Outcome:
    """Many workers ask for as much as they can, in one life of the process or in several on one ledger."""
    outcome, ledger, dice = Outcome(), MemoryLedger(), random.Random(7)
    arrivals: list[tuple[float, int]] = []
    for _ in range(lives):
        await live(rate, ledger, arrivals, seconds=seconds / lives, clean=clean, weights=weights, dice=dice)
    for at, weight in sorted(arrivals):
        outcome.sent += 1
        outcome.weight += weight
        outcome.refused += not vendor.arrives(at, weight)
    return outcome


async def live(
    rate: Rate,
    ledger: Ledger,
    arrivals: list[tuple[float, int]],
    *,
    seconds: float,
    clean: bool,
    weights: tuple[int, ...],
    dice: random.Random,
) -> None:
    clock: Clock = LoopClock()
    limiter = Limiter(TransportOptions(patience=timedelta(days=9)), clock=clock, ledger=ledger)
    visitor = visitor_of(rate)
    # Half of what the margin of this kind covers: a tenth of a second, or a part of the interval where bursts do not help.
    jitter = min(0.08, rate.interval.total_seconds() * (0.4 if rate.burst > 1 else 0.01))

    async def work() -> None:
        while True:
            weight = dice.choice(weights)
            request = get(limits=(rate.name,), cost=weight)
            grant = await limiter.acquire(limiter.ticket(request, visitor), visitor)
            grant.written()
            arrivals.append((clock.monotonic() + dice.uniform(0, jitter), weight))
            await asyncio.sleep(dice.uniform(0.01, 0.05))
            grant.done()

    workers = [asyncio.create_task(work()) for _ in range(WORKERS)]
    await asyncio.sleep(seconds)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    if clean:
        await limiter.close()


def bucket(limit: int, per: float, burst: int) -> tuple[Rate, Callable[[], Counting], float]:
    rate = Rate(name="r", limit=limit, per=timedelta(seconds=per), burst=burst)
    return rate, lambda: StrictBucket(per / limit, burst), limit / per


def window(kind: RateKind, limit: int, per: float) -> tuple[Rate, Callable[[], Counting], float]:
    rate = Rate(name="r", kind=kind, limit=limit, per=timedelta(seconds=per))
    return rate, lambda: StrictWindow(limit, per), limit / per


STEADY = {
    "one a minute": (bucket(1, 60, 1), 40_000),
    "one a minute, ten at once": (bucket(1, 60, 10), 40_000),
    "three a minute, three at once": (bucket(3, 60, 3), 20_000),
    "100 a minute, five at once": (bucket(100, 60, 5), 1_000),
    "300 a minute, 20 at once": (bucket(300, 60, 20), 400),
    "one a second": (bucket(1, 1, 1), 400),
    "one in three hours": (bucket(1, 10_800, 1), 2_000_000),
    "five in any second": (window(RateKind.WINDOW, 5, 1), 300),
    "200 in any five minutes": (window(RateKind.WINDOW, 200, 300), 12_000),
    "adaptive, five a second": (window(RateKind.ADAPTIVE, 5, 1), 300),
}


@pytest.mark.parametrize("case", STEADY)
def test_a_limit_is_used_up_and_never_exceeded(case: str) -> None:
    (rate, vendor, per_second), seconds = STEADY[case]

    async def story() -> None:
        outcome = await use(rate, vendor(), seconds=seconds)
        assert outcome.refused == 0
        assert outcome.sent >= 0.97 * (per_second * seconds + rate.burst - 1)

    simulate(story)


@pytest.mark.parametrize("clean", [True, False], ids=["stopped", "killed"])
@pytest.mark.parametrize("case", STEADY)
def test_twenty_restarts_change_nothing(case: str, clean: bool) -> None:
    (rate, vendor, per_second), seconds = STEADY[case]

    async def story() -> None:
        outcome = await use(rate, vendor(), seconds=seconds, lives=20, clean=clean)
        assert outcome.refused == 0
        # A life that ends in the middle of an interval loses it, a killed one a fast limit's burst as well.
        lost = 20 * (1 + (0 if clean or rate.interval >= timedelta(seconds=10) else max(rate.burst, rate.limit * (rate.kind != "bucket"))))
        assert outcome.sent >= 0.97 * (per_second * seconds) - lost

    simulate(story)


@pytest.mark.parametrize("rate", [bucket(1, 1, 1), bucket(2, 1, 1), window(RateKind.WINDOW, 5, 1)], ids=["one", "two", "window"])
def test_requests_that_are_long_on_their_way_are_counted_late(rate: tuple[Rate, Callable[[], Counting], float]) -> None:
    """A tenth of a second now and nothing the next time: what one request loses on the way the next one must not win."""
    kept, vendor, _ = rate
    visitor = visitor_of(kept)

    async def story() -> None:
        clock, counting, dice, refused = LoopClock(), vendor(), random.Random(3), 0
        limiter = Limiter(TransportOptions(patience=timedelta(days=9)), clock=clock, ledger=MemoryLedger())
        for _ in range(200):
            grant = await limiter.acquire(limiter.ticket(get(limits=("r",)), visitor), visitor)
            grant.written()
            await asyncio.sleep(dice.choice([0.0, 0.095]))
            refused += not counting.arrives(clock.monotonic(), 1)
            grant.answered()
            grant.done()
        assert refused == 0

    simulate(story)


def test_weights_fill_a_rolling_limit() -> None:
    rate = Rate(name="r", kind=RateKind.ROLLING, limit=100, per=timedelta(minutes=10))

    async def story() -> None:
        outcome = await use(rate, StrictWindow(100, 600), seconds=60_000, weights=(1, 2, 5))
        assert outcome.refused == 0
        assert outcome.weight >= 0.97 * 10_000

    simulate(story)


@pytest.mark.parametrize("zone", ["Europe/Moscow", "America/New_York"])
def test_a_day_quota_follows_the_vendors_calendar(zone: str) -> None:
    rate = Rate(name="r", kind=RateKind.DAY, limit=20, per=timedelta(days=1), zone=zone)

    async def story() -> None:
        outcome = await use(rate, StrictDay(20, zone), seconds=9.9 * 86_400, lives=20, clean=False)
        assert outcome.refused == 0
        days = {(START + timedelta(seconds=second)).astimezone(ZoneInfo(zone)).date() for second in range(0, 855_360, 60)}
        assert outcome.sent == 20 * len(days)

    simulate(story)


def test_a_concurrency_limit_counts_requests_under_way() -> None:
    rate = Rate(name="r", kind=RateKind.CONCURRENCY, limit=3)
    visitor = visitor_of(rate)

    async def story() -> None:
        clock = LoopClock()
        limiter = Limiter(TransportOptions(), clock=clock, ledger=MemoryLedger())
        flying, most, done = 0, 0, 0

        async def work() -> None:
            nonlocal flying, most, done
            grant = await limiter.acquire(limiter.ticket(get(limits=("r",)), visitor), visitor)
            flying += 1
            most = max(most, flying)
            await asyncio.sleep(1)
            flying -= 1
            done += 1
            grant.done()

        await asyncio.gather(*(work() for _ in range(30)))
        assert (most, done, round(clock.monotonic())) == (3, 30, 10)

    simulate(story)


def test_a_reserve_is_kept_for_the_live_lane() -> None:
    rate = Rate(name="r", kind=RateKind.DAY, limit=10, per=timedelta(days=1), reserve=0.3)
    live_lane, backfill = visitor_of(rate), visitor_of(rate, Lane.BACKFILL)

    async def story() -> None:
        limiter = Limiter(TransportOptions(patience=timedelta(days=9)), clock=LoopClock(), ledger=MemoryLedger())

        async def ask(visitor: Visitor, count: int) -> None:
            for _ in range(count):
                (await limiter.acquire(limiter.ticket(get(limits=("r",)), visitor), visitor)).done()

        await ask(backfill, 7)
        eighth = asyncio.create_task(ask(backfill, 1))
        await ask(live_lane, 3)
        assert limiter.now().wall < datetime(2026, 11, 3, tzinfo=UTC).timestamp()
        await eighth
        assert limiter.now().wall > datetime(2026, 11, 3, tzinfo=UTC).timestamp()

    simulate(story)


def test_around_midnight_a_request_counts_for_both_days() -> None:
    daily = Daily(Rate(name="r", kind=RateKind.DAY, limit=10, per=timedelta(days=1), zone="Europe/Moscow"))

    def at(hour: int, minute: int, second: int, day: int = 2) -> Moment:
        wall = datetime(2026, 11, day, hour, minute, second, tzinfo=ZoneInfo("Europe/Moscow")).timestamp()
        return Moment(wall - START.timestamp(), wall)

    daily.take(at(12, 0, 0), 7)
    daily.take(at(23, 59, 57), 2)
    assert [daily.available(moment) for moment in (at(23, 59, 50), at(23, 59, 58), at(0, 0, 3, 3), at(0, 0, 6, 3))] == [1, 1, 1, 8]
    daily.take(at(0, 0, 3, 3), 1)
    assert daily.ready_at(at(0, 0, 4, 3), 1, spare=True) == at(0, 0, 5, 3).mono
    assert daily.used(at(0, 0, 6, 3)) == 3
