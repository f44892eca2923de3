"""Chats as people look at them: one line a chat, one whole correspondence, what is attached. Reads views that no vendor owns.

Pages follow a key, so that a chat that moves while somebody turns pages is neither missed nor shown twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import NotThere

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from mpsyncd.storage.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatView:
    """One chat. is_stub: known from its messages only. waiting_since: since when the buyer waits for an answer."""

    chat_id: str
    client_name: str | None
    goods: Any
    is_stub: bool
    erased: bool
    messages: int
    first_at: datetime | None
    last_at: datetime | None
    waiting_since: datetime | None
    first_answer: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """One message. `attachments` is what the vendor says of goods, files and pictures; files are fetched by their downloadID."""

    message_id: str
    sender: str | None
    client_name: str | None
    text: str | None
    sent_at: datetime | None
    sent_ms: int | None
    attachments: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentView:
    """What is known of a file before it is fetched."""

    name: str | None
    content_type: str | None
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which chats of a shop: those that wait for an answer, those with a message since, those in whose names or texts the words are."""

    unanswered: bool = False
    since: datetime | None = None
    words: str | None = None


_CHATS = """
SELECT chat_id, client_name, goods, is_stub, erased, messages, first_at, last_at, waiting_since, first_answer
FROM public.chats c
WHERE c.store_id = $1 AND (NOT $2 OR c.waiting_since IS NOT NULL) AND ($3::timestamptz IS NULL OR c.last_at >= $3)
  AND ($4::text IS NULL OR strpos(lower(c.client_name), lower($4)) > 0 OR c.chat_id IN (
      SELECT m.chat_id FROM public.chat_messages m WHERE m.store_id = $1 AND strpos(lower(m.text), lower($4)) > 0))
  AND ($5::timestamptz IS NULL OR (coalesce(c.last_at, 'epoch'), c.chat_id) < ($5, $6))
ORDER BY coalesce(c.last_at, 'epoch') DESC, c.chat_id DESC LIMIT $7
"""


async def list_chats(
    connection: Connection, shop_id: int, wanted: Wanted, *, before: tuple[datetime, str] | None, limit: int
) -> Sequence[ChatView]:
    """Chats of a shop, the one that moved last first; `before` is (last_at or 1970, chat_id) of the last one of the page before."""
    at, chat = before or (None, None)
    rows = await connection.fetch(_CHATS, shop_id, wanted.unanswered, wanted.since, wanted.words, at, chat, limit)
    return [ChatView(**dict(row)) for row in rows]


async def show_chat(connection: Connection, shop_id: int, chat_id: str) -> ChatView:
    """One chat; NotThere when the shop has none of this id."""
    row = await connection.fetchrow(
        "SELECT chat_id, client_name, goods, is_stub, erased, messages, first_at, last_at, waiting_since, first_answer "
        "FROM public.chats WHERE store_id = $1 AND chat_id = $2",
        shop_id,
        chat_id,
    )
    if row is None:
        raise NotThere(f"Shop {shop_id} has no chat {chat_id!r}.")
    return ChatView(**dict(row))


_MESSAGES = """
SELECT message_id, sender, client_name, text, sent_at, sent_ms, attachments FROM public.chat_messages
WHERE store_id = $1 AND chat_id = $2 AND ($3::bigint IS NULL OR (sent_ms, message_id) > ($3, $4))
ORDER BY sent_ms, message_id LIMIT $5
"""


async def messages(
    connection: Connection, shop_id: int, chat_id: str, *, after: tuple[int, str] | None = None, limit: int
) -> Sequence[MessageView]:
    """Messages of a chat, the oldest first; `after` is (sent_ms, message_id) of the last one of the page before."""
    at, message = after or (None, None)
    return [MessageView(**dict(row)) for row in await connection.fetch(_MESSAGES, shop_id, chat_id, at, message, limit)]


_ATTACHMENT = """
SELECT name, content_type, size FROM public.chat_attachments WHERE store_id = $1 AND download_id = $2 LIMIT 1
"""


async def attachment(connection: Connection, shop_id: int, download_id: str) -> AttachmentView:
    """What is known of an attachment; NotThere when no message of the shop has it."""
    row = await connection.fetchrow(_ATTACHMENT, shop_id, download_id)
    if row is None:
        raise NotThere(f"No message of shop {shop_id} has an attachment {download_id!r}.")
    return AttachmentView(**dict(row))


async def attachment_digests(connection: Connection, shop_id: int) -> Sequence[str]:
    """SHA-256 of the ids of all attachments of a shop, in hexadecimal digits."""
    rows = await connection.fetch(
        "SELECT encode(sha256(convert_to(download_id, 'UTF8')), 'hex') AS digest FROM public.chat_attachments WHERE store_id = $1", shop_id
    )
    return [row["digest"] for row in rows]
