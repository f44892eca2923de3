"""The stream of events of chats, and files: positions that move, what is left of the way, doubts, and a vendor who is not done yet."""

from datetime import timedelta
from typing import Any

import pytest

from mpsyncd.model.attachment import NotYet
from mpsyncd.model.errors import BadData, NotFound
from mpsyncd.model.page import SliceKind
from mpsyncd.model.request import Answer, Request, Response
from mpsyncd.sources.listed import ListedRows
from mpsyncd.sources.wildberries.attachments import LONGEST, fetch_attachment
from mpsyncd.sources.wildberries.chats import CHAT_EVENTS
from mpsyncd.sources.wildberries.errors import classify
from support.reads import Answering, killed_behind_every_page, pages_of, parents_of, rows_of, stretch
from support.sources import NOW


def milliseconds(days: float) -> int:
    return round((NOW - timedelta(days=days)).timestamp() * 1000)


def page(following: Any, *days: float, begin: float | None = None) -> dict[str, Any]:
    """An answer with an event of so many days ago each."""
    events = [
        {"chatID": "1:c", "eventID": f"e-{day}", "eventType": "message", "addTimestamp": milliseconds(day), "message": {"text": "?"}}
        for day in days
    ]
    oldest = {} if begin is None else {"oldestEventTime": (NOW - timedelta(days=begin)).isoformat()}
    return {"result": {"next": following, "totalEvents": len(events), "events": events, **oldest}, "errors": None}


STREAM = {
    None: page(milliseconds(6), 10, 6, begin=10),
    str(milliseconds(6)): page(str(milliseconds(2)), 4, 2),
    str(milliseconds(2)): page(milliseconds(0), begin=None),
}


def asked(request: Request) -> Any:
    return STREAM[request.params.get("next")]


def walk(*chats: dict[str, Any]) -> Any:
    return stretch(kind=SliceKind.WALK, parents=parents_of([{"chat_id": f"1:{place}", **chat} for place, chat in enumerate(chats)]))


async def test_the_position_moves_with_the_pages_and_stays_at_the_end() -> None:
    pages = await pages_of(CHAT_EVENTS.read, Answering(asked), walk())
    assert [page.cursor for page in pages][-1] == {"next": milliseconds(2), "begun": milliseconds(10)}, "an empty page moves nothing"
    assert [page.share and round(page.share, 2) for page in pages] == [0.4, 0.8, None, None]
    assert [page.until for page in pages] == [NOW - timedelta(days=6), NOW - timedelta(days=2), None, NOW]
    assert [page.doubt for page in pages] == [None] * 4


async def test_a_kill_behind_any_page_loses_nothing() -> None:
    pages = await killed_behind_every_page(CHAT_EVENTS.read, Answering(asked), walk())
    assert {row["eventID"] for row in await rows_of(*pages)} == {"e-10", "e-6", "e-4", "e-2"}  # type: ignore[index]
    assert {row["text"] for row in await rows_of(*pages)} == {"?"}  # type: ignore[index]


@pytest.mark.parametrize("following", [milliseconds(6), milliseconds(7), None, "soon", True, 0])
async def test_a_position_that_does_not_move_ends_the_read(following: Any) -> None:
    api = Answering(lambda request: page(following, 5) if "next" in request.params else page(milliseconds(6), 10, begin=10))
    with pytest.raises(BadData, match=r"does not move|no usable next"):
        await pages_of(CHAT_EVENTS.read, api, walk())


async def test_events_that_are_announced_and_missing_are_no_end() -> None:
    told = page(milliseconds(1))
    told["result"]["totalEvents"] = "7"
    with pytest.raises(BadData, match="7 events and holds none"):
        await pages_of(CHAT_EVENTS.read, Answering(lambda _: told), walk())


@pytest.mark.parametrize(
    "chats, doubt",
    [
        ([{"last_message": {"addTimestamp": milliseconds(10)}}, {"last_message": None}], None),
        ([{"last_message": {"addTimestamp": milliseconds(11)}}, {"last_message": {"addTimestamp": str(milliseconds(30))}}], "2 chats"),
        ([{"last_message": {"addTimestamp": "soon"}}, {"last_message": []}, {"last_message": {}}], None),
    ],
)
async def test_messages_that_are_older_than_the_stream_are_a_doubt(chats: list[dict[str, Any]], doubt: str | None) -> None:
    told = (await pages_of(CHAT_EVENTS.read, Answering(asked), walk(*chats)))[-1].doubt
    assert told is None if doubt is None else doubt in (told or "")


async def test_an_empty_stream_beside_chats_with_messages_is_a_doubt() -> None:
    pages = await pages_of(CHAT_EVENTS.read, Answering(lambda _: page(milliseconds(0))), walk({"last_message": {"addTimestamp": 1}}))
    assert "is empty" in (pages[-1].doubt or "")
    assert pages[-1].cursor is None, "the next read begins at the beginning too"


class Files:
    """Answers with bytes."""

    def __init__(self, status: int, content: bytes | None) -> None:
        self.status, self.content = status, content
        self.asked: list[Request] = []

    async def send(self, request: Request) -> Answer:
        self.asked.append(request)
        return Answer(status=self.status, headers={}, envelope=self.content, rows=ListedRows(), asked_at=NOW)


async def test_a_file_is_its_bytes_and_its_name_is_no_path() -> None:
    api = Files(200, b"{}")
    assert await fetch_attachment(api, "../chats?x=1") == b"{}"
    [request] = api.asked
    assert request.path == "/api/v1/seller/download/..%2Fchats%3Fx%3D1"
    assert (request.longest, request.limits) == (LONGEST, ("chat.download",))


@pytest.mark.parametrize(
    "body, seconds",
    [
        (b'{"retrySeconds": 45}', 45),
        (b'{"retrySeconds": 999999}', 3600),
        (b'{"retrySeconds": -1}', 30),
        (b"[]", 30),
        (b"<", 30),
        (None, 30),
    ],
)
async def test_a_file_under_moderation_is_for_later(body: bytes | None, seconds: int) -> None:
    assert await fetch_attachment(Files(202, body), "d") == NotYet(until=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("content", [b"", None])
async def test_an_empty_file_is_no_file(content: bytes | None) -> None:
    with pytest.raises(BadData, match="came empty"):
        await fetch_attachment(Files(200, content), "d")


def test_a_file_that_did_not_pass_the_moderation_is_not_there() -> None:
    request = Request(method="GET", host="buyer-chat-api", path="/api/v1/seller/download/d", rows_at=None, rows_format="file")
    body = b'{"status": 451, "title": "Unavailable for Legal Reasons", "detail": "moderation error"}'
    error = classify(Response(status=451, headers={}, body=body), request)
    assert isinstance(error, NotFound)
    assert error.status == 451
