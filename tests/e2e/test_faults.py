"""Everything that the sandbox can do wrong during a first load. In the end all is true."""

from dataclasses import replace
from typing import Any

import pytest

from mpsyncd.model.run import Mode
from mpsyncd.sandbox import Category, Fault, FaultKind, SellerSpec, TokenType
from mpsyncd.sources.wildberries.source import WILDBERRIES
from support.loads import (
    BEYOND_CORE,
    CORE,
    CORE_TABLES,
    LIVE_PAGES,
    SELLER,
    World,
    ask,
    equal_in_the_end,
    explained,
    loaded,
    new_world,
    one,
    repeats,
    rows_of,
    run,
    unread,
)
from support.processes import Install, Installation, until

ORDERS, LIST, TRASH = "/api/v1/supplier/orders", "/content/v2/get/cards/list", "/content/v2/get/cards/trash"
PATHS = (ORDERS, LIST, TRASH)
ELSEWHERE = {
    *(FaultKind.TOO_MANY, FaultKind.GLOBAL_LIMIT, FaultKind.REVOKED, FaultKind.BASE_REFUSED),
    *(FaultKind.REPEATED_PAGE, FaultKind.UNKNOWN_FIELDS, FaultKind.CHANGED_TYPES),
    *(FaultKind.NO_CONTENT, FaultKind.UNKNOWN_VALUES, FaultKind.HEAVY_BATCH, FaultKind.JAM_LOST),
    *(FaultKind.SNAPSHOT_EXPIRED, FaultKind.REPORT_FAILED, FaultKind.REPORT_RETRY, FaultKind.NULL_LISTS),
    *(FaultKind.EMPTY_BODY, FaultKind.NOT_IN_TARIFF, FaultKind.HOOK_LOST, FaultKind.HOOK_DOUBLED, FaultKind.HOOK_LATE),
}
"""Kinds with tests of their own, here and in test_limits and test_core_and_money, or Kaiten's."""
TRIES, MORE_THAN_TRIES = 2, 3
QUICKEST = 10_000
CASES: dict[FaultKind, dict[str, Any]] = {
    FaultKind.SERVER_ERROR: {"count": MORE_THAN_TRIES, "status": 503},
    FaultKind.RESET: {"count": MORE_THAN_TRIES},
    FaultKind.STALL: {"count": 2, "pause": 20},
    FaultKind.TRUNCATED: {"count": MORE_THAN_TRIES},
    FaultKind.HTML: {"count": MORE_THAN_TRIES},
    FaultKind.EMPTY_PAGE: {"count": 1},  # twice in a row is believed
    FaultKind.TRICKLE: {"count": 3, "pause": 0.1},
}

SLOW = {'sources__wildberries__limits__"statistics.orders"': {"limit": 1, "per": "300 s", "burst": 1}}
FAILED = """
SELECT f.stream, v.reason FROM mpsync.run_feeds v JOIN mpsync.runs r USING (run_id) JOIN mpsync.feeds f USING (feed_id)
WHERE r.mode = 'full' AND v.verdict = 'failed'
"""
NEIGHBOUR = SellerSpec(name="neighbour", title="ИП Сосед", cards=30, trashed=5, orders=150)


def test_every_kind_of_fault_has_a_test() -> None:
    assert CASES.keys() | ELSEWHERE == set(FaultKind)


async def strike(world: World, kind: FaultKind, **details: Any) -> None:
    world.arm(*(Fault(kind=kind, path=path, **details) for path in PATHS))


@pytest.mark.parametrize("kind", CASES)
async def test_what_passes_is_survived(world: World, install: Install, database: str, kind: FaultKind) -> None:
    installation = install(world.url, dsn=database, transport={"read_timeout": "700 ms", "tries": TRIES})
    shop = await installation.add_shop("seller", world.core_token())
    await strike(world, kind, **CASES[kind])
    await installation.started()
    await loaded(database, shop, parked=BEYOND_CORE)
    hits = {fault["path"]: fault["hits"] for fault in await world.faults()}
    assert all(hits[path] for path in PATHS), hits
    await world.cure()
    await equal_in_the_end(world, database, {"seller": shop}, streams=CORE, tables=CORE_TABLES)


async def test_a_page_that_comes_again_is_not_taken_for_the_next_one(install: Install, database: str) -> None:
    """Armed when the history alone is being read: a page of the live lane in its place could not be told from the right one."""
    async with new_world(replace(SELLER, orders=1_500)) as world:
        await read_again(world, install, database)


async def read_again(world: World, install: Install, database: str) -> None:
    """A repeated page in the middle of a list, of a trash, of a history."""
    installation = install(world.url, dsn=database, **SLOW)
    shop = await installation.add_shop("seller", world.core_token())
    world.arm(*(Fault(kind=FaultKind.REPEATED_PAGE, path=path, count=1) for path in (LIST, TRASH)))
    await installation.started()

    async def history_alone() -> bool:
        left = await unread(database, shop)
        return left is not None and [feed.split()[:2] for feed in left if " parked" not in feed] == [["orders", "backfill"]]

    await until(history_alone, what="the end of all other feeds")
    before = len(await world.asked())

    async def one_more_page() -> bool:
        return len(await world.asked()) > before

    await until(one_more_page, what="a page of history alone")
    world.arm(Fault(kind=FaultKind.REPEATED_PAGE, path=ORDERS, count=2))
    await loaded(database, shop, parked=BEYOND_CORE)
    assert [fault["hits"] for fault in await world.faults()] == [1, 1, 2]
    await equal_in_the_end(world, database, {"seller": shop}, streams=CORE, tables=CORE_TABLES)


async def test_a_walk_that_would_sweep_most_is_not_believed(world: World, install: Install, database: str) -> None:
    """The short last page in place of the first one looks like a whole list of thirty cards."""
    installation = install(world.url, dsn=database)
    shop = await installation.add_shop("seller", world.core_token())
    await installation.started()
    await loaded(database, shop, parked=BEYOND_CORE)
    await world.freeze()
    world.arm(Fault(kind=FaultKind.REPEATED_PAGE, path=LIST, count=1))
    assert await run(database, shop, mode=Mode.FULL, streams=CORE) == "partly"
    [failed] = await ask(database, FAILED)
    assert failed["stream"] == "cards"
    assert "force" in failed["reason"]
    assert await one(database, "SELECT count(*) FROM wb.cards WHERE deleted_at IS NULL") > SELLER.cards / 2
    await equal_in_the_end(world, database, {"seller": shop}, streams=CORE, tables=CORE_TABLES)


async def test_fields_that_nobody_announced_are_kept(world: World, install: Install, database: str) -> None:
    installation = install(world.url, dsn=database)
    shop = await installation.add_shop("seller", world.core_token())
    await strike(world, FaultKind.UNKNOWN_FIELDS)
    await installation.started()
    await loaded(database, shop, parked=BEYOND_CORE)
    for table in ("wb.orders", "wb.cards", "wb.card_sizes", "wb.card_photos", "wb.card_characteristics", "wb.trashed_cards"):
        strange = await one(database, f"SELECT count(*) FROM {table} WHERE extra->>'futureNote' IS NULL")
        assert strange == 0, f"{table} has rows without the new field"
    assert await rows_of(database, "wb.orders", shop) >= SELLER.orders
    await world.cure()
    await equal_in_the_end(world, database, {"seller": shop}, mode=Mode.FULL, streams=CORE, tables=CORE_TABLES)


async def test_numbers_as_texts_and_texts_as_numbers_are_read(world: World, install: Install, database: str) -> None:
    installation = install(world.url, dsn=database)
    shop = await installation.add_shop("seller", world.core_token())
    await strike(world, FaultKind.CHANGED_TYPES)
    await installation.started()
    await loaded(database, shop, parked=BEYOND_CORE)
    await equal_in_the_end(world, database, {"seller": shop}, streams=CORE, tables=("wb.orders", "wb.card_sizes", "wb.card_photos"))
    await world.cure()
    await equal_in_the_end(world, database, {"seller": shop}, mode=Mode.FULL, streams=CORE, tables=CORE_TABLES)


async def disabled(dsn: str, shop: int) -> str | None:
    """The reason why a shop is disabled, None while it is not."""
    [row] = await ask(dsn, "SELECT status, status_message FROM mpsync.shops WHERE shop_id = $1", shop)
    return row["status_message"] if row["status"] == "disabled" else None


@pytest.mark.parametrize("how", ["fault", "switch"])
async def test_a_withdrawn_token_stops_its_shop_until_there_is_a_new_one(install: Install, database: str, how: str) -> None:
    async with new_world(SELLER, NEIGHBOUR) as world:
        installation = install(world.url, dsn=database, **SLOW)
        token = world.core_token()
        shop = await installation.add_shop("seller", token)
        before = len(await world.asked())
        await installation.started()

        async def some_pages() -> bool:
            return await rows_of(database, "wb.orders", shop) >= 200

        await until(some_pages, what="the first pages of orders")
        if how == "fault":
            world.arm(Fault(kind=FaultKind.REVOKED, seller="seller"))
        else:
            await world.revoke(token)

        async def stopped() -> str | None:
            return await disabled(database, shop)

        reason = str(await until(stopped, what="the shop being disabled"))
        assert "withdrawn" in reason
        assert "rotate-key" in reason
        assert await rows_of(database, "wb.orders", shop) >= 200
        first = await world.asked(before)
        neighbour = await installation.add_shop("neighbour", world.core_token("neighbour"))
        await loaded(database, neighbour, parked=BEYOND_CORE)

        await world.cure()
        place = before + len(await world.asked(before))
        await installation.good("shops", "rotate-key", "seller", "--token-file", "-", stdin=world.core_token(read_only=True))
        await loaded(database, shop, parked=BEYOND_CORE)
        [_, again] = repeats([first, await world.asked(place)])
        assert again[ORDERS] <= LIVE_PAGES * 2, "the cursors were not kept"
        await equal_in_the_end(world, database, {"seller": shop, "neighbour": neighbour}, streams=CORE, tables=CORE_TABLES)


async def test_a_base_token_parks_only_what_it_may_not_read(install: Install, database: str) -> None:
    async with new_world(limit_scale=QUICKEST) as world:
        await parked_by_a_base_token(world, install(world.url, dsn=database, transport={"limit_scale": QUICKEST}), database)


async def parked_by_a_base_token(world: World, installation: Installation, database: str) -> None:
    """The streams that a base token may not read are parked, and read with a better one."""
    shop = await installation.add_shop("seller", world.token(type=TokenType.BASE))
    world.arm(Fault(kind=FaultKind.BASE_REFUSED, path=ORDERS))
    await installation.started()
    closed = {"orders", "stocks", "seller_stocks", "finance_reports", "acquiring", "acquiring_reports"}
    reasons: dict[str, str] = {}

    async def all_are_parked() -> bool:
        reasons.update({feed["stream"]: feed["reason"] for feed in await explained(database, shop) if feed["state"] == "parked"})
        return reasons.keys() >= closed

    await until(all_are_parked, what="what is closed to base tokens to be parked")
    assert reasons.keys() == closed
    assert all("base type" in reason for reason in reasons.values())
    assert await disabled(database, shop) is None
    await world.cure()
    await installation.good("shops", "rotate-key", "seller", "--token-file", "-", stdin=world.token())
    await loaded(database, shop)
    await equal_in_the_end(world, database, {"seller": shop})


async def test_a_category_that_is_missing_parks_its_streams_until_it_is_there(world: World, install: Install, database: str) -> None:
    installation = install(world.url, dsn=database)
    ended = await installation.command(
        "shops", "add", "wildberries", "--token-file", "-", "--name", "seller", stdin=world.token(categories={Category.CONTENT})
    )
    assert ended.code == 0
    assert "statistics" in ended.err
    [shop] = [row["shop_id"] for row in await ask(database, "SELECT shop_id FROM mpsync.shops")]
    await installation.started()
    await loaded(database, shop, parked={stream.name for stream in WILDBERRIES.streams} - {"cards", "cards_trash"})
    await installation.good("shops", "rotate-key", "seller", "--token-file", "-", stdin=world.core_token())
    await loaded(database, shop, parked=BEYOND_CORE)
    await equal_in_the_end(world, database, {"seller": shop}, streams=CORE, tables=CORE_TABLES)
