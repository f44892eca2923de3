"""Streams as tests see them: every declared one with its fixture folder, and an Api that answers from a list."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mpsyncd.model.page import Page, ParentReader, Slice, SliceKind
from mpsyncd.model.request import Answer, Api, BadRow, Document, Request
from mpsyncd.model.source import Source
from mpsyncd.model.stream import Stream, Table
from mpsyncd.sources import SOURCES

FIXTURES = Path(__file__).parents[1] / "fixtures"
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

every_stream = pytest.mark.parametrize(
    "source, stream", [pytest.param(source, stream, id=f"{source.name}-{stream.name}") for source in SOURCES for stream in source.streams]
)


class ListRows:
    """Rows from a list, in pieces of two; remembers whether they were closed and how often they were walked, beyond the first piece."""

    def __init__(self, rows: Sequence[Document]) -> None:
        self.rows = list(rows)
        self.closed = False
        self.walked = 0

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def last(self) -> Document | None:
        return self.rows[-1] if self.rows else None

    async def pieces(self) -> AsyncIterator[list[Document]]:
        assert not self.closed, "rows are walked that somebody has let go of"
        for begin in range(0, len(self.rows), 2):
            yield self.rows[begin : begin + 2]
            if begin == 0:
                self.walked += 1

    async def close(self) -> None:
        self.closed = True


@dataclass(slots=True)
class ListApi:
    """Answers the given bodies one after the other, one a second, and writes down what it was asked."""

    bodies: list[Any]
    asked: list[Request] = field(default_factory=list)
    given: list[ListRows] = field(default_factory=list)

    async def send(self, request: Request) -> Answer:
        assert len(self.asked) < len(self.bodies), f"one request more than there are answers: {request}"
        body = self.bodies[len(self.asked)]
        self.asked.append(request)
        rows, envelope = split(body, request.rows_at)
        self.given.append(ListRows(rows))
        return Answer(status=200, headers={}, envelope=envelope, rows=self.given[-1], asked_at=NOW + timedelta(seconds=len(self.asked)))


def split(body: Any, rows_at: str | None) -> tuple[list[Document], Any]:
    """The rows of a body, and the body without them."""
    if rows_at is None or body is None:
        return [], body
    if rows_at == "":
        return body, []
    key, _, rest = rows_at.partition(".")
    rows, inner = split(body[key], rest)
    return rows, {**body, key: inner}


@dataclass(frozen=True, slots=True)
class Fixture:
    """What stands in one folder: answers in order and what must come of them.

    Beside what the tests compare, `expected` may hold "parents": the parents' rows, columns of the key first; "whole": the method is not
    paged, one page is all; "first": how many of the answers every attempt asks for anew before it goes on (a list of what there is).
    """

    folder: Path
    bodies: list[Any]
    expected: dict[str, Any]

    @property
    def part(self) -> Slice:
        """The slice that the answers belong to."""
        told = self.expected["slice"]
        start, end = (datetime.fromisoformat(told[name]) if told.get(name) else None for name in ("start", "end"))
        parents = _reader(self.expected["parents"]) if "parents" in self.expected else None
        return Slice(slice_id=1, kind=SliceKind(told["kind"]), now=NOW, start=start, end=end, cursor=told.get("cursor"), parents=parents)

    def answers(self, *, done: int) -> list[Any]:
        """The answers that an attempt gets which goes on behind so many pages."""
        first = self.expected.get("first", 0)
        return [*self.bodies[:first], *self.bodies[first + done :]]

    def requests(self, *, done: int) -> list[dict[str, Any]]:
        """What such an attempt asks for."""
        asked: list[dict[str, Any]] = self.expected["requests"]
        first = self.expected.get("first", 0)
        return [*asked[:first], *asked[first + done :]]

    def documents(self, stream: Stream) -> dict[str, list[Document]]:
        """The documents of every table of the stream as the read makes them, in the vendor's order."""
        found: dict[str, list[Document]] = {table.name: [] for table in stream.tables}
        # In a thread of its own: tests with a loop ask for them too.
        with ThreadPoolExecutor(1) as thread:
            for document in thread.submit(asyncio.run, _documents(stream, ListApi(self.bodies), self.part)).result():
                found[stream.main.name].append(document)
                for table in stream.tables[1:]:
                    found[table.name] += parts_of(table, document)
        return found


async def _documents(stream: Stream, api: ListApi, part: Slice) -> list[Document]:
    pages = await pages_of(stream, api, part)
    rows = [row for page in pages async for piece in page.rows.pieces() for row in piece]
    assert [row for row in rows if isinstance(row, BadRow)] == []
    return [row for row in rows if not isinstance(row, BadRow)]


def _reader(rows: Sequence[Mapping[str, Any]]) -> ParentReader:
    async def parents(*, after: Sequence[Any] | None = None) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        keys = [list(row.values())[: len(after)] for row in rows] if after else []
        yield rows[keys.index(list(after)) + 1 :] if after else rows

    return parents


def fixture_of(source: Source, stream: Stream) -> Fixture:
    """The fixture of a stream; a test that asks for a missing one fails with what to do."""
    folder = FIXTURES / source.name / stream.name
    bodies = [
        json.loads((folder / f"page{number}.json").read_text("utf-8")) for number in range(1, len(list(folder.glob("page*.json"))) + 1)
    ]
    if not bodies or not (folder / "expected.json").exists():
        pytest.fail(f"{source.name}/{stream.name} has no fixture: see docs/howto/add-a-stream.md for page1.json … and expected.json")
    return Fixture(folder, bodies, json.loads((folder / "expected.json").read_text("utf-8")))


def parts_of(table: Table, document: Document) -> list[Document]:
    """The documents of a part table, as `Table` says: from the list at `at`, scalars as {"value": …}, or from `rows`."""
    if table.rows is not None:
        return list(table.rows(document))
    listed: Iterable[Any] = (document.get(table.at) if table.at else None) or []
    return [each if isinstance(each, dict) else {"value": each} for each in listed]


async def pages_of(stream: Stream, api: Api, part: Slice) -> list[Page]:
    """Read a slice to its end."""
    return [page async for page in stream.read(api, part)]


def request_facts(request: Request) -> dict[str, Any]:
    """A request as `expected.json` tells it."""
    facts: dict[str, Any] = {"method": request.method, "host": request.host, "path": request.path, "params": dict(request.params)}
    return facts if request.json is None else {**facts, "json": request.json}


def page_facts(page: Page) -> dict[str, Any]:
    """A page as `expected.json` tells it."""
    return {
        "rows": page.rows.count,
        "cursor": None if page.cursor is None else dict(page.cursor),
        "last": page.last,
        "until": page.until.astimezone(UTC).isoformat() if page.until else None,
    }
