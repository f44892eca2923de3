"""Buyer chats: `GET buyer-chat-api /api/v1/seller/chats`, `…/events`, `…/download/{id}` (wildberries.md §9; official YAML of 2026-08-18).

One stream of events for all chats, from the oldest. `next` is a moment in milliseconds, and later events follow; where a page ends between
events of one moment, `next` lies before that moment, so that these come twice rather than never.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import islice
from types import MappingProxyType

import orjson

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import PROBLEM_JSON, Request, Response, json_response
from mpsyncd.sandbox.wildberries.asking import strange
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.spelling import zulu
from mpsyncd.sandbox.world.chat_book import ChatBook
from mpsyncd.sandbox.world.talk import Attachment, Bought, Chat, ChatEvent, Moderation, Speaker

_LIMIT, _ONCE = Limit.per(10, limit=10, burst=10), Limit.per(3_600, limit=1, burst=1)
_FILES_BASE_LIMIT = Limit.per(3_600, limit=10, burst=1)
SENDERS: Mapping[Speaker, str] = MappingProxyType({Speaker.BUYER: "client", Speaker.SELLER: "seller", Speaker.MARKET: "wb"})
_MILLISECOND = timedelta(milliseconds=1)
_FIRST = datetime(2015, 1, 1, tzinfo=UTC)
_LONGEST = 13
_MODERATED = timedelta(minutes=5)
_RETRY = 30
_HEADS: Mapping[str, bytes] = MappingProxyType(
    {"image/jpeg": b"\xff\xd8\xff\xe0", "image/png": b"\x89PNG\r\n\x1a\n", "application/pdf": b"%PDF-1.4\n"}
)


def chats(call: Call) -> Response:
    """All chats that are not closed, at once."""
    if name := strange(call.request, known=()):
        return _refusal(f'Unexpected parameter "{name}"')
    book = call.seller.chats
    return json_response({"result": [chat_row(book, chat) for chat in book.chats() if chat.listed], "errors": None})


def events(call: Call) -> Response:
    """The next page of the stream; without `next` it begins with the oldest event."""
    if name := strange(call.request, known=("next",)):
        return _refusal(f'Unexpected parameter "{name}"')
    text = dict(call.request.query).get("next")
    after = None
    if text is not None:
        if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST):
            return _refusal("Invalid number")
        after = datetime.fromtimestamp(int(text) / 1_000, UTC)
        if not _FIRST < after <= call.moment:
            return _refusal('Invalid value for "next"')
    page, rest = _page(call.seller.chats, after, size=call.options.events_cap)
    position = _position(page, rest, after or call.moment)
    told: dict[str, object] = {"next": position, "totalEvents": len(page), "events": [event_row(one, call.seller.chats) for one in page]}
    if page:
        told |= {"newestEventTime": zulu(page[-1].at), "oldestEventTime": zulu(page[0].at)}
    return json_response({"result": told, "errors": None})


def download(call: Call) -> Response:
    """The bytes of a file or a picture, if they passed the moderation."""
    one = call.seller.chats.attachment(call.request.path.rpartition("/")[2])
    if one is None:
        return _refusal("invalid fileID", title="invalid fileID")
    if one.moderation is Moderation.REFUSED:
        body = {
            "status": 451,
            "title": "Unavailable for Legal Reasons",
            "origin": "proxy-chats",
            "detail": "moderation error",
            "requestId": _request_id(one.number),
        }
        return Response(status=HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS, body=orjson.dumps(body), content_type=PROBLEM_JSON)
    if one.moderation is Moderation.SLOW and call.moment < one.loaded_at + _MODERATED:
        return json_response({"moderationState": "pending", "retrySeconds": _RETRY}, status=HTTPStatus.ACCEPTED)
    return Response(body=content(one), content_type=one.kind)


def chat_row(book: ChatBook, chat: Chat) -> dict[str, object]:
    """One chat as the vendor spells it."""
    last = book.last_message(chat)
    return {
        "chatID": chat.number,
        "replySign": chat.sign,
        "clientName": chat.buyer,
        **({} if chat.bought is None else {"goodCard": good_card(chat.bought)}),
        **({} if last is None else {"lastMessage": {"text": last.text or "", "addTimestamp": milliseconds(last.at)}}),
    }


def event_row(event: ChatEvent, book: ChatBook) -> dict[str, object]:
    """One event as the vendor spells it; what it does not have is left out."""
    chat = book.chat(event.chat)
    message = message_of(event)
    return {
        "chatID": event.chat,
        "eventID": event.number,
        "eventType": "message",
        **({"isNewChat": True} if event.opens else {}),
        **({"message": message} if message else {}),
        **({"source": event.source} if event.source else {}),
        "addTimestamp": milliseconds(event.at),
        "addTime": zulu(event.at),
        **({"replySign": chat.sign} if event.opens else {}),
        "sender": SENDERS[event.speaker],
        **({"clientName": chat.buyer} if event.speaker is Speaker.BUYER else {}),
    }


def message_of(event: ChatEvent) -> dict[str, object]:
    """What was said and shown; nothing for a mark of the vendor's own."""
    shown = attachments_of(event)
    return {**({"attachments": shown} if shown else {}), **({} if event.text is None else {"text": event.text})}


def attachments_of(event: ChatEvent) -> dict[str, object]:
    """The goods, files and pictures of an event."""
    files = [_file(one) for one in event.attachments if not one.is_picture]
    images = [_image(one) for one in event.attachments if one.is_picture]
    return {
        **({} if event.bought is None else {"goodCard": good_card(event.bought)}),
        **({"files": files} if files else {}),
        **({"images": images} if images else {}),
    }


def good_card(bought: Bought) -> dict[str, object]:
    """The goods that a chat is about."""
    return {"nmID": bought.nm_id, "price": bought.price, "priceCurrency": "RUB", "rid": bought.srid, "size": bought.size}


def content(one: Attachment) -> bytes:
    """What is in a file: its beginning is that of its kind, the rest is noise that is always the same."""
    noise = hashlib.sha256(one.number.encode()).digest()
    return _HEADS[one.kind] + noise * (16 + noise[0])


def milliseconds(moment: datetime) -> int:
    """Unix time in milliseconds."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // _MILLISECOND


def _page(book: ChatBook, after: datetime | None, *, size: int) -> tuple[list[ChatEvent], ChatEvent | None]:
    """A page and the event behind it; a tie that fills the page is never cut."""
    source = book.events(after=after)
    page = list(islice(source, size))
    rest = next(source, None)
    while rest is not None and page[0].at == page[-1].at == rest.at:
        page.append(rest)
        rest = next(source, None)
    return page, rest


def _position(page: list[ChatEvent], rest: ChatEvent | None, kept: datetime) -> int:
    if not page:
        return milliseconds(kept)
    cut = rest is not None and rest.at == page[-1].at
    return milliseconds(page[-1].at) - cut


def _file(one: Attachment) -> dict[str, object]:
    address = f"https://chat-basket.wbbasket.example/{one.number}"
    return {"contentType": one.kind, "name": one.name, "size": len(content(one)), **_image(one), "url": f"{address}.pdf"}


def _image(one: Attachment) -> dict[str, object]:
    return {"date": zulu(one.loaded_at), "downloadID": one.number, "url": f"https://chat-basket.wbbasket.example/{one.number}"}


def _refusal(detail: str, *, title: str = "Bad Request") -> Response:
    body = {
        "status": 400,
        "title": title,
        "origin": "proxy-chats",
        "detail": detail,
        "requestId": _request_id(detail),
        "error": detail,
    }
    return json_response(body, status=HTTPStatus.BAD_REQUEST)


def _request_id(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _cursor(request: Request) -> object:
    return dict(request.query)


ENDPOINTS = (
    Endpoint(
        method="GET",
        host="buyer-chat-api",
        path="/api/v1/seller/chats",
        gate="chat.chats",
        limit=_LIMIT,
        base_limit=_ONCE,
        answer=chats,
        cursor=_cursor,
        empty=b'{"result":[],"errors":null}',
    ),
    Endpoint(
        method="GET",
        host="buyer-chat-api",
        path="/api/v1/seller/events",
        gate="chat.events",
        limit=_LIMIT,
        base_limit=_ONCE,
        answer=events,
        cursor=_cursor,
        empty=b'{"result":{"events":[],"totalEvents":0},"errors":null}',
        enums=frozenset({"eventType", "sender", "source"}),
    ),
    Endpoint(
        method="GET",
        host="buyer-chat-api",
        path="/api/v1/seller/download/{id}",
        gate="chat.download",
        limit=_LIMIT,
        base_limit=_FILES_BASE_LIMIT,
        answer=download,
    ),
)
