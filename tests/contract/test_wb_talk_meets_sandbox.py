"""Questions, feedbacks, claims, returns and chats read from the sandbox in small pages: every row of its truth, whatever goes wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.model.stream import Read, Stream
from mpsyncd.sandbox import SellerSpec
from mpsyncd.sources.wildberries.feedbacks import feedbacks, questions
from mpsyncd.sources.wildberries.returns import claims, item_returns
from mpsyncd.sources.wildberries.source import WILDBERRIES
from support.reads import parents_of
from support.sandbox_caller import Caller
from support.wb_sandbox import SandboxApi, rows_read

SHOP = SellerSpec(
    name="loud", title="ИП", cards=20, trashed=0, orders=60, chats=30, messages=6, questions=70, feedbacks=110, claims=90, returns=60
)
FEW = 15
READS: Mapping[str, Read] = {
    "questions": questions(FEW),
    "feedbacks": feedbacks(FEW),
    "claims": claims(FEW),
    "item_returns": item_returns(FEW),
    "chat_events": WILDBERRIES.stream("chat_events").read,
}
KEYS = {"item_returns": "srid", "chat_events": "eventID"}
every = pytest.mark.parametrize("name", READS)


@dataclass(frozen=True)
class Meeting:
    """One stream before one sandbox."""

    name: str
    caller: Caller

    @property
    def stream(self) -> Stream:
        return replace(WILDBERRIES.stream(self.name), read=READS[self.name])

    def arm(self, kind: str, **more: object) -> None:
        self.caller.bare("POST", "/_faults", [{"kind": kind, **more}])

    def truth(self) -> set[str]:
        """Keys of what the vendor shows now."""
        main = self.stream.main
        return {str(row[main.key[0]]) for row in self.caller.truth(main.name) if not row.get("_left")}

    async def read(self) -> tuple[set[str], int]:
        now = self.caller.now
        part = Slice(slice_id=1, kind=SliceKind.WALK, now=now, start=now - timedelta(days=100), end=now, parents=parents_of([]))
        rows, pages = await rows_read(self.stream, SandboxApi(self.caller), part)
        return {str(row[KEYS.get(self.name, "id")]) for row in rows}, pages


def meeting(name: str) -> Meeting:
    return Meeting(name, Caller(SHOP, events_cap=FEW))


@every
async def test_every_row_is_read_over_many_pages(name: str) -> None:
    met = meeting(name)
    keys, pages = await met.read()
    assert keys == met.truth()
    assert pages > 4


@every
@pytest.mark.parametrize("kind", ["unknown_fields", "changed_types", "unknown_values"])
async def test_fields_and_values_that_change_under_way_do_no_harm(name: str, kind: str) -> None:
    met = meeting(name)
    met.arm(kind)
    assert (await met.read())[0] == met.truth()


@pytest.mark.parametrize("name", ["questions", "feedbacks", "claims", "chat_events"])
async def test_nothing_by_mistake_loses_nothing(name: str) -> None:
    met = meeting(name)
    met.arm("empty_page", count=1)
    assert (await met.read())[0] == met.truth()


@pytest.mark.parametrize("name", ["questions", "feedbacks", "claims", "chat_events"])
async def test_a_repeated_page_is_an_error_and_not_an_end(name: str) -> None:
    met = meeting(name)
    met.arm("repeated_page")
    with pytest.raises(BadData, match=r"came again|twice|does not move"):
        await met.read()
