"""The world: repeatable, moving, and able to stand still."""

from datetime import timedelta
from typing import Any

import pytest

from mpsyncd.sandbox import SandboxOptions, SellerSpec
from mpsyncd.sandbox.wildberries.truth import TABLES
from mpsyncd.sandbox.world.world import World
from support.sandbox_caller import BORN, PAGED, SMALL, Caller

LATER = BORN + timedelta(hours=2)


BIG = {"wb.funnel"}
"""A hundred thousand rows that no event touches: they have tests of their own."""


def truth(world: World, at: Any = LATER) -> dict[str, list[Any]]:
    tables = [(table, read) for table, read in TABLES if table not in BIG]
    return {f"{name}/{table}": list(read(seller, at)) for name, seller in world.sellers.items() for table, read in tables}


def world(**options: Any) -> World:
    return World(SandboxOptions(**{"sellers": (SMALL, PAGED), "event_rate": 1.0, **options}), born=BORN)


def test_same_seed_and_time_give_the_same_truth_whatever_the_steps() -> None:
    at_once, in_steps = world(), world()
    at_once.advance(LATER)
    for minute in range(121):
        in_steps.advance(BORN + timedelta(minutes=minute))

    assert at_once.events == in_steps.events == 7_200
    assert truth(at_once) == truth(in_steps)


def test_another_seed_gives_another_world() -> None:
    assert truth(world()) != truth(world(seed="other"))


def test_world_without_events_stands() -> None:
    still = world(event_rate=0.0)
    before = truth(still)
    still.advance(LATER)

    assert truth(still) == before


def test_frozen_world_stands_and_goes_on_from_where_it_stood() -> None:
    frozen, plain = world(), world()
    frozen.freeze(BORN + timedelta(hours=1))
    before = truth(frozen)
    frozen.advance(LATER)
    assert truth(frozen) == before
    assert frozen.moment(LATER) == BORN + timedelta(hours=1)

    frozen.thaw(LATER)
    frozen.advance(LATER + timedelta(minutes=30))
    plain.advance(BORN + timedelta(minutes=90))

    assert frozen.events == plain.events


def test_freezing_lets_happen_what_was_due() -> None:
    one = world()
    one.freeze(BORN + timedelta(seconds=10))

    assert one.events == 10


def test_freezing_twice_keeps_the_first_moment() -> None:
    one = world()
    one.freeze(BORN)
    one.freeze(LATER)

    assert one.moment(LATER) == BORN


def test_moving_world_shows_every_kind_of_change() -> None:
    moving = world(sellers=(PAGED,))
    seller = moving.sellers["paged"]
    cards = {card.nm_id: card for card in seller.cards.ascending()}
    bin_ = {card.nm_id for card in seller.trash.ascending()}
    orders = {order.srid: order for order in seller.orders.every()}
    moving.advance(LATER)

    now = {card.nm_id: card for card in seller.cards.ascending()}
    both = [(cards[nm_id], now[nm_id]) for nm_id in cards.keys() & now.keys()]
    assert now.keys() - cards.keys() - bin_, "new cards"
    assert now.keys() & bin_, "restored cards"
    assert cards.keys() - now.keys(), "trashed cards"
    for field in ("title", "description", "photos", "characteristics", "verdict"):
        assert any(getattr(old, field) != getattr(new, field) for old, new in both), field
    sizes = [({one.chrt_id for one in old.sizes}, {one.chrt_id for one in new.sizes}) for old, new in both]
    assert any(new < old for old, new in sizes), "shrinking size lists"
    assert any(new - old for old, new in sizes), "growing size lists"
    assert all(new.updated_at >= old.updated_at for old, new in both)
    assert all((old == new) == (old.updated_at == new.updated_at) for old, new in both)

    after = {order.srid: order for order in seller.orders.every()}
    assert after.keys() > orders.keys(), "new orders"
    changed = [srid for srid in orders if orders[srid] != after[srid]]
    assert any(orders[srid].cancelled_at is None and after[srid].cancelled_at for srid in changed), "cancellations"
    assert any(orders[srid].spp != after[srid].spp for srid in changed), "late corrections"
    assert all(after[srid].changed_at >= orders[srid].changed_at for srid in orders)
    assert any(order.created_at < BORN - timedelta(hours=3) for srid, order in after.items() if srid not in orders), "paid late"


def test_last_size_and_last_cards_stay() -> None:
    tiny = world(sellers=(SellerSpec(name="tiny", title="x", cards=6, trashed=0, orders=1),), event_rate=20.0)
    tiny.advance(BORN + timedelta(minutes=2))

    cards = tiny.sellers["tiny"].cards.ascending()
    assert len(cards) >= 5
    assert all(card.sizes for card in cards)


def test_row_times_are_real_whatever_the_rate() -> None:
    fast = world(event_rate=50.0)
    fast.advance(BORN + timedelta(seconds=60))

    newest = max(order.changed_at for order in fast.sellers["paged"].orders.every())
    assert BORN < newest <= BORN + timedelta(seconds=60)


@pytest.mark.parametrize("name", ["paged", "sid"])
def test_seller_is_found_by_name_and_by_sid(name: str) -> None:
    caller = Caller(PAGED)
    seller = caller.core.world.sellers["paged"]

    assert caller.core.world.find(seller.sid if name == "sid" else name) is seller
    assert caller.core.world.find("nobody") is None


def test_large_seller_never_moves() -> None:
    large = world(sellers=(SMALL, SellerSpec(name="large", title="x", cards=5, trashed=0, orders=100, large=True)))
    before = list(large.sellers["large"].orders.every())
    large.advance(LATER)

    assert list(large.sellers["large"].orders.every()) == before
