"""Rows that PostgreSQL can not take: they are put aside, all others are stored, and they come in when the vendor corrects them."""

import json
from dataclasses import replace
from typing import Any

from mpsyncd.sandbox import Sandbox
from support.loads import World, ask, equal_in_the_end, loaded, run
from support.processes import Install
from support.truth import untrue

NUL = "a\0b"
HUGE = 2**63 + 5
"""More than a bigint holds, and still a number that JSON writers write."""


def spoil(sandbox: Sandbox) -> tuple[list[Any], list[Any]]:
    """Put two impossible orders and two impossible cards into the world; the true ones."""
    owner = sandbox.core.world.sellers["seller"]
    book: Any = owner.orders
    orders = [book.at(150), book.at(300)]
    book.put(replace(orders[0], sticker=NUL))
    book.put(replace(orders[1], nm_id=HUGE))
    cards = [owner.cards.ascending()[20], owner.cards.ascending()[130]]
    owner.cards.put(replace(cards[0], title=NUL))
    owner.cards.put(replace(cards[1], subject_id=HUGE))
    return orders, cards


async def test_impossible_rows_are_put_aside(world: World, install: Install, database: str) -> None:
    orders, cards = spoil(world.sandbox)
    installation = install(world.url, dsn=database)
    shop = await installation.add_shop("seller", world.token())
    await installation.started()
    await loaded(database, shop)

    refused = await ask(database, "SELECT table_name, object_key, document, reason FROM mpsync.rejected_rows WHERE shop_id = $1", shop)
    assert sorted(row["table_name"] for row in refused) == ["wb.cards", "wb.cards", "wb.orders", "wb.orders"]
    keys = " ".join(str(row["object_key"]) for row in refused)
    assert all(order.srid in keys for order in orders)
    assert all(str(card.nm_id) in keys for card in cards)
    assert all(row["reason"] for row in refused)
    assert len(json.loads(await installation.good("rejected", "list", "--json"))) == 4

    await world.freeze()
    assert await run(database, shop) == "done"
    wrong = await untrue(database, world.url, seller="seller", shop_id=shop, tables=("wb.orders", "wb.cards"), rejected=4)
    assert len(wrong) == 4
    assert all(each.endswith("is missing") for each in wrong)

    now = world.sandbox.core.world.moment(world.sandbox.core.born)
    owner = world.sandbox.core.world.sellers["seller"]
    book: Any = owner.orders
    for order in orders:
        book.put(replace(order, changed_at=now))
    for card in cards:
        owner.cards.put(replace(card, updated_at=now))
    await equal_in_the_end(world, database, {"seller": shop})  # what was put aside is gone with its cause
