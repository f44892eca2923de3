"""Runs and requests: verdicts, cancelling, refusals."""

import asyncio
from datetime import datetime, timedelta

import pytest

from mpsyncd.model.errors import NotThere, Refused
from mpsyncd.model.run import FeedVerdict, Mode, RunState, Trigger
from mpsyncd.model.stream import Lane
from mpsyncd.model.work import Committed
from mpsyncd.storage import requests, runs, shop_status
from mpsyncd.storage.pool import Database
from support.storage import NOW, ONE, TWO, add_shop, execute, hold, open_run, plan, value

LATER = NOW + timedelta(minutes=1)


async def test_a_run_ends_with_the_verdict_of_its_feeds(pool: Database) -> None:
    shop = await add_shop(pool)
    planned = await plan(pool, shop, ("orders", Lane.LIVE), ("cards", Lane.LIVE))
    run_id = await open_run(pool, shop, *planned)
    await execute(pool, "UPDATE mpsync.run_feeds SET verdict = 'ok' WHERE feed_id = $1", planned[0].feed_id)
    await execute(pool, "UPDATE mpsync.run_feeds SET verdict = 'failed' WHERE feed_id = $1", planned[1].feed_id)
    async with pool.connection() as connection:
        assert await runs.close(connection, run_id, LATER) is RunState.PARTLY
        assert await runs.close(connection, run_id, LATER, RunState.CANCELLED) is RunState.PARTLY
    assert await value(pool, "SELECT ended_at FROM mpsync.runs") == LATER


async def test_a_waiting_run_says_for_what(pool: Database) -> None:
    shop = await add_shop(pool)
    run_id = await open_run(pool, shop, *await plan(pool, shop, ("orders", Lane.LIVE)))
    async with pool.connection() as connection:
        await runs.waits(connection, run_id, "next token in 14 s", LATER)
        assert (
            await value(pool, "SELECT (state, reason, waits_until)::text FROM mpsync.runs")
            == f'(waiting,"next token in 14 s","{LATER:%Y-%m-%d %H:%M:%S}+00")'
        )
        await runs.waits(connection, run_id, None, None)
        assert await value(pool, "SELECT state = 'running' AND reason IS NULL FROM mpsync.runs")


async def test_commits_are_counted_in_the_run(pool: Database) -> None:
    shop = await add_shop(pool)
    [feed] = await plan(pool, shop, ("orders", Lane.LIVE))
    run_id = await open_run(pool, shop, feed)
    async with pool.connection() as connection:
        for _ in range(2):
            await runs.count(connection, run_id, feed.feed_id, Committed(seen=9, inserted=4, updated=3, tombstoned=1, rejected=1), pages=1)
    row = await value(
        pool, "SELECT (pages, seen, inserted, updated, tombstoned, rejected)::text FROM mpsync.run_feeds WHERE moved_at IS NOT NULL"
    )
    assert row == "(2,18,8,6,2,2)"


async def test_cancelling_is_left_to_the_daemon_that_lives(pool: Database) -> None:
    shop = await add_shop(pool)
    [feed] = await plan(pool, shop, ("orders", Lane.LIVE))
    await hold(pool, ONE)
    run_id = await open_run(pool, shop, feed)
    async with pool.connection() as connection:
        assert not await runs.cancel(connection, run_id, LATER)
        assert await runs.cancelled(connection, ONE) == {run_id}
        assert await runs.cancelled(connection, TWO) == frozenset()
        assert await runs.close(connection, run_id, LATER, RunState.CANCELLED) is RunState.CANCELLED
        assert await runs.cancelled(connection, ONE) == frozenset()
        with pytest.raises(Refused, match="has ended already"):
            await runs.cancel(connection, run_id, LATER)
        with pytest.raises(NotThere):
            await runs.cancel(connection, 99, LATER)
    assert await value(pool, "SELECT verdict FROM mpsync.run_feeds") == FeedVerdict.CANCELLED
    # It does not begin again by itself at the next tick.
    assert await value(pool, "SELECT next_due_at FROM mpsync.feeds") > LATER + timedelta(minutes=20)


async def test_a_run_whose_daemon_is_gone_is_closed_on_the_spot(pool: Database) -> None:
    shop = await add_shop(pool)
    run_id = await open_run(pool, shop, *await plan(pool, shop, ("orders", Lane.LIVE)), daemon=TWO)
    async with pool.connection() as connection:
        assert await runs.cancel(connection, run_id, LATER)
    assert await value(pool, "SELECT state FROM mpsync.runs") == "cancelled"


async def test_a_request_is_taken_by_the_holder_once_and_linked_to_its_run(pool: Database) -> None:
    shop = await add_shop(pool)
    [feed] = await plan(pool, shop, ("orders", Lane.LIVE))
    await hold(pool, ONE)
    async with pool.connection() as connection:
        wish = {"shop_id": shop.shop_id, "mode": Mode.SELECTIVE, "streams": ["orders"], "start": NOW - timedelta(days=2), "end": NOW}
        request_id = await requests.create(connection, requested_by="me", **wish)  # type: ignore[arg-type]
        assert await requests.create(connection, requested_by="me again", **wish) == request_id  # type: ignore[arg-type]
        assert await requests.take(connection, TWO) == []
        [taken] = await requests.take(connection, ONE)
        assert (taken.mode, taken.streams, taken.end, taken.trigger) == (Mode.SELECTIVE, ("orders",), NOW, Trigger.MANUAL)
        run_id = await open_run(pool, shop, feed, request_id=request_id)
        assert (await requests.show(connection, request_id)).run_id == run_id
        with pytest.raises(Refused, match=f"became run {run_id}"):
            await requests.withdraw(connection, request_id, by="me")


async def test_equal_requests_at_the_same_time_are_one(pool: Database) -> None:
    shop = await add_shop(pool)

    async def ask() -> int:
        async with pool.connection() as connection:
            return await requests.create(connection, shop_id=shop.shop_id, mode=Mode.FULL, requested_by="me")

    assert len(set(await asyncio.gather(*(ask() for _ in range(6))))) == 1


async def test_a_request_that_nobody_took_can_be_withdrawn(pool: Database) -> None:
    shop = await add_shop(pool)
    async with pool.connection() as connection:
        request_id = await requests.create(connection, shop_id=shop.shop_id, mode=Mode.FULL, requested_by="me")
        await requests.withdraw(connection, request_id, by="me")
        [view] = await requests.list_requests(connection, shop_id=shop.shop_id)
        assert view.refused == "withdrawn by me"
        with pytest.raises(NotThere):
            await requests.withdraw(connection, 99, by="me")


async def test_a_request_for_a_shop_that_stopped_is_refused_with_the_reason(pool: Database) -> None:
    shop = await add_shop(pool)
    async with pool.connection() as connection:
        request_id = await requests.create(connection, shop_id=shop.shop_id, mode=Mode.FULL, requested_by="me")
        await shop_status.set_paused(connection, shop.shop_id, paused=True)
        assert await requests.take(connection, ONE) == []
        assert (await requests.show(connection, request_id)).refused == "the shop is paused"
        with pytest.raises(Refused, match=r"is paused\. Let it go on"):
            await requests.create(connection, shop_id=shop.shop_id, mode=Mode.FULL, requested_by="me")
        await shop_status.set_paused(connection, shop.shop_id, paused=False)
        await shop_status.disable(connection, shop.shop_id, "the key was withdrawn")
        with pytest.raises(Refused, match=r"is disabled: the key was withdrawn\. Give it a new key"):
            await requests.create(connection, shop_id=shop.shop_id, mode=Mode.FULL, requested_by="me")
        with pytest.raises(NotThere, match="no shop with the id 99"):
            await requests.create(connection, shop_id=99, mode=Mode.FULL, requested_by="me")


@pytest.mark.parametrize(
    "mode,streams,start,end,why",
    [
        (Mode.SELECTIVE, [], None, None, "needs the streams"),
        (Mode.INCREMENTAL, ["ordrs"], None, None, "Did you mean 'orders'"),
        (Mode.INCREMENTAL, [], None, NOW, "first day too"),
        (Mode.INCREMENTAL, [], NOW, NOW, "ends before it begins"),
        (Mode.INCREMENTAL, [], datetime(2026, 1, 1), None, "time zone"),  # noqa: DTZ001 - the point of it
    ],
)
async def test_a_wish_that_contradicts_itself_is_refused(
    pool: Database, *, mode: Mode, streams: list[str], start: datetime | None, end: datetime | None, why: str
) -> None:
    shop = await add_shop(pool)
    await plan(pool, shop, ("orders", Lane.LIVE))
    async with pool.connection() as connection:
        with pytest.raises(Refused, match=why):
            await requests.create(connection, shop_id=shop.shop_id, mode=mode, streams=streams, start=start, end=end, requested_by="me")
