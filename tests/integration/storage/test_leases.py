"""Leases: contention, renewal, takeover with its consequences, release."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from mpsyncd.model.errors import LeaseLost, StorageUnavailable
from mpsyncd.model.run import Mode, Trigger
from mpsyncd.model.stream import Lane
from mpsyncd.storage import leases, requests, runs, shop_status
from mpsyncd.storage.nudge import CHANNEL
from mpsyncd.storage.pool import Database, PoolOptions, open_database
from support.processes import until
from support.storage import NOW, ONE, TTL, TWO, add_shop, execute, hold, plan, value

EXPIRE = "UPDATE mpsync.leases SET expires_at = now() - interval '1 second'"


async def test_two_daemons_share_groups_and_never_one_group(pool: Database) -> None:
    for number in range(12):
        await add_shop(pool, f"shop {number}")
    for _ in range(5):
        first, second = await asyncio.gather(hold(pool, ONE), hold(pool, TWO))
        held = [lease.group for lease in first], [lease.group for lease in second]
        assert not set(held[0]) & set(held[1])
    assert len(held[0]) + len(held[1]) == 12
    assert await value(pool, "SELECT count(DISTINCT fence) FROM mpsync.leases") == 1


async def test_shops_that_share_a_seller_are_one_group(pool: Database) -> None:
    await add_shop(pool, "north", seller="a")
    await add_shop(pool, "south", seller="a")
    assert [lease.group for lease in await hold(pool)] == ["wildberries:a"]


async def test_a_renewal_keeps_the_fence_and_a_takeover_raises_it(pool: Database) -> None:
    await add_shop(pool)
    [first] = await hold(pool, ONE)
    [again] = await hold(pool, ONE)
    assert (again.fence, again.expires_at >= first.expires_at) == (first.fence, True)
    assert await hold(pool, TWO) == []
    await execute(pool, EXPIRE)
    [taken] = await hold(pool, TWO)
    assert taken.fence == first.fence + 1
    assert await hold(pool, ONE) == []


async def test_an_expired_lease_that_nobody_took_is_simply_renewed(pool: Database) -> None:
    await add_shop(pool)
    [first] = await hold(pool, ONE)
    await execute(pool, EXPIRE)
    [again] = await hold(pool, ONE)
    assert again.fence == first.fence


async def test_a_shop_that_is_not_worked_is_not_leased(pool: Database) -> None:
    shop = await add_shop(pool)
    async with pool.connection() as connection:
        await shop_status.set_paused(connection, shop.shop_id, paused=True)
    assert await hold(pool) == []


async def test_a_takeover_interrupts_runs_and_frees_requests(pool: Database) -> None:
    shop = await add_shop(pool)
    [feed] = await plan(pool, shop, ("orders", Lane.LIVE))
    await hold(pool, ONE)
    async with pool.connection() as connection:
        run_id = await runs.open_run(
            connection,
            shop_id=shop.shop_id,
            daemon=ONE,
            trigger=Trigger.SCHEDULE,
            mode=Mode.INCREMENTAL,
            feed_ids=[feed.feed_id],
            request_id=None,
            now=NOW,
        )
        request_id = await requests.create(connection, shop_id=shop.shop_id, mode=Mode.FULL, requested_by="me")
        assert [one.request_id for one in await requests.take(connection, ONE)] == [request_id]
        assert await requests.take(connection, ONE) == []
    await execute(pool, EXPIRE)
    await hold(pool, TWO)
    assert await value(pool, "SELECT state FROM mpsync.runs WHERE run_id = $1 AND ended_at IS NOT NULL", run_id) == "interrupted"
    async with pool.connection() as connection:
        assert [one.request_id for one in await requests.take(connection, TWO)] == [request_id]


async def test_a_group_with_a_commit_in_hand_is_not_taken_and_renewals_do_not_wait(pool: Database) -> None:
    shop = await add_shop(pool)
    [lease] = await hold(pool, ONE)
    async with pool.transaction() as connection:
        await leases.check_fence(connection, lease, shop.shop_id)
        assert len(await hold(pool, ONE)) == 1
        await execute(pool, EXPIRE)
        assert await hold(pool, TWO) == []
    assert len(await hold(pool, TWO)) == 1


async def test_what_a_frozen_holder_has_in_hand_is_rolled_back_when_its_lease_is_long_over(pool: Database, database: str) -> None:
    """In the middle of a COPY, where no timeout of PostgreSQL ends a session that waits for its client."""
    shop = await add_shop(pool)
    [lease] = await hold(pool, ONE)
    copying, ended = asyncio.Event(), asyncio.Event()

    async def frozen_rows() -> AsyncIterator[bytes]:
        yield b"1\n"
        copying.set()
        await ended.wait()

    async def commit() -> None:
        async with (
            open_database(database, PoolOptions(application_name=leases.connection_name(ONE))) as own,
            own.transaction() as connection,
        ):
            await leases.check_fence(connection, lease, shop.shop_id)
            await connection.execute("CREATE TEMPORARY TABLE page (number int)")
            await connection.copy_to_table("page", source=frozen_rows(), format="text")

    task = asyncio.create_task(commit())
    await asyncio.wait_for(copying.wait(), 10)
    await execute(pool, EXPIRE)
    assert await hold(pool, TWO) == []
    await execute(pool, "UPDATE mpsync.leases SET expires_at = now() - $1::interval", TTL * 2)

    async def taken_over() -> bool:
        return len(await hold(pool, TWO)) == 1

    await until(taken_over, what="the takeover", within=10)
    ended.set()
    with pytest.raises(StorageUnavailable):
        await task


async def test_the_old_holder_is_fenced_out(pool: Database) -> None:
    shop = await add_shop(pool)
    [lease] = await hold(pool, ONE)
    await execute(pool, EXPIRE)
    await hold(pool, TWO)
    with pytest.raises(LeaseLost):
        async with pool.transaction() as connection:
            await leases.check_fence(connection, lease, shop.shop_id)


async def test_a_shop_being_removed_is_fenced_off_and_removal_waits_for_the_commit(pool: Database) -> None:
    shop = await add_shop(pool)
    [lease] = await hold(pool)

    async def remove() -> None:
        async with pool.connection() as connection:
            await shop_status.remove(connection, shop.shop_id)

    async with pool.transaction() as connection:
        await leases.check_fence(connection, lease, shop.shop_id)
        removal = asyncio.create_task(remove())
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        async with asyncio.timeout(20):
            while not await value(pool, waiting):
                await asyncio.sleep(0.01)
        assert not removal.done()
    await removal
    with pytest.raises(LeaseLost):
        async with pool.transaction() as connection:
            await leases.check_fence(connection, lease, shop.shop_id)


async def test_release_gives_everything_back_at_once_and_wakes_the_others(pool: Database) -> None:
    await add_shop(pool)
    [first] = await hold(pool, ONE)
    woken = asyncio.Event()

    def heard(*_: object) -> None:
        woken.set()

    async with pool.connection() as listening:
        await listening.add_listener(CHANNEL, heard)
        async with pool.transaction() as connection:
            await leases.release(connection, ONE)
        async with asyncio.timeout(20):
            await woken.wait()
        await listening.remove_listener(CHANNEL, heard)
    [taken] = await hold(pool, TWO)
    assert taken.fence == first.fence + 1
    assert await value(pool, "SELECT gone_at IS NOT NULL FROM mpsync.daemons WHERE daemon_id = $1", ONE)


async def test_the_only_possible_daemon_takes_all_at_once(pool: Database) -> None:
    await add_shop(pool)
    await hold(pool, ONE, timedelta(hours=1))
    async with pool.transaction() as connection:
        await leases.release_all(connection)
    assert len(await hold(pool, TWO, TTL)) == 1
