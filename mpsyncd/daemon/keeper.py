"""Chores that nobody waits for: retention, purges, and a daily look at every key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from mpsyncd.model.errors import MpsyncdError, StorageUnavailable
from mpsyncd.storage import shop_status
from mpsyncd.storage.maintenance import Retention, purge_removed, sweep_history

if TYPE_CHECKING:
    from mpsyncd.daemon.connections import Connections
    from mpsyncd.daemon.stores import Storage
    from mpsyncd.model.shop import Shop
    from mpsyncd.settings import Settings

log = structlog.get_logger(__name__)

CLEAN_EVERY = timedelta(minutes=5)
KEYS_EVERY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Does chores in small bounded pieces; the database being away only postpones them."""

    storage: Storage
    connections: Connections
    settings: Settings

    async def clean(self) -> None:
        """One round of retention, and a piece of what is left of removed shops."""
        engine = self.settings.engine
        retention = Retention(runs=engine.keep_runs, events=engine.keep_events, rejected=engine.keep_rejected)
        try:
            await sweep_history(self.storage.pool, retention)
            await purge_removed(self.storage.pool, retention)
        except StorageUnavailable as error:
            log.debug("chore_postponed", chore="retention", error=str(error))

    async def look_at_keys(self) -> None:
        """Ask whether refused keys work again; what was parked for them goes on."""
        try:
            async with self.storage.pool.connection() as connection:
                refused = await shop_status.refused_keys(connection)
            for shop in refused:
                await self._look(shop)
        except StorageUnavailable as error:
            log.debug("chore_postponed", chore="keys", error=str(error))

    async def _look(self, shop: Shop) -> None:
        try:
            refusal = await self.connections.second_opinion(shop)
        except MpsyncdError as error:
            log.info("key_check_failed", shop=shop.shop_id, error=str(error))
            return
        if refusal is None:
            async with self.storage.pool.connection() as connection:
                await shop_status.enable(connection, shop.shop_id)
            log.info("key_works_again", shop=shop.shop_id)
