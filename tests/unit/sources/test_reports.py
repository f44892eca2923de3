"""Reports: ordered once whatever is killed when, under ids that nobody else has, and given up in words."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from mpsyncd.model.errors import BadRequest, NotFound, SourceError, Transient
from mpsyncd.model.page import Page, Slice
from mpsyncd.model.request import Request
from mpsyncd.model.stream import Read
from mpsyncd.sources.reports import ReportState, report
from support.reads import Answering, killed_behind_every_page, marks, pages_of, rows_of, some_pages, stretch
from support.sources import NOW

ORDER = Request(method="POST", host="api", path="/reports", rows_at=None)


def create(part: Slice, report_id: str) -> Request:
    return ORDER.with_json({"id": report_id, "from": f"{part.start:%Y-%m-%d}"})


def poll(report_id: str) -> Request:
    return Request(method="GET", host="api", path="/reports", params={"id": report_id}, rows_at=None)


def again(report_id: str) -> Request:
    return Request(method="POST", host="api", path="/reports/retry", json={"id": report_id}, rows_at=None)


def download(report_id: str) -> Request:
    return Request(method="GET", host="api", path="/reports/file", params={"id": report_id}, rows_format="zip+csv")


def state(envelope: Any) -> ReportState:
    return ReportState(envelope["status"]) if envelope and envelope["status"] else ReportState.UNKNOWN


def reader(polls: int = 5) -> Read:
    return report(create=create, poll=poll, state=state, download=download, again=again, polls=polls)


@dataclass
class Maker:
    """The vendor: refuses a second order of the same id; each report needs some looks until it is ready, or fails some times."""

    looks: int = 2
    fails: int = 0
    ordered: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    retried: list[str] = field(default_factory=list)
    looked: dict[str, int] = field(default_factory=dict)
    lost_answers: int = 0
    hidden: set[str] = field(default_factory=set)
    refusal: SourceError = field(default_factory=lambda: NotFound("no file", status=404))

    def __call__(self, request: Request) -> Any:
        report_id = (request.json or request.params)["id"]
        match request.method, request.path:
            case "POST", "/reports":
                return self._order(report_id)
            case "POST", "/reports/retry":
                self.retried.append(report_id)
                self.looked[report_id] = 0
                return {}
            case "GET", "/reports":
                return self._look(report_id)
            case _:
                return self.refusal if report_id in self.gone else [{"id": report_id, "n": 1}]

    def _order(self, report_id: str) -> Any:
        if report_id in self.ordered:
            return BadRequest("the id is taken", status=400)
        self.ordered.append(report_id)
        if self.lost_answers:
            self.lost_answers -= 1
            return Transient("the answer was lost")
        return {}

    def _look(self, report_id: str) -> Any:
        if report_id not in self.ordered or report_id in self.gone | self.hidden:
            return {"status": None}
        self.looked[report_id] = self.looked.get(report_id, 0) + 1
        if self.looked[report_id] < self.looks:
            return {"status": "waiting"}
        if len(self.retried) < self.fails:
            return {"status": "failed"}
        return {"status": "ready"}


async def until(read: AsyncIterator[Page], error: type[Exception], match: str) -> list[Page]:
    """Pages until an error that must come."""
    found: list[Page] = []
    async with aclosing(cast("Any", read)) as pages:
        with pytest.raises(error, match=match) as caught:
            while page := await anext(pages, None):
                found += [page]
    assert type(caught.value) is error
    return found


async def test_every_step_is_committed_before_the_next() -> None:
    maker = Maker()
    pages = await pages_of(reader(), Answering(maker), stretch())
    assert [page.cursor and page.cursor["step"] for page in pages] == ["intent", "ordered", "ready", None]
    assert [page.barrier for page in pages] == [True, True, True, False]
    assert [page.rows.count for page in pages] == [0, 0, 0, 1]
    assert marks(pages) == [False, False, False, True]
    assert pages[-1].until == stretch().end
    [report_id] = maker.ordered
    assert (UUID(report_id).version, {page.cursor["id"] for page in pages if page.cursor}) == (5, {report_id})
    assert await rows_of(pages[-1]) == [{"id": report_id, "n": 1}]


async def test_its_rows_are_as_old_as_the_order() -> None:
    api = Answering(Maker())
    pages = await pages_of(reader(), api, stretch())
    assert api.asked[0].path == "/reports"
    assert [page.asked_at for page in pages] == [NOW, *[NOW + timedelta(seconds=1)] * 3]


async def test_the_intent_is_written_down_before_anything_is_asked() -> None:
    api = Answering(Maker())
    [page] = await some_pages(reader(), api, stretch(), most=1)
    assert (api.asked, page.asked_at) == ([], NOW)


async def test_a_kill_behind_any_page_orders_no_second_report() -> None:
    maker = Maker()
    pages = await killed_behind_every_page(reader(), Answering(maker), stretch())
    assert len(maker.ordered) == 1
    assert await rows_of(pages[-1]) == [{"id": maker.ordered[0], "n": 1}]


class Killed(Exception):
    """The process is no more."""


@pytest.mark.parametrize("arrives", [True, False], ids=["arrived", "not sent"])
@pytest.mark.parametrize("at", range(1, 5))
async def test_a_kill_at_any_request_orders_no_second_report(at: int, arrives: bool) -> None:
    maker, part = Maker(), stretch()
    count = 0

    def body(request: Request) -> Any:
        nonlocal count
        count += 1
        told = maker(request) if count != at or arrives else None
        return Killed() if count == at else told

    with pytest.raises(Killed):
        async for page in reader()(Answering(body), part):
            part = replace(part, cursor=page.cursor)
    pages = await pages_of(reader(), Answering(maker), part)
    assert len(maker.ordered) == 1
    assert await rows_of(pages[-1]) == [{"id": maker.ordered[0], "n": 1}]


async def test_an_order_that_arrived_without_its_commit_is_found() -> None:
    maker = Maker()
    [intent] = await some_pages(reader(), Answering(maker), stretch(), most=1)
    part = replace(stretch(), cursor=intent.cursor)
    await some_pages(reader(), Answering(maker), part, most=1)  # ordered, and killed before the commit
    pages = await pages_of(reader(), Answering(maker), part)
    assert len(maker.ordered) == 1
    assert [page.cursor and page.cursor["step"] for page in pages] == ["ordered", "ready", None]


async def test_an_order_whose_answer_was_lost_is_found() -> None:
    maker = Maker(lost_answers=1)
    api = Answering(maker)
    pages = await pages_of(reader(), api, stretch())
    assert len(maker.ordered) == 1
    assert pages[-1].last
    assert [request.repeatable for request in api.asked if request.method == "POST"] == [False]


@pytest.mark.parametrize("error", [Transient("down", status=503), BadRequest("wrong dates", status=400)])
async def test_an_order_that_did_not_arrive_is_told(error: SourceError) -> None:
    api = Answering(lambda request: error if request.method == "POST" else {"status": None})
    with pytest.raises(type(error), match=str(error)):
        await pages_of(reader(), api, stretch())


async def test_ids_differ_between_slices_attempts_and_installations() -> None:
    parts = [stretch(), replace(stretch(), slice_id=8), replace(stretch(), now=NOW + timedelta(microseconds=1))]
    ids = [page.cursor["id"] for part in parts for page in await some_pages(reader(), Answering(Maker()), part, most=1) if page.cursor]
    assert len(set(ids)) == 3


async def test_a_position_that_another_kind_of_read_left_is_none() -> None:
    maker = Maker()
    pages = await pages_of(reader(), Answering(maker), replace(stretch(), cursor={"from": "2026-01-01", "inner": None}))
    assert (len(maker.ordered), pages[-1].last) == (1, True)


async def test_looks_are_counted_and_the_next_attempt_goes_on() -> None:
    maker = Maker(looks=9)
    api = Answering(maker)
    found = await until(reader()(api, stretch()), Transient, "is not ready after 5 looks; the next attempt goes on looking")
    assert len(api.asked) == 1 + 5
    pages = await pages_of(reader(), api, replace(stretch(), cursor=found[-1].cursor))
    assert (len(maker.ordered), pages[-1].last) == (1, True)


async def test_a_failed_one_is_asked_for_once_more_and_its_rows_are_as_old_as_that() -> None:
    maker = Maker(looks=1, fails=1)
    api = Answering(maker)
    pages = await pages_of(reader(), api, stretch())
    assert (maker.retried, len(maker.ordered)) == (maker.ordered, 1)
    assert [page.cursor and page.cursor["retried"] for page in pages] == [False, False, True, True, None]
    retried = next(number for number, request in enumerate(api.asked, 1) if request.path == "/reports/retry")
    assert pages[-1].asked_at == NOW + timedelta(seconds=retried)


async def test_one_that_fails_twice_is_an_error_and_the_next_attempt_orders_another() -> None:
    maker = Maker(looks=1, fails=2)
    pages = await until(reader()(Answering(maker), stretch()), SourceError, "failed to make report")
    assert pages[-1].cursor is not None
    assert (pages[-1].cursor["step"], pages[-1].cursor["number"], pages[-1].barrier) == ("intent", 2, True)
    maker.fails = 0
    pages = await pages_of(reader(), Answering(maker), replace(stretch(), cursor=pages[-1].cursor))
    assert len(maker.ordered) == 2
    assert await rows_of(pages[-1]) == [{"id": maker.ordered[1], "n": 1}]


@pytest.mark.parametrize("refusal", [NotFound("no file", status=404), BadRequest("check the id", status=400)])
async def test_one_whose_file_is_gone_is_ordered_anew(refusal: SourceError) -> None:
    """Files are kept for days; a shop may be paused for longer."""
    maker = Maker(looks=1, refusal=refusal)
    ready = (await some_pages(reader(), Answering(maker), stretch(), most=3))[-1]
    maker.gone |= set(maker.ordered)
    part = replace(stretch(), cursor=ready.cursor, now=datetime(2026, 12, 1, tzinfo=NOW.tzinfo))
    pages = await until(reader()(Answering(maker), part), SourceError, "the file of report .* is gone; the next attempt orders another")
    pages = await pages_of(reader(), Answering(maker), replace(part, cursor=pages[-1].cursor))
    assert (len(maker.ordered), pages[-1].last) == (2, True)


async def test_one_that_the_vendor_forgot_is_ordered_anew() -> None:
    maker = Maker()
    ordered = (await some_pages(reader(), Answering(maker), stretch(), most=2))[-1]
    maker.hidden |= set(maker.ordered)
    pages = await until(
        reader()(Answering(maker), replace(stretch(), cursor=ordered.cursor)), SourceError, "is not known to the vendor; the next attempt"
    )
    assert pages[-1].cursor is not None
    assert pages[-1].cursor["number"] == 2


async def test_a_look_that_finds_nothing_may_be_an_error_too() -> None:
    maker = Maker(looks=1)
    missing = iter([NotFound("no such report", status=404)])

    def body(request: Request) -> Any:
        return next(missing, None) or maker(request) if request.method == "GET" else maker(request)

    pages = await pages_of(reader(), Answering(body), stretch())
    assert pages[-1].last
