"""Sales, order feed, prices, stocks and warehouses read from the sandbox, in memory: every row of its truth, whatever goes wrong."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from mpsyncd.model.errors import BadData, Forbidden
from mpsyncd.model.naming import snake
from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.model.stream import Stream
from mpsyncd.sandbox import SellerSpec, TokenType
from mpsyncd.sources.wildberries.order_feed import feed
from mpsyncd.sources.wildberries.source import WILDBERRIES
from support.sandbox_caller import Caller
from support.wb_sandbox import SandboxApi, rows_read

SHOP = SellerSpec(name="shop", title="ООО Торговля", cards=60, trashed=5, orders=260, named_warehouses=True)
SMALL = 20
WINDOWS = {"sales": timedelta(days=90), "order_feed": timedelta(days=31)}
PAGED = ("sales", "order_feed", "prices", "stocks", "seller_stocks")
EVERY = (*PAGED, "warehouses", "offices")
every = pytest.mark.parametrize("name", EVERY)
Keys = set[tuple[str, ...]]


@dataclass(frozen=True)
class Meeting:
    """One stream before one sandbox, in pages that are small enough to be many."""

    name: str
    caller: Caller

    @property
    def stream(self) -> Stream:
        stream = WILDBERRIES.stream(self.name)
        return replace(stream, read=feed(SMALL)) if self.name == "order_feed" else stream

    @property
    def part(self) -> Slice:
        now = self.caller.now
        if self.name not in WINDOWS:
            return Slice(slice_id=1, kind=SliceKind.WALK, now=now)
        end = now + timedelta(seconds=1)
        return Slice(slice_id=1, kind=SliceKind.WINDOW, now=now, start=now - WINDOWS[self.name], end=end)

    @property
    def api(self) -> SandboxApi:
        return SandboxApi(self.caller, limit=SMALL if self.name in {"prices", "stocks", "seller_stocks"} else None)

    def arm(self, kind: str, **more: object) -> None:
        self.caller.bare("POST", "/_faults", [{"kind": kind, **more}])

    def truth(self) -> Keys:
        """Keys of what the vendor shows now."""
        main = self.stream.main
        return {tuple(str(row[column]) for column in main.key) for row in self.caller.truth(main.name) if not row.get("_left")}

    async def read(self) -> tuple[Keys, int]:
        rows, pages = await rows_read(self.stream, self.api, self.part)
        told = [{snake(key): value for key, value in row.items()} for row in rows]
        return {tuple(str(row[column]) for column in self.stream.main.key) for row in told}, pages


def meeting(name: str) -> Meeting:
    return Meeting(name, Caller(SHOP, orders_cap=SMALL))


@every
async def test_every_row_is_read(name: str) -> None:
    met = meeting(name)
    keys, pages = await met.read()
    assert met.truth() <= keys
    assert name in WINDOWS or keys == met.truth()
    assert len(keys) > 2
    assert pages > 2 or name not in PAGED


@every
@pytest.mark.parametrize("kind", ["unknown_fields", "changed_types", "unknown_values"])
async def test_fields_and_values_that_change_under_way_do_no_harm(name: str, kind: str) -> None:
    met = meeting(name)
    met.arm(kind)
    keys, _ = await met.read()
    assert met.truth() <= keys


@pytest.mark.parametrize("name", PAGED)
@pytest.mark.parametrize("kind", ["empty_page", "no_content"])
async def test_nothing_by_mistake_loses_nothing(name: str, kind: str) -> None:
    met = meeting(name)
    met.arm(kind, count=1)
    keys, _ = await met.read()
    assert met.truth() <= keys


@pytest.mark.parametrize("name", PAGED)
async def test_a_repeated_page_is_an_error_and_not_an_end(name: str) -> None:
    met = meeting(name)
    met.arm("repeated_page")
    with pytest.raises(BadData, match=r"came again|twice"):
        await met.read()


async def test_a_snapshot_that_the_vendor_dropped_is_begun_anew() -> None:
    met = meeting("order_feed")
    met.arm("snapshot_expired", count=1)
    keys, _ = await met.read()
    assert met.truth() <= keys


@pytest.mark.parametrize("name", ["stocks", "seller_stocks"])
async def test_base_tokens_may_not_read_stock_and_keep_the_rest_of_the_category(name: str) -> None:
    met = meeting(name)
    met.caller.token = met.caller.make(type=TokenType.BASE)
    with pytest.raises(Forbidden, match="tokens of the base type may not use this method") as refused:
        await met.read()
    assert refused.value.capability is None, "only this stream is parked"
