"""How requests pass gates: order, ageing, several gates at once, closings, snoozes, tuning. All in virtual time."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from mpsyncd.model.errors import BadRequest, Snooze
from mpsyncd.model.rate import Rate, RateKind, Scope
from mpsyncd.transport.ledger import MemoryLedger
from mpsyncd.transport.options import LimitOverride, SourceOptions
from mpsyncd.transport.refusals import charge, heed
from mpsyncd.transport.ticket import Priority
from support.gates import FAST, MINUTE, ONCE, World, refusal, refused
from support.transport import get, identity, simulate


def names(world: World) -> list[str]:
    return [name for name, _ in world.gone]


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class SlowLedger(MemoryLedger):
    """Writes when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.free, self.writes = asyncio.Event(), 0

    async def save(self, gate: str, state: Any) -> None:
        self.writes += 1
        await self.free.wait()
        await super().save(gate, state)


def test_the_more_urgent_goes_first() -> None:
    async def story() -> None:
        world = World(ONCE)
        await world.ask("first", limits=("once",))
        tasks = []
        for name, priority in (
            ("history", Priority.BACKFILL),
            ("live", Priority.LIVE),
            ("person", Priority.MANUAL),
            ("hook", Priority.WEBHOOK),
        ):
            tasks.append(world.later(name, priority))
            await turns()
        await asyncio.gather(*tasks)
        assert names(world) == ["first", "hook", "person", "live", "history"]

    simulate(story)


def test_a_patient_request_lets_all_others_go_first() -> None:
    async def story() -> None:
        world = World(ONCE, patience=timedelta(hours=1))
        await world.ask("first", limits=("once",))
        visitor, patient = world.visitor(), get(limits=("once",), patient=True)
        assert world.limiter.ticket(patient, world.visitor(Priority.WEBHOOK)).priority is Priority.WEBHOOK
        waits = asyncio.create_task(world.limiter.acquire(world.limiter.ticket(patient, visitor), visitor))
        await turns()
        await asyncio.gather(*(world.later(str(number), Priority.BACKFILL) for number in range(3)))
        assert not waits.done()
        await waits

    simulate(story)


def test_whoever_waits_long_is_overtaken_no_more() -> None:
    async def story() -> None:
        world = World(ONCE, patience=timedelta(hours=1))
        await world.ask("first", limits=("once",))
        history = world.later("history", Priority.BACKFILL)
        live = []
        for number in range(12):
            live.append(world.later(f"live {number}"))
            await asyncio.sleep(5)
        await history
        overtook = names(world).index("history")
        assert 3 <= overtook <= 6  # twenty seconds of head start at one request in five
        await asyncio.gather(*live)

    simulate(story)


def test_equal_ones_go_in_the_order_in_which_they_came() -> None:
    async def story() -> None:
        world = World(FAST)
        await asyncio.gather(*(world.ask(str(number), limits=("fast",)) for number in range(30)))
        assert names(world) == [str(number) for number in range(30)]

    simulate(story)


def test_a_fast_line_is_not_blocked_by_one_that_waits_for_a_slow_one() -> None:
    async def story() -> None:
        world = World(ONCE, FAST)
        await world.ask("a", limits=("once", "fast"))
        slow = asyncio.create_task(world.ask("slow", limits=("fast", "once")))
        await turns()
        await world.ask("b", limits=("fast",))
        assert world.gone[-1] == ("b", 0.0)
        await slow
        assert 5 <= world.gone[-1][1] <= 5.2

    simulate(story)


def test_whoever_is_stopped_at_one_gate_leaves_the_lines_of_the_others() -> None:
    async def story() -> None:
        world = World(ONCE, FAST)
        for _ in range(5):
            await world.ask(limits=("fast",))
        both = world.later("both", limits=("once", "fast"))
        await turns()
        [once] = [gate for gate in world.limiter.gates if gate.rate.name == "once"]
        once.door.close(world.clock.monotonic() + 20)
        await turns()
        await world.ask("fast", limits=("fast",))
        assert world.gone[-1][1] <= 0.3
        await both
        assert world.gone[-1][1] >= 20

    simulate(story)


def test_many_gates_in_any_order_never_lock_each_other() -> None:
    async def story() -> None:
        rates = [Rate(name=f"r{number}", limit=1, per=timedelta(seconds=1)) for number in range(4)]
        world = World(*rates, Rate(name="two", kind=RateKind.CONCURRENCY, limit=2), patience=timedelta(hours=1))

        async def work(number: int) -> None:
            limits = [f"r{(number * 3 + step * (1 + number % 3)) % 4}" for step in range(1 + number % 4)]
            grant = await world.ask(str(number), limits=(*limits, "two"), visitor=world.visitor(list(Priority)[number % 4]))
            await asyncio.sleep(0.3)
            grant.done()

        await asyncio.gather(*(work(number) for number in range(60)))
        assert len(world.gone) == 60

    simulate(story)


def test_both_limits_of_a_request_hold_at_once() -> None:
    async def story() -> None:
        world = World(ONCE, Rate(name="window", kind=RateKind.WINDOW, limit=2, per=timedelta(seconds=20)), patience=timedelta(hours=1))
        for number in range(6):
            await world.ask(str(number), limits=("once", "window"))
        at = [moment for _, moment in world.gone]
        assert all(later - earlier >= 5 for earlier, later in pairwise(at))
        assert all(later - earlier >= 20 for earlier, later in zip(at, at[2:], strict=False))

    simulate(story)


def test_a_long_wait_is_a_snooze_with_its_reason() -> None:
    async def story() -> None:
        world = World(MINUTE)
        await world.ask(limits=("minute",))
        await asyncio.sleep(20)
        with pytest.raises(Snooze) as caught:
            await world.ask(limits=("minute",))
        assert caught.value.reason == "waits for minute of shop 3, next token in 40 s"
        assert abs((caught.value.until - world.clock.now()).total_seconds() - 40.5) < 0.1
        [gate] = world.limiter.gates
        assert gate.waiting == 0

    simulate(story)


def test_those_before_count_for_the_snooze() -> None:
    async def story() -> None:
        world = World(ONCE, patience=timedelta(seconds=30))
        tasks = [world.later(str(number)) for number in range(10)]
        done = await asyncio.gather(*tasks, return_exceptions=True)
        snoozed = [outcome for outcome in done if isinstance(outcome, Snooze)]
        assert len(snoozed) == 4  # at 0, 5, … 25 seconds the first six go
        assert "next token in 30 s" in str(snoozed[0])

    simulate(story)


def test_who_is_being_written_down_is_not_counted_twice() -> None:
    """Else a snooze ends a whole interval late, and a token of a slow limit goes unused."""

    async def story() -> None:
        ledger = SlowLedger()
        world = World(MINUTE, ledger=ledger)
        first = asyncio.create_task(world.ask(limits=("minute",)))
        await turns()
        assert ledger.writes == 1
        with pytest.raises(Snooze) as caught:
            await world.ask(limits=("minute",))
        assert abs((caught.value.until - world.clock.now()).total_seconds() - 60.5) < 0.1
        ledger.free.set()
        await first

    simulate(story)


def test_a_wait_over_a_second_is_told_and_its_end_too() -> None:
    async def story() -> None:
        world = World(ONCE, FAST)
        await world.ask(limits=("once",))
        assert world.told == []
        await world.ask(limits=("once",))
        [(reason, until), end] = world.told
        assert reason == "waits for once of shop 3, next token in 5 s"
        assert until is not None
        assert end == (None, None)

    simulate(story)


@pytest.mark.parametrize("cancel", ["first", "middle"])
def test_a_cancelled_one_leaves_the_line(cancel: str) -> None:
    async def story() -> None:
        world = World(ONCE)
        await world.ask(limits=("once",))
        tasks = {name: world.later(name) for name in ("first", "middle", "last")}
        await asyncio.sleep(1)
        tasks.pop(cancel).cancel()
        await asyncio.gather(*tasks.values())
        assert names(world)[1:] == [name for name in ("first", "middle", "last") if name != cancel]
        assert world.gone[-1][1] < 10.3

    simulate(story)


def test_a_refusal_stops_those_in_line_until_the_servers_time() -> None:
    async def story() -> None:
        world = World(FAST)
        grant = await world.ask(limits=("fast",))
        line = [world.later(str(number), limits=("fast",)) for number in range(20)]
        await refusal(world, grant, refused(7))
        await asyncio.gather(*line)
        at = [moment for _, moment in world.gone[1:]]
        assert min(at) >= 8.0
        assert max(at) <= 8.0 + 20 * 0.1 + 0.2  # and then one by one, not all at once
        assert sum(moment < 8.05 for moment in at) == 1

    simulate(story)


def test_a_long_refusal_snoozes_those_in_line() -> None:
    async def story() -> None:
        world = World(ONCE)
        grant = await world.ask(limits=("once",))
        waiting = world.later("waiting")
        await turns()
        await refusal(world, grant, refused(18_236))
        with pytest.raises(Snooze, match="waits for once of shop 3, closed by the vendor for 5 h 4 min"):
            await waiting

    simulate(story)


def test_a_refusal_reaches_requests_that_were_granted_but_not_written() -> None:
    async def story() -> None:
        world = World(FAST)
        first, second = await world.ask(limits=("fast",)), await world.ask(limits=("fast",))
        await refusal(world, first, refused(2))
        assert not second.open()

    simulate(story)


def test_a_method_refused_for_hours_does_not_close_what_others_share() -> None:
    async def story() -> None:
        world = World(MINUTE, FAST)
        grant = await world.ask(limits=("minute", "fast"))
        await refusal(world, grant, refused(18_000))
        await world.ask("other", limits=("fast",))
        assert world.gone[-1][1] <= 1.6

    simulate(story)


def test_a_closed_scope_closes_every_request_of_it_and_no_other() -> None:
    async def story() -> None:
        world = World(ONCE, FAST)
        grant = await world.ask(limits=("once",))
        await refusal(world, grant, refused(300, Scope.SELLER))
        with pytest.raises(Snooze, match=r"all of acme \(seller seller-1\) of shop 3, closed by the vendor for 5 min"):
            await world.ask(limits=("fast",))
        with pytest.raises(Snooze):
            await world.ask(limits=())
        await world.ask("other", limits=("fast",), visitor=world.visitor(who=identity(seller="seller-2")))
        assert names(world)[-1] == "other"

    simulate(story)


def test_refused_again_and_again_the_margin_grows() -> None:
    async def story() -> None:
        world = World(FAST)
        waits = []
        for _ in range(4):
            grant = await world.ask(limits=("fast",))
            before = world.clock.monotonic()
            await refusal(world, grant, refused(1))
            await refusal(world, grant, refused(1))  # one that was under way with it is the same refusal
            waits.append(round(world.limiter.gates[0].door.until - before))
        assert waits == [2, 3, 5, 9]
        heed(world.limiter, grant, {})
        assert world.limiter.gates[0].door.refusals == 0

    simulate(story)


def test_a_penalty_costs_as_much_as_the_vendor_says() -> None:
    async def story() -> None:
        world = World(Rate(name="penal", limit=10, per=timedelta(seconds=10), burst=20, penalty=10))
        grant = await world.ask(limits=("penal",))
        gate = world.limiter.gates[0]
        before = gate.meter.available(world.limiter.now())
        await charge(world.limiter, grant, status=409)
        assert before - gate.meter.available(world.limiter.now()) == 9
        await charge(world.limiter, grant, status=200)
        await charge(world.limiter, grant, status=500)
        assert before - gate.meter.available(world.limiter.now()) == 9

    simulate(story)


@pytest.mark.parametrize("kind", [RateKind.BUCKET, RateKind.WINDOW])
def test_headers_tighten_and_do_not_widen(kind: RateKind) -> None:
    async def story() -> None:
        world = World(Rate(name="r", kind=kind, limit=10, per=timedelta(seconds=10), burst=10))
        grant = await world.ask(limits=("r",))
        gate = world.limiter.gates[0]
        heed(world.limiter, grant, {"x-ratelimit-remaining": "50", "x-ratelimit-limit": "100"})
        assert gate.meter.available(world.limiter.now()) in {8, 9}
        heed(world.limiter, grant, {"x-ratelimit-remaining": "2"})
        assert gate.meter.available(world.limiter.now()) in {2, 3}

    simulate(story)


def test_an_adaptive_limit_follows_its_headers_both_ways() -> None:
    async def story() -> None:
        world = World(Rate(name="r", kind=RateKind.ADAPTIVE, limit=5, per=timedelta(seconds=1)))
        grant = await world.ask(limits=("r",))
        heed(world.limiter, grant, {"x-ratelimit-limit": "50", "x-ratelimit-remaining": "49"})
        gate = world.limiter.gates[0]
        assert gate.meter.available(world.limiter.now()) == 39
        heed(world.limiter, grant, {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "9"})
        assert gate.meter.available(world.limiter.now()) == 7
        reset = world.limiter.now().wall + 0.8
        heed(world.limiter, grant, {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)})
        await world.ask("after", limits=("r",))
        assert world.gone[-1][1] == 0.8

    simulate(story)


def test_a_coarse_reset_holds_nobody_up_who_used_the_limit_himself() -> None:
    async def story() -> None:
        world = World(Rate(name="r", kind=RateKind.ADAPTIVE, limit=5, per=timedelta(seconds=1)))
        for number in range(20):
            grant = await world.ask(str(number), limits=("r",))
            left, reset = 4 - number % 5, world.limiter.now().wall + 1.9
            heed(world.limiter, grant, {"x-ratelimit-remaining": str(left), "x-ratelimit-reset": str(reset)})
        assert world.gone[-1][1] <= 3.1

    simulate(story)


def test_headers_raise_an_adaptive_limit_no_higher_than_its_burst() -> None:
    async def story() -> None:
        world = World(Rate(name="r", kind=RateKind.ADAPTIVE, limit=5, per=timedelta(seconds=1), burst=20))
        grant = await world.ask(limits=("r",))
        heed(world.limiter, grant, {"x-ratelimit-limit": "50", "x-ratelimit-remaining": "49"})
        assert world.limiter.gates[0].meter.available(world.limiter.now()) == 19

    simulate(story)


def test_shops_of_one_seller_share_a_gate_and_kinds_of_keys_do_not() -> None:
    async def story() -> None:
        world = World(MINUTE, Rate(name="mine", limit=1, per=timedelta(minutes=1), scope=Scope.SHOP))
        await world.ask(limits=("minute",), visitor=world.visitor(shop_id=1))
        with pytest.raises(Snooze):
            await world.ask(limits=("minute",), visitor=world.visitor(shop_id=2))
        await world.ask(limits=("minute",), visitor=world.visitor(who=identity(variant="base")))
        await world.ask(limits=("mine",), visitor=world.visitor(who=identity(shop="1")))
        await world.ask(limits=("mine",), visitor=world.visitor(who=identity(shop="2")))

    simulate(story)


def test_an_unknown_limit_is_a_bug_in_words() -> None:
    async def story() -> None:
        world = World(ONCE)
        with pytest.raises(BadRequest, match="names the limit other, which a key of the type personal does not have"):
            await world.ask(limits=("other",))

    simulate(story)


def override(**values: Any) -> dict[str, Any]:
    return {"sources": {"acme": SourceOptions(limits={"r": LimitOverride(**values)})}}


@pytest.mark.parametrize(
    "options, rate, expected",
    [
        (override(limit=2), {"limit": 6, "per": timedelta(minutes=1)}, (2, 60.0, 1)),
        (override(per=timedelta(seconds=5), burst=4), {"limit": 6, "per": timedelta(minutes=1)}, (6, 5.0, 4)),
        ({"limit_scale": 10.0}, {"limit": 6, "per": timedelta(minutes=1)}, (6, 6.0, 1)),
        ({"limit_scale": 10.0}, {"limit": 6, "kind": RateKind.DAY, "per": timedelta(days=1)}, (60, 86400.0, 1)),
        ({"share": 3}, {"limit": 30, "burst": 9, "scope": Scope.ADDRESS}, (10, 1.0, 3)),
        ({"share": 3}, {"limit": 2, "scope": Scope.ADDRESS}, (1, 1.5, 1)),
        ({"share": 3}, {"limit": 2, "scope": Scope.SELLER}, (2, 1.0, 1)),
    ],
)
def test_limits_can_be_tuned(options: dict[str, Any], rate: dict[str, Any], expected: tuple[int, float, int]) -> None:
    world = World(**options)
    kept = world.limiter.gate(Rate(name="r", **rate), source="acme", identity=identity()).rate
    assert (kept.limit, kept.per.total_seconds(), kept.burst) == expected


def test_scaled_limits_scale_the_patience() -> None:
    async def story() -> None:
        world = World(MINUTE, limit_scale=100)
        await world.ask(limits=("minute",))
        with pytest.raises(Snooze):
            await world.ask(limits=("minute",))  # 0.6 s is more than 30 s / 100
        await asyncio.sleep(0.61)
        await world.ask(limits=("minute",))

    simulate(story)


def test_a_held_door_lets_nobody_pass() -> None:
    async def story() -> None:
        world = World(FAST)
        grant = await world.ask(limits=("fast",))
        for door in grant.doors:
            door.hold()
        waiting = world.later("waiting", limits=("fast",))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        for door in grant.doors:
            door.let_go()
        await waiting
        assert world.gone[-1][1] == 0.5

    simulate(story)
