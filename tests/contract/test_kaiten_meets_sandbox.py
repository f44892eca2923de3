"""Kaiten's streams before the sandbox in memory: every row of its truth, whatever form it is told in and whatever is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from mpsyncd.model.naming import snake
from mpsyncd.model.page import Slice, SliceKind
from mpsyncd.model.request import Answer, Document, Request
from mpsyncd.model.request import Response as Head
from mpsyncd.sandbox import CompanySpec, Core, SandboxOptions
from mpsyncd.sandbox import Request as Call
from mpsyncd.sources.kaiten.source import KAITEN
from support.sources import ListRows

BORN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
COMPANY = CompanySpec(name="acme", title="ООО Акме", spaces=3, boards=5, users=12, cards=125, archived=110, imported=105)
PARENTS = {"property_values": "kaiten.custom_properties", "columns": "kaiten.boards", "lanes": "kaiten.boards", "comments": "kaiten.cards"}
every = pytest.mark.parametrize("name", [stream.name for stream in KAITEN.streams])


@dataclass
class Meeting:
    """One company, asked as transport would ask, a second between two requests."""

    core: Core = field(default_factory=lambda: Core(SandboxOptions(sellers=(), companies=(COMPANY,)), born=BORN))
    now: datetime = BORN
    asked: int = 0

    @property
    def shop(self) -> Any:
        [shop] = self.core.demo_shops()
        return shop

    async def send(self, request: Request) -> Answer:
        self.asked += 1
        self.now += timedelta(seconds=1)
        signed = KAITEN.authorize(request, {"api_token": self.shop.token})
        url = f"/kaiten/{COMPANY.name}/api/latest{signed.path}?{urlencode(signed.params)}"
        answer = self.core.handle(Call.to(signed.method, url, token=signed.headers["Authorization"]), self.now)
        head = Head(status=answer.status, headers={name.lower(): value for name, value in answer.headers.items()}, body=bytes(answer.body))
        if (error := KAITEN.classify(head, request)) is not None:
            raise error
        nothing = not head.body and request.empty_when is not None and request.empty_when(head)
        told = None if nothing else orjson.loads(head.body)
        rows, envelope = (told or [], None if nothing else []) if request.rows_at == "" else ([], told)
        return Answer(status=answer.status, headers=head.headers, envelope=envelope, rows=ListRows(rows), asked_at=self.now)

    def truth(self, table: str) -> list[dict[str, Any]]:
        answer: Any = self.core.handle(Call.to("GET", f"/_truth/{COMPANY.name}/{table}?limit=100000"), self.now).json()
        return [row for row in answer["rows"] if not row.get("_left")]

    def arm(self, kind: str, **more: object) -> None:
        self.core.handle(Call.to("POST", "/_faults", body=[{"kind": kind, **more}]), self.now)

    def slice(self, name: str, kind: SliceKind = SliceKind.WALK) -> Slice:
        async def parents(*, after: Sequence[Any] | None = None) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
            rows = sorted(self.truth(PARENTS[name]), key=lambda row: int(row["id"]))
            rows = [row for row in rows if name != "property_values" or row["type"] == "select"]
            yield [row for row in rows if after is None or row["id"] > after[0]]

        start, end = (None, None) if kind is SliceKind.WALK else (self.now - timedelta(days=1000), self.now)
        return Slice(slice_id=1, kind=kind, now=self.now, start=start, end=end, parents=parents if name in PARENTS else None)

    async def read(self, name: str, *, kind: SliceKind = SliceKind.WALK) -> dict[int, Document]:
        stream = KAITEN.stream(name)
        pages = [page async for page in stream.read(self, self.slice(name, kind))]
        rows = [row for page in pages async for row in _rows(page)]
        assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
        return {row["id"]: row for row in rows}


async def _rows(page: Any) -> AsyncIterator[Document]:
    async for piece in page.rows.pieces():
        for row in piece:
            assert isinstance(row, dict), row
            yield row


@every
async def test_every_row_is_read_and_every_column_is_told(name: str) -> None:
    at = Meeting()
    rows, true = await at.read(name), at.truth(KAITEN.stream(name).main.name)
    assert {row["id"] for row in true} <= set(rows)
    assert len(rows) > 1
    columns = {column for row in true for column in row if not column.startswith("_")} - {"deleted"}
    assert columns <= {snake(key) for row in rows.values() for key in row}


@every
async def test_an_answer_without_a_body_hides_nothing(name: str) -> None:
    whole = await Meeting().read(name)
    for place in range(3):
        at = Meeting()
        seen: list[Request] = []
        send = at.send

        async def sent(request: Request, at: Meeting = at, seen: list[Request] = seen, send: Any = send, place: int = place) -> Answer:
            if len(seen) == place:
                at.arm("empty_body", count=1)
            seen.append(request)
            answer: Answer = await send(request)
            return answer

        at.send = sent  # type: ignore[method-assign]
        assert set(await at.read(name)) == set(whole)


async def test_changes_tell_what_a_walk_tells() -> None:
    at = Meeting()
    walked, changed = await at.read("cards"), await at.read("cards", kind=SliceKind.SINCE)
    assert changed == walked


async def test_a_single_card_is_the_same_document_as_in_the_list() -> None:
    at = Meeting()
    stream = KAITEN.stream("cards")
    assert stream.again is not None
    for number, row in list((await at.read("cards")).items())[:120]:
        [single] = [each async for page in stream.again.read(at, (number,)) async for each in _rows(page)]
        assert {key: value for key, value in single.items() if value} == {key: value for key, value in row.items() if value}


async def test_comments_of_one_card_are_those_of_the_stream() -> None:
    at = Meeting()
    stream = KAITEN.stream("comments")
    assert stream.again is not None
    rows = await at.read("comments")
    for card in sorted({row["card_id"] for row in rows.values()})[:20]:
        told = {each["id"]: each async for page in stream.again.read(at, (card,)) async for each in _rows(page)}
        assert told == {number: row for number, row in rows.items() if row["card_id"] == card}
