"""Reloads as they are asked for, kept and shown, and due times by another schedule."""

from datetime import timedelta

import pytest

from mpsyncd.model.errors import NotThere
from mpsyncd.model.reload import ReloadOutcome
from mpsyncd.model.stream import Lane
from mpsyncd.storage import reload
from mpsyncd.storage.pool import Database
from mpsyncd.storage.reschedule import reschedule, settled
from support.storage import NOW, ONE, TWO, add_shop, execute, hold, open_run, plan, value

OUTCOME = ReloadOutcome(state="refused", problems=("needs a restart: database.dsn",), at=NOW)


async def test_a_reload_answers_everybody_who_asked_for_it(pool: Database) -> None:
    async with pool.connection() as connection:
        first, second = await reload.ask(connection, ONE, by="cli:a"), await reload.ask(connection, ONE, by="cli:b")
        foreign = await reload.ask(connection, TWO, by="cli:c")
        waiting = await reload.asked(connection, ONE)
        assert [(each.request_id, each.requested_by) for each in waiting] == [(first, "cli:a"), (second, "cli:b")]
        assert await reload.answered(connection, first) is None
        started = NOW - timedelta(seconds=1)
        number = await reload.record(
            connection, ONE, OUTCOME, asked_by=["cli:a", "cli:b", "signal"], requests=[first, second], started_at=started
        )
        assert await reload.asked(connection, ONE) == []
        assert [each.request_id for each in await reload.asked(connection, TWO)] == [foreign]
        view = await reload.answered(connection, second)
        assert view is not None
        assert (view.run_id, view.asked_by, view.started_at, view.outcome) == (number, ("cli:a", "cli:b", "signal"), started, OUTCOME)
        assert await reload.list_reloads(connection) == [view]
        assert await reload.list_reloads(connection, before=number) == []
        with pytest.raises(NotThere, match=f"no reload {number + 1}"):
            await reload.show_reload(connection, number + 1)


async def test_reloads_and_runs_share_their_numbers(pool: Database) -> None:
    shop = await add_shop(pool)
    run = await open_run(pool, shop)
    async with pool.connection() as connection:
        number = await reload.record(connection, ONE, OUTCOME, asked_by=["signal"], requests=[], started_at=NOW)
    assert (number, await open_run(pool, shop)) == (run + 1, run + 2)


async def test_old_reloads_are_forgotten_with_their_requests(pool: Database) -> None:
    async with pool.connection() as connection:
        answered, left = await reload.ask(connection, ONE, by="cli:a"), await reload.ask(connection, TWO, by="cli:b")
        await reload.record(connection, ONE, OUTCOME, asked_by=["cli:a"], requests=[answered], started_at=NOW)
        await execute(pool, "UPDATE mpsync.reloads SET ended_at = now() - interval '2 days'")
        await execute(pool, "UPDATE mpsync.reload_requests SET requested_at = now() - interval '2 days'")
        await reload.forget_old(connection, timedelta(days=3))
        assert await value(pool, "SELECT count(*) FROM mpsync.reload_requests") == 2
        await reload.forget_old(connection, timedelta(days=1))
        assert await value(pool, "SELECT count(*) FROM mpsync.reload_requests") == 0
        assert await value(pool, "SELECT count(*) FROM mpsync.reloads") == 0
        assert left


async def test_only_feeds_that_wait_for_their_next_time_get_another_one(pool: Database) -> None:
    shop, foreign = await add_shop(pool, "north"), await add_shop(pool, "south")
    live, back, other = await plan(pool, shop, ("orders", Lane.LIVE), ("orders", Lane.BACKFILL), ("cards", Lane.LIVE))
    await plan(pool, foreign, ("orders", Lane.LIVE))
    await execute(pool, "UPDATE mpsync.feeds SET state = 'ok', last_success_at = $1, next_due_at = $2", NOW, NOW + timedelta(hours=1))
    await hold(pool, ONE)
    await execute(pool, "UPDATE mpsync.leases SET holder = $1 WHERE lease_group = 'wildberries:south'", TWO)
    async with pool.connection() as connection:
        [found] = await settled(connection, ONE, [("wildberries", "orders")])
        assert (found.feed_id, found.shop.shop_id, found.settled_at, found.failed) == (live.feed_id, shop.shop_id, NOW, False)
        sooner = NOW + timedelta(minutes=10)
        await reschedule(connection, {live.feed_id: (found.next_due_at, sooner), other.feed_id: (NOW, sooner)})
        due = {row["feed_id"]: row["next_due_at"] for row in await connection.fetch("SELECT feed_id, next_due_at FROM mpsync.feeds")}
        assert due[live.feed_id] == sooner
        assert due[other.feed_id] == due[back.feed_id] == NOW + timedelta(hours=1)
        for state in ("pending", "snoozed", "parked"):
            await execute(pool, "UPDATE mpsync.feeds SET state = $1", state)
            assert await settled(connection, ONE, [("wildberries", "orders")]) == []
        await execute(pool, "UPDATE mpsync.feeds SET state = 'failed', last_success_at = NULL, error_at = $1", NOW)
        assert [each.failed for each in await settled(connection, ONE, [("wildberries", "orders")])] == [True]
