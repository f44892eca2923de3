"""Feeds that are read for the rows of another stream: they wait for its first complete walk, and never pretend to have read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from mpsyncd.model.errors import Forbidden, Snooze, Transient
from mpsyncd.model.feed import Feed, FeedState
from mpsyncd.model.page import Page
from mpsyncd.model.run import FeedVerdict, Mode, RunRequest, RunState, Trigger
from mpsyncd.model.stream import Lane, Parents
from support.engine import Bench, ListedRows, Script, make_bench, make_stream
from support.fake_store import make_shop
from support.virtual_clock import START

PARENTS = Parents(stream="cards", table="testing.cards")


@dataclass
class Children:
    """A read that asks for each parent: one page a parent, the last one empty; goes on behind the parent in its cursor."""

    asked: list[int] = field(default_factory=list)

    async def read(self, api: Any, part: Any) -> AsyncIterator[Page]:  # noqa: ARG002
        async for rows in part.parents(after=part.cursor and part.cursor["parent"]):
            for row in rows:
                self.asked.append(row["id"])
                yield Page(rows=ListedRows([{"n": row["id"]}]), cursor={"parent": [row["id"]]}, last=False, asked_at=part.now)
        yield Page(rows=ListedRows([]), cursor=None, last=True, asked_at=part.now)


def family(*pages: Any, children: Children, parents: int = 3, **changes: Any) -> Bench:
    """A stream of cards that reads `pages` in a daily walk, and a stream of words about each card; only one feed is read at a time."""
    cards = make_stream(Script(list(pages)), name="cards", walk=timedelta(days=1))
    words = make_stream(Script([]), name="words", read=children.read, parents=PARENTS, **changes)
    bench = make_bench(words, cards, shops=[make_shop()], seats=asyncio.Semaphore(1))
    bench.store.parent_rows["testing.cards"] = [{"id": number + 1} for number in range(parents)]
    return bench


def of(bench: Bench, stream: str) -> Feed:
    return next(feed for feed in bench.store.feeds_by_id.values() if feed.stream == stream)


def verdicts(bench: Bench, run_id: int) -> dict[str, str]:
    return {bench.store.feeds_by_id[feed_id].stream: verdict.value for feed_id, verdict in bench.store.runs[run_id]["verdicts"].items()}


def outcomes(bench: Bench, stream: str) -> list[Any]:
    return [outcome for feed_id, outcome in bench.store.outcomes if feed_id == of(bench, stream).feed_id]


async def test_children_are_read_in_the_run_in_which_their_parents_are_walked() -> None:
    children = Children()
    bench = family(2, 2, children=children)
    await bench.tick()
    assert bench.store.shown == [("words", "cards"), ("words", None)]
    assert children.asked == [1, 2, 3]
    assert verdicts(bench, 1) == {"cards": "ok", "words": "ok"}
    assert bench.store.runs[1]["state"] is RunState.DONE


async def test_no_parents_after_a_whole_walk_are_no_reason_to_wait() -> None:
    children = Children()
    bench = family(1, children=children, parents=0)
    await bench.tick()
    assert (children.asked, verdicts(bench, 1)["words"]) == ([], "ok")


async def test_children_of_what_a_run_finds_are_read_in_the_same_run() -> None:
    children = Children()
    bench = family(1, children=children)
    await bench.tick()
    children.asked.clear()

    async def before_commit(work: Any, page: Page) -> None:  # noqa: ARG001
        if work.stream.name == "cards":
            await bench.clock.sleep(timedelta(seconds=10))
            bench.store.parent_rows["testing.cards"] = [{"id": 9}]

    bench.store.before_commit = before_commit
    await bench.clock.advance(timedelta(minutes=31))
    await bench.tick()
    await bench.clock.advance(timedelta(seconds=11))
    assert children.asked == [9]


async def test_a_list_that_is_there_is_not_waited_for_while_its_stream_is_snoozed() -> None:
    children = Children()
    errors: list[Exception] = []
    bench = family(1, errors, children=children)
    await bench.tick()
    children.asked.clear()
    errors.append(Snooze(START + timedelta(hours=9), "waits for content"))
    await bench.clock.advance(timedelta(minutes=31))
    await bench.tick()
    assert children.asked == [1, 2, 3]
    assert outcomes(bench, "words")[-1].verdict is FeedVerdict.OK


async def test_a_list_that_is_held_up_for_a_moment_is_waited_for() -> None:
    children = Children()
    pages: list[Any] = []
    bench = family(1, pages, children=children)
    await bench.tick()
    children.asked.clear()
    await bench.clock.advance(timedelta(minutes=31))
    pages.append(Snooze(bench.clock.now() + timedelta(seconds=20), "waits for content"))
    await bench.tick()
    assert children.asked == []
    bench.store.parent_rows["testing.cards"] = [{"id": 9}]
    await bench.clock.advance(timedelta(seconds=21))
    assert children.asked == [9]


async def test_a_list_that_is_there_is_not_waited_for_while_another_run_holds_its_stream() -> None:
    children = Children()
    errors: list[Exception] = []
    bench = family(1, errors, children=children)
    await bench.tick()
    errors.append(Snooze(START + timedelta(hours=9), "waits for content"))
    for streams in (("cards",), ()):
        bench.store.requests.append(RunRequest(request_id=1, shop_id=1, trigger=Trigger.MANUAL, mode=Mode.INCREMENTAL, streams=streams))
        children.asked.clear()
        await bench.tick()
    assert children.asked == [1, 2, 3]


async def test_reading_goes_on_behind_the_last_parent_that_is_complete() -> None:
    children = Children()
    bench = family(1, children=children)

    async def before_commit(work: Any, page: Page) -> None:
        if work.stream.name == "words" and page.cursor == {"parent": [2]} and bench.store.runs.get(2) is None:
            raise Transient("cut")

    bench.store.before_commit = before_commit
    await bench.tick()
    assert verdicts(bench, 1) == {"cards": "ok", "words": "failed"}
    committed = [cursor for feed_id, _, cursor in bench.store.commits if feed_id == of(bench, "words").feed_id]
    assert committed == [{"parent": [1]}]
    children.asked.clear()
    await bench.clock.advance(timedelta(seconds=31))
    await bench.tick()
    assert children.asked == [2, 3]
    assert of(bench, "words").state is FeedState.OK


async def test_parents_that_fail_leave_their_children_unread_and_wake_them_when_they_succeed() -> None:
    children = Children()
    bench = family(1, [Transient("reset")], children=children)
    await bench.tick()
    assert verdicts(bench, 1) == {"cards": "failed", "words": "failed"}
    assert bench.store.runs[1]["state"] is RunState.FAILED
    [outcome] = outcomes(bench, "words")
    assert outcome.reason == "waits for cards, which failed: reset"
    assert (outcome.attempts, outcome.waits_for, outcome.error) == (0, "cards", None)
    assert children.asked == []
    await bench.clock.advance(timedelta(seconds=31))
    await bench.tick()
    assert verdicts(bench, 2) == {"cards": "ok"}
    await bench.tick()
    assert verdicts(bench, 3) == {"words": "ok"}
    assert children.asked == [1, 2, 3]


async def test_children_of_parked_parents_are_parked_with_them_and_freed_by_their_walk() -> None:
    children = Children()
    bench = family([Forbidden("no right", capability="content")], children=children)
    await bench.tick()
    assert verdicts(bench, 1) == {"cards": "parked", "words": "parked"}
    [outcome] = outcomes(bench, "words")
    assert outcome.reason == "waits for cards, which is parked: no right"
    assert (outcome.state, outcome.park_capability) == (FeedState.PARKED, None)
    cards = of(bench, "cards")
    bench.store.feeds_by_id[cards.feed_id] = replace(cards, state=FeedState.PENDING, next_due_at=START)
    await bench.tick()
    await bench.tick()
    assert children.asked == [1, 2, 3]
    assert of(bench, "words").state is FeedState.OK


async def test_children_alone_in_a_run_say_what_is_missing_and_the_run_ends() -> None:
    children = Children()
    bench = family(1, children=children)
    await bench.store.plan_feeds(make_shop(), [("words", Lane.LIVE), ("cards", Lane.LIVE)], START)
    cards, words = of(bench, "cards"), of(bench, "words")
    bench.store.feeds_by_id[cards.feed_id] = replace(cards, next_due_at=START + timedelta(days=1))
    bench.store.feeds_by_id[words.feed_id] = replace(words, next_due_at=START + timedelta(days=1))
    wish = RunRequest(request_id=1, shop_id=1, trigger=Trigger.MANUAL, mode=Mode.SELECTIVE, streams=("words",))
    bench.store.requests.append(wish)
    await bench.tick()
    assert bench.store.runs[1]["state"] is RunState.FAILED
    [outcome] = outcomes(bench, "words")
    assert outcome.reason == "waits for cards, which is not part of this run"
    assert outcome.next_due_at == START + timedelta(days=1), "not before its parents are tried"
    assert outcome.verdict is FeedVerdict.FAILED


async def test_a_shop_without_the_parents_stream_says_so() -> None:
    children = Children()
    words = make_stream(Script([]), name="words", read=children.read, parents=PARENTS)
    bench = make_bench(words, shops=[make_shop()])
    await bench.tick()
    [outcome] = outcomes(bench, "words")
    assert outcome.reason == "waits for cards, which this shop does not have"


@pytest.mark.parametrize("fails", [False, True])
async def test_a_full_run_reads_the_parents_first_and_makes_do_with_those_it_knows(*, fails: bool) -> None:
    children = Children()
    errors: list[Exception] = []
    bench = family(1, errors, children=children)
    await bench.tick()
    children.asked.clear()
    bench.store.shown.clear()
    errors += [Transient("reset")] if fails else []
    bench.store.requests.append(RunRequest(request_id=1, shop_id=1, trigger=Trigger.MANUAL, mode=Mode.FULL))
    await bench.tick()
    assert bench.store.shown == [("words", "cards"), ("words", None)]
    assert children.asked == [1, 2, 3]
    assert verdicts(bench, 2) == {"cards": "failed" if fails else "ok", "words": "ok"}


async def test_while_the_parents_are_snoozed_their_children_hold_no_seat_and_are_not_stalled() -> None:
    children = Children()
    until = START + timedelta(hours=3)
    bench = family(1, [Snooze(until, "waits for content")], children=children)
    await bench.tick()
    assert bench.store.waits[-1] == (1, "waits for content")
    await bench.clock.advance(timedelta(hours=1))
    assert [stage.stream for stage in bench.tools.activity.stalled(timedelta(minutes=15))] == []
    assert {stage.stream: stage.reason for stage in bench.tools.activity} == {"words": "waits for cards", "cards": "waits for content"}
    await bench.clock.advance(timedelta(hours=2, minutes=1))
    assert children.asked == [1, 2, 3]
    assert bench.store.runs[1]["state"] is RunState.DONE


async def test_a_child_that_its_key_forbids_does_not_wait_to_say_so() -> None:
    children = Children()
    bench = family([Snooze(START + timedelta(hours=3), "waits")], children=children, capability="analytics")
    bench.store.known[0] = make_shop(identity={"capabilities": ["content"]})
    await bench.tick()
    assert outcomes(bench, "words")[0].park_capability == "analytics"


async def test_history_of_children_waits_too() -> None:
    children = Children()
    bench = family(1, children=children, backfill=timedelta(days=2))
    await bench.tick()
    assert sorted(children.asked) == [1, 1, 2, 2, 3, 3]
    assert {feed.state for feed in bench.store.feeds_by_id.values()} == {FeedState.OK, FeedState.DONE}
