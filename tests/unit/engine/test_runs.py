"""Runs end to end against the fake store, under virtual time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import EmptySnapshot, Forbidden, LeaseLost, Snooze, StorageUnavailable, Transient, Unauthorized
from mpsyncd.model.feed import FeedState
from mpsyncd.model.page import Page
from mpsyncd.model.run import FeedVerdict, Mode, RunRequest, RunState, Trigger
from mpsyncd.model.shop import ShopStatus
from mpsyncd.model.work import Work
from support.engine import ListedRows, Script, make_bench, make_stream
from support.fake_store import make_shop
from support.virtual_clock import START

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def test_a_new_shop_is_read_to_its_end_and_is_due_again_later() -> None:
    script = Script([3, 3, 1])
    bench = make_bench(make_stream(script), shops=[make_shop(status=ShopStatus.SYNCING)])
    await bench.tick()
    assert [rows for _, rows, _ in bench.store.commits] == [3, 3, 1]
    assert bench.store.runs[1]["trigger"] is Trigger.ONBOARDING
    assert bench.store.runs[1]["state"] is RunState.DONE
    assert bench.store.feeds_by_id[1].next_due_at == START + timedelta(minutes=30)
    assert all(rows.closed == 1 for rows in script.made)
    assert bench.nudges == 2  # the feed's end and the run's


async def test_the_next_page_is_fetched_while_one_is_written_and_no_further() -> None:
    script = Script([1, 1, 1, 1])
    bench = make_bench(make_stream(script), shops=[make_shop()])
    seen: list[int] = []

    async def before_commit(work: Work, page: Page) -> None:  # noqa: ARG001
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        seen.append(len(script.asked))

    bench.store.before_commit = before_commit
    await bench.tick()
    assert seen == [2, 3, 4, 4]


async def test_a_failed_attempt_goes_on_behind_the_last_committed_page() -> None:
    script = Script([2, 2, [Transient("reset")], 2])
    bench = make_bench(make_stream(script), shops=[make_shop()])
    await bench.tick()
    assert [rows for _, rows, _ in bench.store.commits] == [2, 2]
    assert bench.store.runs[1]["state"] is RunState.FAILED
    await bench.clock.advance(timedelta(seconds=31))
    await bench.tick()
    assert [rows for _, rows, _ in bench.store.commits] == [2, 2, 1, 2]
    assert bench.store.runs[2]["state"] is RunState.DONE
    assert bench.store.feeds_by_id[1].attempts == 0


async def test_a_snooze_keeps_the_run_open_and_spends_no_attempt() -> None:
    until = START + timedelta(hours=3)
    script = Script([2, [Snooze(until, "waits for things")], 1])
    bench = make_bench(make_stream(script), shops=[make_shop()])
    await bench.tick()
    assert bench.store.waits[0] == (1, "waits for things")
    assert bench.store.feeds_by_id[1].state is FeedState.SNOOZED
    await bench.clock.advance(timedelta(hours=2, minutes=59))
    assert len(bench.store.commits) == 1
    await bench.clock.advance(timedelta(minutes=2))
    assert [rows for _, rows, _ in bench.store.commits] == [2, 1, 1]
    assert bench.store.runs[1]["state"] is RunState.DONE


async def test_one_bug_does_not_stop_the_neighbours_and_the_run_says_partly() -> None:
    bad = make_stream(Script([[ZeroDivisionError("bug")]]), name="bad")
    good = make_stream(Script([5]), name="good")
    bench = make_bench(bad, good, shops=[make_shop()])
    await bench.tick()
    verdicts = bench.store.runs[1]["verdicts"]
    assert sorted(v.value for v in verdicts.values()) == ["failed", "ok"]
    assert bench.store.runs[1]["state"] is RunState.PARTLY


async def test_a_key_refused_once_is_doubted_and_refused_twice_parks_the_shop() -> None:
    script = Script([[Unauthorized("401", status=401), Unauthorized("401", status=401)]])
    bench = make_bench(make_stream(script), shops=[make_shop()])
    await bench.tick()
    assert bench.store.outcomes[-1][1].state is FeedState.FAILED
    bench.refusal = "the vendor says: token expired"
    await bench.clock.advance(timedelta(seconds=31))
    await bench.tick()
    outcome = bench.store.outcomes[-1][1]
    assert (outcome.state, outcome.park_shop, outcome.verdict) == (FeedState.PARKED, True, FeedVerdict.PARKED)


async def test_a_right_that_the_key_denies_itself_is_never_asked_for() -> None:
    script = Script([1])
    bench = make_bench(make_stream(script, capability="content"), shops=[make_shop(identity={"capabilities": ["statistics"]})])
    await bench.tick()
    assert script.asked == []
    assert bench.store.outcomes[-1][1].park_capability == "content"


async def test_a_forbidden_stream_parks_alone() -> None:
    one = make_stream(Script([[Forbidden("403", capability="a")]]), name="one")
    two = make_stream(Script([1]), name="two")
    bench = make_bench(one, two, shops=[make_shop()])
    await bench.tick()
    states = {feed.stream: feed.state for feed in bench.store.feeds_by_id.values()}
    assert states == {"one": FeedState.PARKED, "two": FeedState.OK}


async def test_a_walk_sweeps_and_a_suspicious_one_is_walked_again() -> None:
    script = Script([2, 2])
    bench = make_bench(make_stream(script, walk=timedelta(days=1)), shops=[make_shop()])
    bench.store.fail_sweep = [EmptySnapshot("suddenly empty")]
    await bench.tick()
    assert bench.store.sweeps == []
    assert bench.store.slices == {}
    assert bench.store.outcomes[-1][1].state is FeedState.FAILED
    await bench.clock.advance(timedelta(minutes=11))
    await bench.tick()
    assert len(bench.store.sweeps) == 1
    assert script.asked == [("walk", 0), ("walk", 1)] * 2


async def test_storage_away_is_nobodys_fault_and_the_page_is_asked_again() -> None:
    script = Script([2, 2])
    bench = make_bench(make_stream(script), shops=[make_shop()])
    bench.store.fail_commit = [StorageUnavailable("gone")]
    await bench.tick()
    assert bench.store.outcomes == []
    await bench.clock.advance(timedelta(seconds=3))
    assert [rows for _, rows, _ in bench.store.commits] == [2, 2]
    assert bench.store.runs[1]["state"] is RunState.DONE


async def test_a_lost_lease_drops_everything_silently() -> None:
    script = Script([2, 2])
    bench = make_bench(make_stream(script), shops=[make_shop()])
    bench.store.fail_commit = [LeaseLost("testing:1")]
    await bench.tick()
    assert bench.store.outcomes == []
    assert bench.store.runs[1]["state"] is RunState.RUNNING
    assert bench.dispatcher.runs == 0


async def test_a_read_that_is_given_up_ends_before_its_way_out_is_closed() -> None:
    told: list[str] = []

    async def read(_api: Any, part: Any) -> AsyncIterator[Page]:
        try:
            for number in range(3):
                yield Page(rows=ListedRows([{"n": number}]), cursor={"n": number}, last=number == 2, asked_at=part.now)
        finally:
            await asyncio.sleep(0)
            told.append("read ended")

    @asynccontextmanager
    async def connect(_shop: Any, **_: Any) -> AsyncIterator[Any]:
        try:
            yield object()
        finally:
            told.append("way out closed")

    bench = make_bench(make_stream(Script([]), read=read), shops=[make_shop()], connect=connect)
    bench.store.fail_commit = [LeaseLost("testing:1")]
    await bench.tick()
    assert told == ["read ended", "way out closed"]


async def test_a_lease_lost_before_a_run_begins_costs_only_that_shop() -> None:
    bench = make_bench(make_stream(Script([1])), shops=[make_shop(1), make_shop(2)])
    bench.store.lost.add("testing:1")
    await bench.tick()
    assert [run["shop"] for run in bench.store.runs.values()] == [2]
    assert bench.store.runs[1]["state"] is RunState.DONE


async def test_stopping_commits_the_page_in_hand_and_releases_the_leases() -> None:
    script = Script([2, 2, 2])
    bench = make_bench(make_stream(script), shops=[make_shop()])
    writing, go_on = asyncio.Event(), asyncio.Event()

    async def before_commit(work: Work, page: Page) -> None:  # noqa: ARG001
        if len(bench.store.commits) == 1:
            writing.set()
            await go_on.wait()

    bench.store.before_commit = before_commit
    await bench.dispatcher.tick()
    await writing.wait()
    stopping = asyncio.create_task(bench.dispatcher.stop())
    await bench.clock.settle()
    assert not stopping.done()
    go_on.set()
    await stopping
    assert len(bench.store.commits) == 2
    assert bench.store.runs[1]["state"] is RunState.INTERRUPTED
    assert bench.store.released
    assert all(rows.closed for rows in script.made)
    assert await bench.dispatcher.tick() is None


async def test_a_paused_shop_stops_and_a_cancelled_run_is_called_so() -> None:
    started = asyncio.Event()

    async def hang() -> int:
        started.set()
        await asyncio.Event().wait()
        return 0

    shops = [make_shop(1), make_shop(2)]
    bench = make_bench(make_stream(Script([hang])), shops=shops)
    await bench.tick()
    await started.wait()
    shops[0] = replace(shops[0], works=False)
    bench.store.cancelled_runs.add(2)
    await bench.tick()
    assert bench.store.runs[1]["state"] is RunState.INTERRUPTED
    assert bench.store.runs[2]["state"] is RunState.CANCELLED


async def test_a_full_request_reads_everything_again_and_skips_nothing() -> None:
    script = Script([1, 1])
    bench = make_bench(make_stream(script, backfill=timedelta(days=2)), shops=[make_shop()])
    await bench.tick()
    assert {feed.state for feed in bench.store.feeds_by_id.values()} == {FeedState.OK, FeedState.DONE}
    script.asked.clear()
    bench.store.requests.append(RunRequest(request_id=1, shop_id=1, trigger=Trigger.MANUAL, mode=Mode.FULL))
    await bench.tick()
    assert ("window", 0) in script.asked
    assert bench.store.runs[2]["mode"] is Mode.FULL
    assert bench.store.runs[2]["state"] is RunState.DONE


async def test_a_range_reads_windows_only_and_an_unknown_shop_source_is_left_alone() -> None:
    script = Script([1])
    bench = make_bench(make_stream(script), shops=[make_shop()])
    await bench.tick()
    script.asked.clear()
    request = RunRequest(request_id=1, shop_id=1, trigger=Trigger.MANUAL, mode=Mode.SELECTIVE, start=START - timedelta(days=3), end=START)
    bench.store.requests.append(request)
    await bench.tick()
    assert script.asked == [("window", 0)]


async def test_a_slow_key_is_not_late_for_ever() -> None:
    bench = make_bench(make_stream(Script([1])), shops=[make_shop()], pace=timedelta(hours=3))
    await bench.tick()
    assert bench.store.feeds_by_id[1].next_due_at == START + timedelta(hours=3)


async def test_no_progress_ends_the_attempt_with_words() -> None:
    async def hang() -> int:
        await asyncio.Event().wait()
        return 0

    bench = make_bench(make_stream(Script([hang])), shops=[make_shop()], deadline=timedelta(milliseconds=20))
    await bench.dispatcher.tick()
    async with asyncio.timeout(10):
        while not bench.store.outcomes:
            await asyncio.sleep(0.005)
    assert bench.store.outcomes[0][1].verdict is FeedVerdict.FAILED
    assert "no progress" in (bench.store.outcomes[0][1].reason or "")


async def test_a_feed_under_way_is_not_started_twice() -> None:
    script = Script([1, [Snooze(START + timedelta(hours=1), "waits")]])
    bench = make_bench(make_stream(script), shops=[make_shop()])
    await bench.tick()
    for _ in range(3):
        await bench.clock.advance(timedelta(minutes=31))
        await bench.tick()
    assert bench.store.runs[1]["state"] is RunState.DONE
    assert all(run["feeds"] == [1] for run in bench.store.runs.values())
    assert len(bench.store.runs) == 2


async def test_a_feed_is_due_again_while_its_neighbours_still_read_their_history() -> None:
    history = asyncio.Event()

    async def page() -> int:
        await history.wait()
        return 1

    slow, quick = Script([page]), Script([[Transient("reset")], 1])
    streams = (make_stream(slow, name="slow"), make_stream(quick, name="quick"))
    bench = make_bench(*streams, shops=[make_shop()])
    await bench.tick()
    assert bench.store.commits == []
    await bench.clock.advance(timedelta(seconds=31))
    await bench.tick()
    assert len(bench.store.commits) == 2
    await bench.clock.advance(timedelta(minutes=30))
    await bench.tick()
    assert len(bench.store.commits) == 4
    assert len(slow.asked) == 1
    history.set()
    await bench.clock.settle()
    assert [run["state"] for run in bench.store.runs.values()] == [RunState.PARTLY, RunState.DONE, RunState.DONE]


async def test_leases_are_looked_at_every_third_of_their_life_and_at_once_after_a_notice() -> None:
    bench = make_bench(make_stream(Script([1])), shops=[make_shop()])
    await bench.tick()
    await bench.tick()
    assert bench.store.holds == 1
    bench.dispatcher.notice()
    await bench.tick()
    assert bench.store.holds == 2
    await bench.clock.advance(timedelta(seconds=10))
    await bench.tick()
    assert bench.store.holds == 3
