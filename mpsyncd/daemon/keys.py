"""Keys of shops that are worked now: one object a shop until its key changes, swapped in place, so that the next HTTP request has it.

A key lives here from the first attempt of its shop to the end of the last one.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from mpsyncd.model.errors import StorageUnavailable, Unauthorized
from mpsyncd.model.source import Key
from mpsyncd.storage import vault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from mpsyncd.model.clock import Clock
    from mpsyncd.model.shop import Shop
    from mpsyncd.model.source import Source
    from mpsyncd.storage.pool import Database
    from mpsyncd.storage.vault import Keyring, StoredKey

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Held:
    """The key of a shop at work, with the number of attempts that use it."""

    source: Source
    key: Key | None = None
    version: int = -1
    users: int = 0


class Keys:
    """One per daemon; `run` is one of its root tasks."""

    def __init__(self, database: Database, keyring: Keyring, *, sources: Mapping[str, Source], clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._sources = sources
        self._clock = clock
        self._held: dict[int, _Held] = {}
        self._noticed: set[int] = set()
        self._wanted = asyncio.Event()

    @asynccontextmanager
    async def of(self, shop: Shop) -> AsyncIterator[Callable[[], Key]]:
        """The key of a shop for the time of one attempt, whatever becomes of it meanwhile.

        Raises:
            Unauthorized: it can not work, and nobody needs to ask the vendor.
            StorageUnavailable, ConfigError: it can not be read.
        """
        held = self._held.setdefault(shop.shop_id, _Held(self._sources[shop.source]))
        held.users += 1
        try:
            key = self._take(held, await self.stored(shop.shop_id))
            yield lambda: held.key or key
        finally:
            held.users -= 1
            if not held.users:
                self._held.pop(shop.shop_id, None)

    async def stored(self, shop_id: int) -> StoredKey:
        """The key as it is stored now."""
        async with self._database.connection() as connection:
            return await vault.load_key(connection, self._keyring, shop_id)

    def swap(self, keys: Mapping[int, StoredKey]) -> None:
        """Use these keys from the next HTTP request on, as far as they are newer than what is used. Never waits."""
        for shop_id, stored in keys.items():
            if shop_id in self._held:
                try:
                    self._take(self._held[shop_id], stored)
                except Unauthorized as error:
                    log.warning("key_unusable", shop=shop_id, error=str(error))

    def notice(self, shop_id: int | None) -> None:
        """Something changed about a shop, or about any of them (None): look whether it was the key."""
        self._noticed.update(self._held if shop_id is None else self._held.keys() & {shop_id})
        if self._noticed:
            self._wanted.set()

    async def run(self) -> None:
        """Follow changes of keys until cancelled; a database that is away is asked again by the next attempt."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            noticed, self._noticed = self._noticed, set()
            try:
                await self._follow(sorted(noticed))
            except StorageUnavailable as error:
                log.debug("chore_postponed", chore="follow keys", error=str(error))

    async def _follow(self, shop_ids: list[int]) -> None:
        async with self._database.connection() as connection:
            versions = await vault.key_versions(connection, shop_ids)
            newer = [shop_id for shop_id, version in versions.items() if shop_id in self._held and version > self._held[shop_id].version]
            found = await vault.load_keys(connection, self._keyring, newer) if newer else {}
        self.swap({shop_id: key for shop_id, key in found.items() if isinstance(key, vault.StoredKey)})

    def _take(self, held: _Held, stored: StoredKey) -> Key:
        """The key to use: what was read, unless a newer one is here already."""
        if held.key is None or stored.version > held.version:
            identity = held.source.identify(stored.secrets, self._clock.now())
            held.key, held.version = Key(credentials=stored.secrets, identity=identity), stored.version
        return held.key
