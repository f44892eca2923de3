"""The funnel's history as a report, from the sandbox's ZIP into a real database: killed at every request, failed, forgotten."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from mpsyncd.model.errors import SourceError
from mpsyncd.model.request import Answer, Request, Response
from mpsyncd.model.stream import Lane
from mpsyncd.sandbox import SellerSpec
from mpsyncd.sources.wildberries.source import WILDBERRIES
from mpsyncd.storage.pool import Database
from mpsyncd.transport.decoding import opened
from mpsyncd.transport.spool import MemoryBody
from support import wb_loading
from support.sandbox_caller import Caller
from support.wb_loading import Killed, Loading, MortalApi

SHOP = SellerSpec(name="shop", title="ООО Отчёты", cards=8, trashed=1, orders=20, jam=True)
REPORTS = "/api/v2/nm-report/downloads"


class FilesApi(MortalApi):
    """Reads files as the transport does. `answered`: dies when the answer is there, and nobody has seen it yet."""

    answered = False

    async def send(self, request: Request) -> Answer:
        lives, self.lives = self.lives, -1 if self.answered else self.lives
        answer = await (super().send(request) if request.rows_format == "json" else self._file(request))
        if self.answered and self.asked > lives >= 0:
            raise Killed
        self.lives = lives
        return answer

    async def _file(self, request: Request) -> Answer:
        if self.asked == self.lives:
            raise Killed
        self.asked += 1
        signed = WILDBERRIES.authorize(request, {"token": self.caller.token})
        self.caller.wait(60)
        asked_at = self.caller.now
        told = self.caller.get(f"/wb/{signed.host}{signed.path}?{urlencode(signed.params)}", token=signed.headers["Authorization"])
        error = WILDBERRIES.classify(Response(status=told.status, headers={}, body=bytes(told.body)), request)
        if error is not None:
            raise error
        envelope, rows = await opened(MemoryBody(bytes(told.body)), request, status=told.status, limit=1 << 30)
        return Answer(status=told.status, headers={}, envelope=envelope, rows=rows, asked_at=asked_at)


@pytest.fixture(autouse=True)
def _files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wb_loading, "MortalApi", FilesApi)


async def loading(pool: Database, database: str) -> Loading:
    """A shop whose cards and last days are known."""
    load = await Loading.begin(Caller(SHOP), pool, database)
    await load.load("cards", "cards_trash")
    await load.run("funnel")
    return load


def ordered(load: Loading) -> int:
    return len([request for request in load.asked(REPORTS) if (request["method"], request["status"]) == ("POST", 200)])


async def patiently(load: Loading, *, lives: int = -1, answered: bool = False) -> None:
    """Read the history, behind kills and errors, until it is read."""
    for _ in range(40):
        try:
            await load.run("funnel", Lane.BACKFILL, lives=lives, answered=answered)
        except Killed:
            continue
        return
    pytest.fail("it never ended")


async def test_a_year_is_one_report_and_equal_to_the_truth(pool: Database, database: str) -> None:
    load = await loading(pool, database)
    await patiently(load)
    assert ordered(load) == 1
    assert await load.value("SELECT count(DISTINCT day) FROM wb.funnel") > 340
    assert await load.untrue("wb.funnel") == []


@pytest.mark.parametrize("answered", [False, True], ids=["before the request", "before the commit"])
async def test_a_kill_at_every_request_orders_no_second_report(pool: Database, database: str, answered: bool) -> None:
    load = await loading(pool, database)
    with pytest.raises(Killed):
        await load.run("funnel", Lane.BACKFILL, lives=0, answered=answered)
    await patiently(load, lives=1 if answered else 2, answered=answered)
    assert ordered(load) == 1
    assert await load.untrue("wb.funnel") == []


async def test_one_that_failed_is_asked_for_once_more(pool: Database, database: str) -> None:
    load = await loading(pool, database)
    load.caller.bare("POST", "/_faults", [{"kind": "report_failed", "count": 1}])
    await patiently(load)
    assert (ordered(load), len(load.asked(f"{REPORTS}/retry"))) == (1, 1)
    assert await load.untrue("wb.funnel") == []


async def test_one_that_was_left_for_days_is_ordered_anew(pool: Database, database: str) -> None:
    load = await loading(pool, database)
    with pytest.raises(Killed):
        await load.run("funnel", Lane.BACKFILL, lives=2)
    load.caller.wait(timedelta(days=4).total_seconds())
    with pytest.raises(SourceError, match="is gone; the next attempt orders another one"):
        await load.run("funnel", Lane.BACKFILL)
    await patiently(load)
    assert ordered(load) == 2
    await load.load("cards", "cards_trash")
    await load.run("funnel")
    assert await load.untrue("wb.funnel") == []
