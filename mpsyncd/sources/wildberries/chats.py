"""Chats with buyers (vendor's page "Buyers chat", read October 2026): the list of chats, and the one stream of events of all of them.

There is no history by chat. The stream begins with the oldest event when it is asked without `next`, and is read to its end when an answer
has none; how long the vendor keeps events is not published. Chats leave the list without being gone, so nothing here is ever swept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import SliceKind
from mpsyncd.model.request import Request
from mpsyncd.model.stream import Erasable, Parents, Reference, Stream, Table
from mpsyncd.sources.mapped import mapped
from mpsyncd.sources.pagers import Turn
from mpsyncd.sources.reading import opened, paged
from mpsyncd.sources.rows import instant, together, utc_time, whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from mpsyncd.model.page import Cursor, Page, Slice
    from mpsyncd.model.request import Answer, Api, Document
    from mpsyncd.model.stream import Read

_HOST, _CAPABILITY = "buyer-chat-api", "buyer_chat"
_CHATS = Request(method="GET", host=_HOST, path="/api/v1/seller/chats", rows_at="result", limits=("chat.chats",), private=True)
_EVENTS = Request(method="GET", host=_HOST, path="/api/v1/seller/events", rows_at="result.events", limits=("chat.events",), private=True)
# The size of a page is not published; the smallest one that was seen keeps plans from promising too much.
_PAGE = 50
_WHOLE = whole("value")
_KEPT = ("chatID", "eventID", "eventType", "isNewChat", "source", "addTimestamp", "addTime", "sender")
_LISTS = (("file", "files"), ("image", "images"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Next:
    """The position is `next`, a moment in milliseconds, with that of the stream's first event; an empty answer moves nothing."""

    def ask(self, request: Request, *, part: Slice, cursor: Cursor | None) -> Request:
        _ = part
        return request if cursor is None else request.with_params(next=str(cursor["next"]))

    async def turn(self, answer: Answer, *, part: Slice, cursor: Cursor | None) -> Turn:
        told = answer.envelope.get("result") if isinstance(answer.envelope, dict) else None
        told = told if isinstance(told, dict) else {}
        if not answer.rows.count:
            if _number(told.get("totalEvents")):
                raise BadData(f"the answer says that there are {told['totalEvents']} events and holds none")
            return Turn(cursor=cursor, last=True, until=part.now)
        position = _number(told.get("next"))
        if not position:
            raise BadData("the answer has no usable next: there is no telling where the next page begins")
        if cursor is not None and position <= cursor["next"]:
            raise BadData(
                f"asked for events behind {cursor['next']}, got {answer.rows.count} and the position {position}: it does not move"
            )
        begun = cursor["begun"] if cursor is not None else _milliseconds(told.get("oldestEventTime"))
        share = None
        if part.kind is SliceKind.WALK and begun is not None:
            share = min(1.0, max(0.0, (position - begun) / max(1.0, part.now.timestamp() * 1000 - begun)))
        return Turn(cursor={"next": position, "begun": begun}, last=False, until=_moment(position), share=share)


def _number(value: Any) -> int:
    """A whole number, as a text too; 0 for anything else."""
    try:
        return int(_WHOLE({"value": value}).get("value") or 0)
    except BadData:
        return 0


def _milliseconds(value: Any) -> int | None:
    try:
        moment = instant(value, zone=UTC)
    except BadData:
        return None
    return None if moment is None else round(moment.timestamp() * 1000)


def _moment(position: int) -> datetime:
    try:
        return datetime.fromtimestamp(position / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise BadData(f"the position {str(position)[:30]} is no moment in milliseconds") from None


def _doubted(read: Read) -> Read:
    """The same pages; the last one tells when the list of chats knows of messages that are older than the stream."""

    async def pages(api: Api, part: Slice) -> AsyncIterator[Page]:
        async with opened(read, api, part) as inner:
            async for page in inner:
                yield replace(page, doubt=await _doubt(part, page.cursor)) if page.last else page

    return pages


async def _doubt(part: Slice, cursor: Cursor | None) -> str | None:
    begun = cursor["begun"] if cursor is not None else None
    if part.parents is None or (cursor is not None and begun is None):
        return None
    older = 0
    async for chats in part.parents():
        older += sum(at is not None and (begun is None or at < begun) for at in map(_last_at, chats))
    if not older:
        return None
    where = "is empty" if begun is None else f"begins at {_moment(begun):%Y-%m-%d %H:%M} UTC"
    return f"the vendor's stream of events {where}, but {older} chats of the list have older messages: those can not be read"


def _last_at(chat: Any) -> int | None:
    message = chat["last_message"]
    return _number(message.get("addTimestamp")) or None if isinstance(message, dict) else None


def _flat(event: Document) -> tuple[Document]:
    """The event with what its message holds beside its own keys."""
    message = event.get("message")
    if not isinstance(message, dict):
        return (event,)
    own = {key: value for key, value in event.items() if key != "message"}
    return ({**own, **{f"message_{key}" if key in own else key: value for key, value in message.items()}},)


def _attachments(event: Document) -> Iterator[Document]:
    shown = event.get("attachments")
    listed = shown if isinstance(shown, dict) else {}
    for kind, name in _LISTS:
        for each in listed.get(name) or ():
            yield {"eventID": event["eventID"], "chatID": event.get("chatID"), "kind": kind, **each}


def _blank_chat(chat: Document) -> Document:
    return {"chatID": chat["chatID"]}


def _blank_event(event: Document) -> Document:
    """When something was said, and by which side; that it was said is an empty text."""
    kept = {key: event[key] for key in _KEPT if key in event}
    return kept | ({} if event.get("text") is None and event.get("attachments") is None else {"text": ""})


CHATS = Stream(
    name="chats",
    tables=(Table(name="wb.chats", key=("chat_id",), erasable=Erasable(table="wb.chats", by="chatID", blank=_blank_chat)),),
    read=paged(_CHATS, often_empty=True),
    schedule="frequent",
    walk=timedelta(0),
    sweeps=False,
    along=("chat_events",),
    capability=_CAPABILITY,
    limits=_CHATS.limits,
    requests=lambda _: dict.fromkeys(_CHATS.limits, 1),
)
CHAT_EVENTS = Stream(
    name="chat_events",
    tables=(
        Table(
            name="wb.chat_events",
            key=("event_id",),
            row=together(whole("addTimestamp"), utc_time("addTime")),
            refers=(Reference(table=CHATS.main.name, columns={"chat_id": "chatID"}),),
            erasable=Erasable(table=CHATS.main.name, by="chatID", blank=_blank_event),
        ),
        Table(
            name="wb.chat_attachments",
            key=("event_id", "download_id"),
            part_of="wb.chat_events",
            rows=_attachments,
            row=together(whole("size"), utc_time("date")),
        ),
    ),
    read=_doubted(mapped(paged(_EVENTS, pager=_Next()), _flat)),
    schedule="frequent",
    walk=timedelta.max,
    sweeps=False,
    keeps_cursor=True,
    parents=Parents(stream=CHATS.name, table=CHATS.main.name, columns=("last_message",)),
    capability=_CAPABILITY,
    limits=_EVENTS.limits,
    page_rows=_PAGE,
)
