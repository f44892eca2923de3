"""What gates remember from one process to the next, and from one daemon to another."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from mpsyncd.model.errors import Snooze, StorageUnavailable
from mpsyncd.model.rate import Rate, RateKind, Scope
from mpsyncd.transport.ledger import MemoryLedger, State
from mpsyncd.transport.refusals import heed
from support.gates import FAST, MINUTE, ONCE, World, refusal, refused
from support.transport import identity, simulate


class Recording(MemoryLedger):
    """Remembers every write; can be out of order."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []
        self.broken = False

    async def save(self, gate: str, state: State) -> None:
        if self.broken:
            raise StorageUnavailable("no database")
        self.writes.append(gate)
        await super().save(gate, state)


def test_a_slow_limit_is_debited_before_the_request_and_a_fast_one_once_a_life() -> None:
    async def story() -> None:
        ledger = Recording()
        world = World(Rate(name="slow", limit=1, per=timedelta(seconds=20), burst=3), FAST, ledger=ledger)
        for _ in range(3):
            await world.ask(limits=("slow", "fast"))
        assert [name.split(":")[1] for name in ledger.writes] == ["fast", "slow", "slow", "slow"]

    simulate(story)


def test_without_a_ledger_nothing_goes() -> None:
    async def story() -> None:
        ledger = Recording()
        world = World(Rate(name="slow", limit=1, per=timedelta(seconds=20), burst=3), ledger=ledger)
        ledger.broken = True
        with pytest.raises(StorageUnavailable):
            await world.ask(limits=("slow",))
        ledger.broken = False
        await world.ask("again", limits=("slow",))
        assert [name for name, _ in world.gone] == ["again"]

    simulate(story)


def test_a_slow_write_does_not_bring_two_requests_too_near() -> None:
    class Slow(MemoryLedger):
        async def save(self, gate: str, state: State) -> None:
            await asyncio.sleep(5 if not self.states else 0)
            await super().save(gate, state)

    async def story() -> None:
        world = World(MINUTE, ledger=Slow(), patience=timedelta(hours=1))
        for _ in range(2):
            (await world.ask(limits=("minute",))).written()
        assert world.gone[1][1] - world.gone[0][1] >= 60

    simulate(story)


def test_a_long_closing_outlives_the_process() -> None:
    async def story() -> None:
        ledger = MemoryLedger()
        world = World(ONCE, ledger=ledger)
        grant = await world.ask(limits=("once",))
        await refusal(world, grant, refused(600))
        await refusal(world, grant, refused(900, Scope.SELLER))
        await asyncio.sleep(100)
        with pytest.raises(Snooze, match="closed by the vendor for 13 min"):
            await World(ONCE, ledger=ledger).ask(limits=("once",))
        await asyncio.sleep(700)
        with pytest.raises(Snooze, match="closed by the vendor for 101 s"):
            await World(ONCE, ledger=ledger).ask(limits=("once",))

    simulate(story)


def test_what_another_daemon_used_counts_when_the_shop_comes_back() -> None:
    async def story() -> None:
        ledger = MemoryLedger()
        here, there = World(MINUTE, ledger=ledger), World(MINUTE, ledger=ledger)
        await here.ask(limits=("minute",))
        here.limiter.retire("acme", identity())
        await asyncio.sleep(70)
        await there.ask(limits=("minute",))
        await asyncio.sleep(10)
        with pytest.raises(Snooze):
            await here.ask(limits=("minute",))

    simulate(story)


@pytest.mark.parametrize("spoil", [{"sent": []}, {"kind": "window", "sent": []}, {"kind": "bucket"}, {"kind": "bucket", "tat": "x"}])
def test_an_entry_that_cannot_be_read_is_taken_for_all_used(spoil: dict[str, Any]) -> None:
    async def story() -> None:
        ledger = MemoryLedger()
        ledger.states["acme:minute:seller:seller-1:personal"] = spoil
        with pytest.raises(Snooze):
            await World(MINUTE, ledger=ledger).ask(limits=("minute",))

    simulate(story)


def test_a_clock_set_back_closes_nothing_for_ever() -> None:
    async def story() -> None:
        ledger = MemoryLedger()
        world = World(MINUTE, ledger=ledger)
        grant = await world.ask(limits=("minute",))
        await refusal(world, grant, refused(100))
        again = World(MINUTE, ledger=ledger)
        again.clock.born -= timedelta(days=2)
        with pytest.raises(Snooze) as caught:
            await again.ask(limits=("minute",))
        assert caught.value.until - again.clock.now() < timedelta(seconds=102)

    simulate(story)


def test_a_learned_limit_is_kept() -> None:
    async def story() -> None:
        ledger = MemoryLedger()
        rate = Rate(name="r", kind=RateKind.ADAPTIVE, limit=5, per=timedelta(seconds=1))
        world = World(rate, ledger=ledger)
        heed(world.limiter, await world.ask(limits=("r",)), {"x-ratelimit-limit": "50"})
        await world.limiter.close()
        again = World(rate, ledger=ledger)
        await again.ask(limits=("r",))
        assert again.limiter.gates[0].meter.available(again.limiter.now()) == 38

    simulate(story)
