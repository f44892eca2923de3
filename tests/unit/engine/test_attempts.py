"""How slices are read and ended: barriers, marked slices, suspicions, and the quicker way through history."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from mpsyncd.model.errors import EmptySnapshot, Forbidden, PaymentRequired, RateLimited, StorageUnavailable, Transient
from mpsyncd.model.feed import FeedState
from mpsyncd.model.page import Page, SliceKind
from mpsyncd.model.run import Mode, RunRequest, RunState, Trigger
from mpsyncd.model.stream import Lane, Shortcut, Table
from mpsyncd.model.work import NewSlice, Work
from support.engine import Bench, ListedRows, Script, make_bench, make_stream
from support.fake_store import make_shop
from support.virtual_clock import START

DAY = timedelta(days=1)
SCOPED = Table(name="testing.things", key=("n",), scope=lambda part: {"day": (part.start, part.end)})


@dataclass
class Windows:
    """A read of one page a window; `asked` has the ages in days of the windows' ends. Errors are raised once each, by that age."""

    asked: list[float] = field(default_factory=list)
    errors: dict[float, Exception] = field(default_factory=dict)

    async def read(self, api: Any, part: Any) -> AsyncIterator[Page]:  # noqa: ARG002
        age = (START - part.end) / DAY
        self.asked.append(age)
        if (error := self.errors.pop(age, None)) is not None:
            raise error
        yield Page(rows=ListedRows([{"n": age}]), cursor=None, last=True, asked_at=part.now)


def request(mode: Mode, **changes: Any) -> RunRequest:
    return RunRequest(**{"request_id": 1, "shop_id": 1, "trigger": Trigger.MANUAL, "mode": mode, **changes})


def state(bench: Bench, lane: Lane = Lane.BACKFILL) -> FeedState:
    return next(feed.state for feed in bench.store.feeds_by_id.values() if feed.lane is lane)


async def test_nothing_is_asked_behind_a_barrier_before_it_is_committed() -> None:
    asked: list[int] = []

    async def read(api: Any, part: Any) -> AsyncIterator[Page]:  # noqa: ARG001
        for number in range(4):
            asked.append(number)
            yield Page(rows=ListedRows([]), cursor={"n": number}, last=number == 3, asked_at=part.now, barrier=number in {0, 1})

    bench = make_bench(make_stream(Script([]), read=read), shops=[make_shop()])
    seen: list[int] = []

    async def before_commit(work: Work, page: Page) -> None:  # noqa: ARG001
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        seen.append(len(asked))

    bench.store.before_commit = before_commit
    await bench.tick()
    assert seen == [1, 2, 4, 4]


async def test_slices_that_marked_what_they_saw_are_swept_each() -> None:
    windows = Windows()
    bench = make_bench(make_stream(Script([]), read=windows.read, tables=(SCOPED,), backfill=3 * DAY, window=DAY), shops=[make_shop()])
    await bench.tick()
    assert len(bench.store.sweeps) == 4, "three windows of history and what is new"
    assert bench.store.runs[1]["state"] is RunState.DONE


async def test_a_slice_that_was_read_before_a_kill_is_only_swept() -> None:
    windows = Windows()
    bench = make_bench(make_stream(Script([]), read=windows.read, tables=(SCOPED,), backfill=DAY), shops=[make_shop()])
    bench.store.fail_sweep = [StorageUnavailable("gone"), StorageUnavailable("gone")]
    await bench.tick()
    assert len(windows.asked) == 2
    assert {part.walked for _, part in bench.store.slices.values()} == {True}
    await bench.clock.advance(timedelta(seconds=3))
    assert (len(windows.asked), len(bench.store.sweeps)) == (2, 2)


async def test_a_suspicious_window_is_read_again_behind_its_fellows_and_holds_none_of_them_up() -> None:
    windows = Windows()
    bench = make_bench(make_stream(Script([]), read=windows.read, backfill=3 * DAY, window=DAY), shops=[make_shop()])

    async def before_commit(work: Work, page: Page) -> None:  # noqa: ARG001
        if work.feed.lane is Lane.BACKFILL and work.open_slice.slice.end == START - DAY and not work.force:
            raise EmptySnapshot("suddenly empty")

    bench.store.before_commit = before_commit
    await bench.tick()
    assert state(bench) is FeedState.FAILED
    await bench.clock.advance(timedelta(minutes=11))
    await bench.tick()
    history = [age for age in windows.asked if age > 0]
    assert history == [1, 2, 1]
    assert [part.slice.end for _, part in bench.store.slices.values()] == [START - DAY]


async def test_what_is_suspicious_is_believed_by_force() -> None:
    windows = Windows()
    bench = make_bench(make_stream(Script([]), read=windows.read, backfill=DAY), shops=[make_shop()])

    async def before_commit(work: Work, page: Page) -> None:  # noqa: ARG001
        if work.feed.lane is Lane.BACKFILL and not work.force:
            raise EmptySnapshot("suddenly empty")

    bench.store.before_commit = before_commit
    await bench.tick()
    bench.store.requests.append(request(Mode.FORCED))
    await bench.tick()
    assert state(bench) is FeedState.DONE


async def test_a_suspicious_range_leaves_nothing_behind_that_the_live_lane_would_read() -> None:
    windows = Windows()
    bench = make_bench(make_stream(Script([]), read=windows.read), shops=[make_shop()])
    await bench.tick()

    async def before_commit(work: Work, page: Page) -> None:  # noqa: ARG001
        raise EmptySnapshot("suddenly empty")

    bench.store.before_commit = before_commit
    bench.store.requests.append(request(Mode.SELECTIVE, start=START - 3 * DAY, end=START - 2 * DAY))
    await bench.tick()
    assert bench.store.runs[2]["state"] is RunState.FAILED
    assert bench.store.slices == {}


async def test_a_range_is_read_although_an_earlier_attempt_left_a_slice() -> None:
    script = Script([2, [Transient("reset")], 1])
    bench = make_bench(make_stream(script), shops=[make_shop()])
    await bench.tick()
    script.asked.clear()
    bench.store.requests.append(request(Mode.SELECTIVE, start=START - 3 * DAY, end=START - 2 * DAY))
    await bench.tick()
    assert script.asked[0] == ("since", 1)
    assert ("window", 0) in script.asked
    assert bench.store.runs[2]["state"] is RunState.DONE


async def test_a_full_run_does_not_begin_anew_when_the_database_comes_back() -> None:
    script = Script([2, 2, 2])
    bench = make_bench(make_stream(script), shops=[make_shop()])
    await bench.tick()
    script.asked.clear()
    failures = [False, True]

    async def before_commit(work: Work, page: Page) -> None:  # noqa: ARG001
        if failures and failures.pop(0):
            raise StorageUnavailable("gone")

    bench.store.before_commit = before_commit
    bench.store.requests.append(request(Mode.FULL))
    await bench.tick()
    await bench.clock.advance(timedelta(seconds=3))
    assert script.asked == [("since", 0), ("since", 1), ("since", 2), ("since", 1), ("since", 2)]


def quick(windows: Windows) -> Shortcut:
    return Shortcut(capability="jam", read=windows.read, window=4 * DAY, behind=timedelta(0))


def shortcut_bench(slow: Windows, fast: Windows | None) -> Bench:
    stream = make_stream(
        Script([]),
        read=slow.read,
        shortcut=None if fast is None else quick(fast),
        backfill=8 * DAY,
        window=4 * DAY,
        history_behind=2 * DAY,
        overlap=3 * DAY,
    )
    return make_bench(stream, shops=[make_shop()])


MIDNIGHT = 0.5  # START is noon where the bench's source lives


async def test_history_goes_by_the_shortcut_when_nothing_is_known_against_it() -> None:
    slow, fast = Windows(), Windows()
    bench = shortcut_bench(slow, fast)
    await bench.tick()
    assert fast.asked == [MIDNIGHT, MIDNIGHT + 4]
    assert slow.asked == [0], "what is new"
    assert state(bench) is FeedState.DONE


@pytest.mark.parametrize("error", [Forbidden("no subscription", capability="jam"), PaymentRequired("pay", capability="jam")])
async def test_a_refused_shortcut_is_remembered_and_history_goes_the_ordinary_way_at_once(error: Exception) -> None:
    slow, fast = Windows(), Windows(errors={MIDNIGHT + 4: error})
    bench = shortcut_bench(slow, fast)
    await bench.tick()
    assert fast.asked == [MIDNIGHT, MIDNIGHT + 4]
    assert [age for age in slow.asked if age] == [MIDNIGHT + 2, MIDNIGHT + 6]
    assert bench.store.lacking == {(1, "jam")}
    assert bench.store.runs[1]["state"] is RunState.DONE


async def test_what_is_known_to_be_refused_is_tried_again_by_a_full_run_only() -> None:
    slow, fast = Windows(), Windows()
    bench = shortcut_bench(slow, fast)
    bench.store.lacking.add((1, "jam"))
    await bench.tick()
    assert fast.asked == []
    fast.errors = {MIDNIGHT: Forbidden("still none", capability="jam")}
    bench.store.requests.append(request(Mode.FULL))
    await bench.tick()
    assert fast.asked == [MIDNIGHT]
    assert bench.store.runs[2]["state"] is RunState.DONE
    assert slow.asked.count(MIDNIGHT + 2) == 2


async def test_another_refusal_inside_a_shortcut_parks_as_it_always_does() -> None:
    slow, fast = Windows(), Windows(errors={MIDNIGHT: Forbidden("no right", capability="analytics")})
    bench = shortcut_bench(slow, fast)
    await bench.tick()
    assert state(bench) is FeedState.PARKED
    assert bench.store.lacking == set()


async def test_a_daily_quota_inside_a_shortcut_is_waited_for() -> None:
    slow, fast = Windows(), Windows(errors={MIDNIGHT: RateLimited("20 reports a day", retry_after=timedelta(hours=5))})
    bench = shortcut_bench(slow, fast)
    await bench.tick()
    assert state(bench) is FeedState.SNOOZED
    await bench.clock.advance(timedelta(hours=6))
    assert fast.asked == [MIDNIGHT, MIDNIGHT, MIDNIGHT + 4]
    assert state(bench) is FeedState.DONE


async def test_slices_of_a_shortcut_that_is_declared_no_more_are_planned_anew() -> None:
    slow = Windows()
    bench = shortcut_bench(slow, None)
    shop = make_shop()
    await bench.store.plan_feeds(shop, [("things", Lane.BACKFILL)], START)
    feed = bench.store.feeds_by_id[1]
    left = NewSlice(kind=SliceKind.WINDOW, start=START - 99 * DAY, end=START - 90 * DAY, key={"shortcut": "jam"})
    await bench.store.add_slices(bench.store.lease(shop), feed, 0, [left], START)
    bench.store.feeds_by_id[1] = replace(feed, next_due_at=START)
    await bench.tick()
    assert [age for age in slow.asked if age] == [MIDNIGHT + 2, MIDNIGHT + 6]
