"""Attachments of chats for whoever asks: out of the cache, or through the gates of the shop they belong to, like any other request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from mpsyncd.model.attachment import Attachment, NotYet
from mpsyncd.model.errors import Refused, StorageUnavailable
from mpsyncd.model.stream import Lane
from mpsyncd.storage import chats, requests, shops
from mpsyncd.storage.files import FileCache

if TYPE_CHECKING:
    from datetime import datetime

    from mpsyncd.daemon.connections import Connections
    from mpsyncd.model.clock import Clock
    from mpsyncd.settings import Settings
    from mpsyncd.storage.pool import Database

log = structlog.get_logger(__name__)

_AT_ONCE = 4
"""Files that are held in memory at the same time."""


def file_cache(settings: Settings) -> FileCache:
    """The cache that the settings describe."""
    given = settings.attachments
    return FileCache(folder=settings.attachments_dir, most=given.size_mb << 20, keep=given.keep)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachments:
    """One per daemon."""

    pool: Database
    connections: Connections
    cache: FileCache
    clock: Clock
    seats: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def fetch(self, shop_id: int, download_id: str) -> Attachment | NotYet:
        """One attachment that a message of this shop has.

        Raises:
            NotThere: no message of the shop has it, or it was erased.
            Refused: the shop is not worked, or its source has no files.
            SourceError, Snooze, BadData: as the source says.
        """
        async with self.pool.connection() as connection:
            shop = await shops.get(connection, shop_id)
            known = await chats.attachment(connection, shop_id, download_id)
        async with self.seats:
            content: bytes | NotYet | None = await self.cache.get(shop_id, download_id)
            if content is None:
                if (why := requests.idle_because(shop)) is not None:
                    raise Refused(why)
                source = self.connections.sources[shop.source]
                if source.attachment is None:
                    raise Refused(f"{source.name} has no attachments to fetch.")
                async with self.connections.connect(shop, lane=Lane.LIVE, manual=True, reason=_unheard) as api:
                    content = await source.attachment(api, download_id)
                if isinstance(content, bytes):
                    await self.cache.put(shop_id, download_id, content)
        return content if isinstance(content, NotYet) else Attachment(name=known.name, content=content)

    async def clean(self) -> None:
        """Remove files that are too old, too many, or of messages that are not here any more."""
        await self.cache.tidy(self.clock.now())
        try:
            for shop_id in await self.cache.shops():
                async with self.pool.connection() as connection:
                    digests = await chats.attachment_digests(connection, shop_id)
                await self.cache.keep_only(shop_id, digests)
        except StorageUnavailable as error:
            log.debug("chore_postponed", chore="attachments", error=str(error))


def _unheard(reason: str | None, until: datetime | None) -> None:
    """Who waits for a file has nobody to tell it to."""
