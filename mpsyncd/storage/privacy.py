"""Forgetting what was said in chats, for good: what is stored is blanked, and what is read later is blanked before it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsyncd.model.errors import NotThere

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpsyncd.storage.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was blanked. downloads: ids of attachments whose files may still be in a cache."""

    chats: int
    events: int
    attachments: int
    downloads: Sequence[str]


_OF_CLIENT = """
SELECT chat_id FROM public.chats WHERE store_id = $1 AND lower(client_name) = lower($2)
UNION SELECT chat_id FROM public.chat_messages WHERE store_id = $1 AND lower(client_name) = lower($2) ORDER BY 1
"""
_KNOWN = "SELECT chat_id FROM public.chats WHERE store_id = $1 AND chat_id = ANY ($2)"
_ERASE = "SELECT erased, messages, attachments FROM mpsync.erase_chats($1, $2, $3)"
_DOWNLOADS = "SELECT DISTINCT download_id FROM public.chat_attachments WHERE store_id = $1 AND chat_id = ANY ($2)"


async def chats_of(connection: Connection, shop_id: int, client: str) -> Sequence[str]:
    """Chats of a shop in which the buyer goes by this name; there may be several buyers of one name."""
    return [row["chat_id"] for row in await connection.fetch(_OF_CLIENT, shop_id, client)]


async def erase(connection: Connection, shop_id: int, chats: Sequence[str], *, by: str) -> Erased:
    """Blank chats with their messages; a page in hand is committed before, every later one is blanked.

    Raises:
        NotThere: one of them is not among the shop's chats; nothing was erased.
    """
    async with connection.transaction():
        known = {row["chat_id"] for row in await connection.fetch(_KNOWN, shop_id, list(chats))}
        if missing := [chat for chat in chats if chat not in known]:
            raise NotThere(f"Shop {shop_id} has no chat {missing[0]!r}; nothing was erased.")
        downloads = [row["download_id"] for row in await connection.fetch(_DOWNLOADS, shop_id, list(chats))]
        row = await connection.fetchrow(
            "SELECT erased, messages, attachments FROM mpsync.erase_chats($1, $2, $3)", shop_id, list(chats), by
        )
        assert row is not None  # noqa: S101 - a function has one row
    return Erased(chats=row["erased"], events=row["messages"], attachments=row["attachments"], downloads=downloads)
