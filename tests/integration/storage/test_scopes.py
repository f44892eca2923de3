"""Slices that marked what they saw: exactly their scope is swept, by the rules of a walk, and the feed moves when that is done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from mpsyncd.model.errors import BadData, EmptySnapshot, LeaseLost
from mpsyncd.model.feed import Feed, Lease
from mpsyncd.model.page import Page, Slice, SliceKind
from mpsyncd.model.run import Mode, Trigger
from mpsyncd.model.shop import CapabilityState
from mpsyncd.model.stream import Lane, Stream, Table, Write
from mpsyncd.model.work import NewSlice, Work
from mpsyncd.storage import history, planning
from mpsyncd.storage.pool import Database
from mpsyncd.storage.status import overview
from mpsyncd.storage.store import PostgresStore
from support.engine import ListedRows, Script, make_stream
from support.storage import FACTS, NOW, ONE, TTL, TWO, add_shop, execute, value

DAY = timedelta(days=1)
LONG_AGO = NOW - 30 * DAY
LIVE = "SELECT array_agg(srid ORDER BY srid) FROM wb.orders WHERE deleted_at IS NULL"


def within(part: Slice) -> dict[str, Any]:
    return {"date": (part.start, part.end)}


def orders(**changes: Any) -> Stream:
    table = Table(**{"name": "wb.orders", "key": ("srid",), "scope": within, **changes.pop("table", {})})
    return make_stream(Script([]), name="orders", tables=(table,), **changes)


SCOPED = orders()


def row(srid: str, day: datetime) -> dict[str, Any]:
    return {"srid": srid, "date": day.isoformat()}


@dataclass
class Desk:
    """A store with one shop and one feed in a run."""

    store: PostgresStore
    pool: Database
    lease: Lease
    feed: Feed
    run_id: int
    stream: Stream

    async def open(self, *new: NewSlice) -> list[Work]:
        """Write slices down, marked; return the work on each that is open."""
        marked = [replace(one, marked=self.stream.main.swept_by_slice) for one in new]
        await self.store.add_slices(self.lease, self.feed, self.run_id, marked, NOW)
        return await self.left()

    async def left(self) -> list[Work]:
        facts = {"lease": self.lease, "feed": self.feed, "run_id": self.run_id, "stream": self.stream}
        return [Work(open_slice=part, **facts) for part in await self.store.open_slices(self.feed)]  # type: ignore[arg-type]

    async def write(self, work: Work, *rows: dict[str, Any], last: bool = False, **changes: Any) -> None:
        facts = {"rows": ListedRows(list(rows)), "cursor": {"n": len(rows)}, "last": last, "asked_at": NOW, **changes}
        await self.store.commit(work, Page(**facts))

    async def known(self, *rows: dict[str, Any], at: datetime = LONG_AGO) -> None:
        """Rows that something else read."""
        plain = replace(self, stream=orders(table={"scope": None}))
        *_, work = await plain.open(NewSlice(kind=SliceKind.SINCE, start=LONG_AGO))
        await plain.write(work, *rows, last=True, asked_at=at)
        await execute(self.pool, "UPDATE mpsync.feeds SET cursor = NULL, complete_from = NULL, complete_until = NULL")

    async def live(self) -> list[str]:
        return list(await value(self.pool, LIVE) or ())


async def desk(pool: Database, stream: Stream = SCOPED, lane: Lane = Lane.BACKFILL) -> Desk:
    store = PostgresStore(pool, facts=FACTS, streams=[stream])
    shop = await add_shop(pool)
    [lease] = await store.hold(ONE, TTL)
    await store.plan_feeds(shop, [("orders", lane)], NOW)
    [feed] = await store.feeds(shop.shop_id)
    facts: dict[str, Any] = {"trigger": Trigger.SCHEDULE, "mode": Mode.INCREMENTAL, "request_id": None, "now": NOW}
    run_id = await store.open_run(lease, shop_id=shop.shop_id, feeds=[feed], **facts)
    return Desk(store=store, pool=pool, lease=lease, feed=feed, run_id=run_id, stream=stream)


def window(first: int, last: int, **changes: Any) -> NewSlice:
    """From so many days ago until so many days ago."""
    return NewSlice(**{"kind": SliceKind.WINDOW, "start": NOW - first * DAY, "end": NOW - last * DAY, **changes})


async def test_what_a_window_does_not_see_goes_and_what_lies_outside_stays(pool: Database) -> None:
    at = await desk(pool)
    await at.known(*(row(f"day{age}", NOW - age * DAY) for age in range(1, 6)), row("twice", NOW - 3 * DAY))
    [work] = await at.open(window(4, 2))
    await at.write(work, row("day4", NOW - 4 * DAY))
    await at.write(work, row("day3", NOW - 3 * DAY), last=True)
    assert await at.live() == ["day1", "day2", "day3", "day4", "day5", "twice"]
    done = await at.store.sweep(work, share=0.5)
    assert done.tombstoned == 1
    assert await at.live() == ["day1", "day2", "day3", "day4", "day5"], "the day on which the window ends is not its own"
    assert await value(pool, "SELECT (live, deleted)::text FROM mpsync.table_counts") == "(5,1)"
    assert await value(pool, "SELECT (pages, tombstoned)::text FROM mpsync.run_feeds") == "(3,1)"


async def test_a_feed_moves_when_the_scope_is_swept_and_not_before(pool: Database) -> None:
    at = await desk(pool, lane=Lane.LIVE)
    [work] = await at.open(NewSlice(kind=SliceKind.SINCE, start=NOW - DAY, end=NOW))
    await at.write(work, row("a", NOW), until=NOW - DAY / 2)
    await at.write(work, last=True, until=NOW, cursor={"n": 7})
    before = await at.store.feed(at.feed.feed_id)
    assert (before.complete_until, before.cursor) == (None, None)
    await at.store.sweep(work, share=0.5)
    after = await at.store.feed(at.feed.feed_id)
    assert (after.complete_from, after.complete_until, after.cursor) == (NOW - DAY, NOW, {"n": 7})
    assert after.last_walk_at is None
    assert await value(pool, "SELECT last_full_at FROM mpsync.feeds") is None


async def test_a_kill_between_the_last_page_and_the_sweep_costs_no_request(pool: Database) -> None:
    at = await desk(pool)
    await at.known(row("gone", NOW - DAY), row("there", NOW - DAY))
    [work] = await at.open(window(2, 0))
    await at.write(work, row("there", NOW - DAY), last=True)
    await execute(pool, "UPDATE mpsync.leases SET expires_at = now() - interval '1 second'")
    successor = replace(at, store=PostgresStore(pool, facts=FACTS, streams=[SCOPED]))
    [successor.lease] = await successor.store.hold(TWO, TTL)
    with pytest.raises(LeaseLost):
        await at.store.sweep(work, share=0.5)
    [left] = await successor.left()
    assert (left.open_slice.walked, left.open_slice.walk_id) == (True, work.open_slice.walk_id)
    await successor.store.sweep(left, share=0.5)
    assert await at.live() == ["there"]
    assert await successor.left() == []


async def test_a_kill_between_pages_forgets_no_mark(pool: Database) -> None:
    at = await desk(pool)
    await at.known(*(row(name, NOW - DAY) for name in ("first", "second", "gone")))
    [work] = await at.open(window(2, 0))
    await at.write(work, row("first", NOW - DAY))
    again = replace(at, store=PostgresStore(pool, facts=FACTS, streams=[SCOPED]))
    [left] = await again.left()
    assert left.open_slice.slice.cursor == {"n": 1}
    await again.write(left, row("second", NOW - DAY), last=True)
    await again.store.sweep(left, share=0.5)
    assert await at.live() == ["first", "second"]


async def test_a_scope_that_came_back_empty_is_a_suspicion_unless_nothing_lived_there(pool: Database) -> None:
    at = await desk(pool)
    await at.known(row("a", NOW - DAY), row("b", NOW - 5 * DAY))
    first, second = await at.open(window(2, 0), window(4, 2))
    await at.write(second, last=True)
    await at.store.sweep(second, share=0.5)
    await at.write(first, last=True)
    with pytest.raises(EmptySnapshot, match=r"vendor's list for date .* came back empty while 1 rows live here"):
        await at.store.sweep(first, share=0.5)
    assert await at.live() == ["a", "b"]
    await at.store.sweep(replace(first, force=True), share=0.5)
    assert await at.live() == ["b"]


@pytest.mark.parametrize("rows, seen, suspicious", [(19, 1, False), (20, 10, False), (20, 9, True)])
async def test_the_share_that_may_go_is_one_of_the_rows_of_the_scope(pool: Database, *, rows: int, seen: int, suspicious: bool) -> None:
    at = await desk(pool)
    await at.known(*(row(f"in{n}", NOW - DAY) for n in range(rows)), *(row(f"out{n}", NOW - 9 * DAY) for n in range(100)))
    [work] = await at.open(window(2, 0))
    await at.write(work, *(row(f"in{n}", NOW - DAY) for n in range(seen)), last=True)
    if suspicious:
        with pytest.raises(EmptySnapshot, match=f"{rows - seen} of {rows} rows are missing"):
            await at.store.sweep(work, share=0.5)
    else:
        assert (await at.store.sweep(work, share=0.5)).tombstoned == rows - seen


async def test_rows_without_a_readable_key_hold_the_sweep_back(pool: Database) -> None:
    at = await desk(pool)
    await at.known(row("a", NOW - DAY), row("b", NOW - DAY))
    [work] = await at.open(window(2, 0))
    await at.write(work, row("a", NOW - DAY), {"date": NOW.isoformat()}, last=True)
    assert (await at.store.sweep(work, share=0.9)).tombstoned == 0
    assert await at.live() == ["a", "b"]
    assert await at.left() == []


async def test_marks_that_a_crash_of_the_database_took_void_the_slice(pool: Database) -> None:
    at = await desk(pool)
    [work] = await at.open(window(2, 0))
    await at.write(work, row("a", NOW - DAY), last=True)
    await execute(pool, "TRUNCATE mpsync.walk_seen")
    with pytest.raises(BadData):
        await at.store.sweep(work, share=0.5)


async def test_a_slice_begins_anew_as_it_was_among_those_of_its_time_and_behind_them(pool: Database) -> None:
    at = await desk(pool)
    await at.known(row("gone", NOW - DAY))
    first, second = await at.open(window(2, 0), window(4, 2))
    await at.write(first, row("other", NOW - DAY), share=0.5)
    await at.store.restart_slice(at.lease, at.feed, first.open_slice.slice, NOW + DAY)
    with pytest.raises(LeaseLost):
        await at.write(first, last=True)
    other, anew = await at.left()
    assert other == second
    part, was = anew.open_slice.slice, first.open_slice.slice
    assert (part.start, part.end, part.key, part.cursor, part.now) == (was.start, was.end, was.key, None, was.now)
    assert anew.open_slice.walk_id not in {None, first.open_slice.walk_id, second.open_slice.walk_id}
    await at.write(anew, row("there", NOW - DAY), last=True, asked_at=NOW + DAY)
    await at.store.sweep(anew, share=1)
    assert await at.live() == ["there"], "marks of the first reading do not count"


async def test_what_was_written_between_the_plan_and_the_first_page_goes_and_what_came_later_stays(pool: Database) -> None:
    at = await desk(pool)
    [work] = await at.open(window(2, 0))
    await at.known(row("between", NOW - DAY), at=NOW + DAY)
    await at.write(work, row("there", NOW - DAY), asked_at=NOW + 2 * DAY)
    await at.known(row("later", NOW - DAY), at=NOW + 3 * DAY)
    await at.write(work, last=True, asked_at=NOW + 4 * DAY)
    await at.store.sweep(work, share=1)
    assert await at.live() == ["later", "there"]


async def test_a_manual_range_sweeps_its_scope_and_moves_nothing(pool: Database) -> None:
    at = await desk(pool)
    await at.known(row("a", NOW - DAY), row("gone", NOW - DAY), row("b", NOW - 5 * DAY))
    [work] = await at.open(window(2, 0, key={"manual": True}))
    await at.write(work, row("a", NOW - DAY), last=True, until=NOW)
    await at.store.sweep(work, share=0.5)
    assert await at.live() == ["a", "b"]
    feed = await at.store.feed(at.feed.feed_id)
    assert (feed.cursor, feed.complete_from, feed.complete_until) == (None, None, None)


async def test_a_walk_of_such_a_table_sweeps_all_of_it(pool: Database) -> None:
    at = await desk(pool, lane=Lane.LIVE)
    await at.known(row("a", NOW - DAY), row("old", NOW - 99 * DAY))
    [work] = await at.open(NewSlice(kind=SliceKind.WALK))
    await at.write(work, row("a", NOW - DAY), last=True)
    await at.store.sweep(work, share=0.5)
    assert await at.live() == ["a"]


# Progress


async def test_a_window_that_waits_for_its_sweep_is_one_window_read_and_not_nearly_all(pool: Database) -> None:
    at = await desk(pool)
    first, *_ = await at.open(*(window(age + 1, age) for age in range(4)))
    await at.write(first, last=True)
    assert await _progress(at) == 0.25
    await at.store.sweep(first, share=0.5)
    assert await _progress(at) == 0.25


async def test_a_slice_without_time_is_measured_by_the_share_it_tells_and_is_never_whole(pool: Database) -> None:
    at = await desk(pool, lane=Lane.LIVE)
    [work] = await at.open(NewSlice(kind=SliceKind.WALK))
    assert await _progress(at) is None
    told = []
    for share in (0.25, 0.2, 1.0):
        await at.write(work, share=share)
        told.append(await _progress(at))
    assert told == [0.25, 0.25, 0.99]


async def test_shares_of_slices_of_time_weigh_as_their_time_does(pool: Database) -> None:
    at = await desk(pool)
    first, second = await at.open(window(1, 0), window(4, 1))
    await at.write(first, share=0.5)
    assert await _progress(at) == pytest.approx(0.125)
    await at.write(second, share=0.5)
    assert await _progress(at) == pytest.approx(0.5)
    await at.write(second)
    assert await _progress(at) == pytest.approx(0.5), "a page that tells no share takes none back"


async def _progress(at: Desk) -> float | None:
    async with at.pool.connection() as connection:
        [feed] = (await history.show_run(connection, at.run_id)).feeds
    [shop] = (await overview(at.pool)).shops
    assert shop.percent < 100
    return feed.progress


# Slices that come back without any row


@pytest.mark.parametrize("known", ["by scope", "by day"])
async def test_nothing_where_rows_live_is_a_suspicion(pool: Database, known: str) -> None:
    wary = orders(suspect_empty=True, day="date", table={"write": Write.REPLACE} if known == "by scope" else {"scope": None})
    at = await desk(pool, wary)
    await at.known(row("a", NOW - DAY))
    first, second = await at.open(window(2, 0), window(4, 2))
    await at.write(second)
    await at.write(second, last=True)
    await at.write(first)
    with pytest.raises(EmptySnapshot, match="gave nothing for the time from 2026-11-19 12:00 to 2026-11-21 12:00 UTC"):
        await at.write(first, last=True)
    [left] = await at.left()
    assert left.open_slice.slice.slice_id == first.open_slice.slice.slice_id
    await at.write(replace(first, force=True), last=True)
    assert await at.left() == []


async def test_a_slice_with_a_row_on_any_page_is_no_suspicion_not_even_with_a_bad_one(pool: Database) -> None:
    at = await desk(pool, orders(suspect_empty=True, day="date", table={"scope": None}))
    await at.known(row("a", NOW - DAY))
    first, second = await at.open(window(2, 0), window(2, 0))
    await at.write(first, row("b", NOW - DAY))
    await at.write(first, last=True)
    await at.write(second, {"srid": "c", "date": "no day"}, last=True)
    assert await at.left() == []


# The quicker way through history


async def test_a_refused_shortcut_is_remembered_and_its_slices_are_forgotten(pool: Database) -> None:
    at = await desk(pool)
    await at.open(window(9, 0, key={"shortcut": "jam"}))
    assert not await at.store.lacks(at.feed.shop_id, "jam")
    await at.store.refuse_shortcut(at.lease, at.feed, capability="jam", reason="no subscription")
    assert await at.store.lacks(at.feed.shop_id, "jam")
    async with pool.connection() as connection:
        assert (await planning.known(connection, at.feed.shop_id)).lacks == {"jam"}
    assert await at.left() == []
    [shop] = (await overview(pool)).shops
    assert shop.capabilities == {"jam": (CapabilityState.MISSING, "no subscription")}


async def test_a_shortcut_that_was_gone_to_its_end_is_there_again(pool: Database) -> None:
    at = await desk(pool, orders(table={"scope": None}))
    await at.store.refuse_shortcut(at.lease, at.feed, capability="jam", reason="no subscription")
    [work] = await at.open(window(9, 0, key={"shortcut": "jam"}))
    await at.write(work, last=True)
    assert not await at.store.lacks(at.feed.shop_id, "jam")
