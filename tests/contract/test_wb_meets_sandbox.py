"""The Wildberries source reads the sandbox, in memory: two readings of the vendor's contract, written apart, must agree."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from mpsyncd.model.errors import BadData, Forbidden, Unauthorized
from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.model.request import Answer, Request
from mpsyncd.sandbox import Category, TokenType
from mpsyncd.sources.wildberries.source import WILDBERRIES, name_shop
from support.sandbox_caller import BORN, PAGED, Caller
from support.wb_sandbox import SandboxApi, rows_read

KEYS = {"orders": "srid", "cards": "nmID", "cards_trash": "nmID"}
TRUTHS = {"orders": "srid", "cards": "nm_id", "cards_trash": "nm_id"}
DAYS = timedelta(days=90)


def part_of(name: str, caller: Caller) -> Slice:
    if name == "orders":
        return Slice(slice_id=1, kind=SliceKind.WINDOW, now=caller.now, start=caller.now - DAYS, end=caller.now + timedelta(seconds=1))
    return Slice(slice_id=1, kind=SliceKind.WALK, now=caller.now)


async def keys_read(name: str, caller: Caller) -> tuple[list[Any], int]:
    """Keys of all rows read, cured, and the number of pages."""
    rows, pages = await rows_read(WILDBERRIES.stream(name), SandboxApi(caller), part_of(name, caller))
    return [str(row[KEYS[name]]) for row in rows], pages


def truth(name: str, caller: Caller) -> set[str]:
    """Keys that the vendor has; those of cards in the bin are in both tables of the truth, as they will be in ours."""
    table = {"orders": "wb.orders", "cards": "wb.cards", "cards_trash": "wb.trashed_cards"}[name]
    keys = {str(row[TRUTHS[name]]) for row in caller.truth(table)}
    return keys - truth("cards_trash", caller) if name == "cards" else keys


@pytest.mark.parametrize("boundary", ["at", "after"])
@pytest.mark.parametrize("cap", [7, 100])
async def test_every_order_is_read_over_many_pages(boundary: str, cap: int) -> None:
    caller = Caller(PAGED, orders_cap=cap, orders_boundary=boundary)
    keys, pages = await keys_read("orders", caller)
    assert set(keys) == truth("orders", caller)
    assert pages > 2


@pytest.mark.parametrize("name", ["cards", "cards_trash"])
async def test_every_card_is_read_over_many_pages(name: str) -> None:
    caller = Caller(PAGED)
    keys, pages = await keys_read(name, caller)
    assert set(keys) == truth(name, caller)
    assert len(keys) == len(set(keys))
    assert pages > 2


@pytest.mark.parametrize("name", list(KEYS))
@pytest.mark.parametrize("kind", ["unknown_fields", "changed_types"])
async def test_fields_that_change_under_way_do_no_harm(name: str, kind: str) -> None:
    caller = Caller(PAGED, orders_cap=100)
    caller.bare("POST", "/_faults", [{"kind": kind}])
    keys, _ = await keys_read(name, caller)
    assert set(keys) == truth(name, caller)


@pytest.mark.parametrize("name", list(KEYS))
async def test_an_empty_page_by_mistake_loses_nothing(name: str) -> None:
    caller = Caller(PAGED, orders_cap=100)
    stream = WILDBERRIES.stream(name)
    keys, pages = set[str](), 0
    async for page in stream.read(SandboxApi(caller), part_of(name, caller)):
        keys |= {str(row[KEYS[name]]) for row in page.rows.rows}  # type: ignore[attr-defined]
        pages += 1
        if pages == 1:
            caller.bare("POST", "/_faults", [{"kind": "empty_page", "count": 1}])
    assert keys == truth(name, caller)


@pytest.mark.parametrize("name", list(KEYS))
async def test_a_repeated_page_is_an_error_and_not_an_end(name: str) -> None:
    caller = Caller(PAGED, orders_cap=100)
    caller.bare("POST", "/_faults", [{"kind": "repeated_page"}])
    with pytest.raises(BadData, match=r"came again|twice"):
        await keys_read(name, caller)


async def test_the_token_says_what_the_sandbox_grants() -> None:
    caller = Caller(PAGED)
    caller.token = caller.make(categories={Category.CONTENT}, type=TokenType.BASE, read_only=True)
    identity = WILDBERRIES.identify({"token": caller.token}, BORN)
    assert (identity.variant, identity.capabilities, identity.facts["read_only"]) == ("base", frozenset({"content"}), True)
    refused = {name: capability for name, probe in WILDBERRIES.probes.items() if (capability := await _lacking(SandboxApi(caller), probe))}
    assert refused == {name: name for name in WILDBERRIES.probes if name != "content"}
    assert await name_shop(SandboxApi(caller))


async def _lacking(api: SandboxApi, probe: Request) -> str | None:
    try:
        await api.send(probe)
    except Forbidden as refusal:
        return refusal.capability
    return None


@pytest.mark.parametrize("expires", [BORN - timedelta(seconds=1), BORN - timedelta(days=9)])
async def test_an_expired_token_is_unauthorized_here_and_there(expires: Any) -> None:
    caller = Caller(PAGED)
    caller.token = caller.make(expires=expires)
    with pytest.raises(Unauthorized, match="expired on"):
        WILDBERRIES.identify({"token": caller.token}, BORN)
    with pytest.raises(Unauthorized, match="has expired"):
        await SandboxApi(caller).send(WILDBERRIES.probes["content"])


@pytest.mark.parametrize("spoil", [lambda token: token[:-9], lambda token: token + ".x", lambda _: "x"])
async def test_a_broken_token_is_unauthorized(spoil: Callable[[str], str]) -> None:
    caller = Caller(PAGED)
    caller.token = spoil(caller.token)
    send: Awaitable[Answer] = SandboxApi(caller).send(WILDBERRIES.probes["content"])
    with pytest.raises(Unauthorized, match="shops rotate-key"):
        await send
