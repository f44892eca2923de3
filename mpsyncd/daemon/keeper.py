"""Chores that nobody waits for: retention, purges, and a daily look at every key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from mpsyncd.model.errors import MpsyncdError, StorageUnavailable, Unauthorized
from mpsyncd.sources import SOURCES
from mpsyncd.storage import feeds, reload, shop_status, shops, webhook_status
from mpsyncd.storage.maintenance import Retention, purge_removed, sweep_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsyncd.daemon.connections import Connections
    from mpsyncd.daemon.stores import Storage
    from mpsyncd.model.shop import Shop
    from mpsyncd.settings import Settings

log = structlog.get_logger(__name__)

CLEAN_EVERY = timedelta(minutes=5)
KEYS_EVERY = timedelta(hours=24)
FIRST_LOOK = timedelta(minutes=1)
MEASURE_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Does chores in small bounded pieces; the database being away only postpones them."""

    storage: Storage
    connections: Connections
    settings: Callable[[], Settings]

    async def clean(self) -> None:
        """One round of retention, and a piece of what is left of removed shops."""
        engine = self.settings().engine
        retention = Retention(
            runs=engine.keep_runs, events=engine.keep_events, rejected=engine.keep_rejected, deliveries=engine.keep_deliveries
        )
        try:
            await sweep_history(self.storage.pool, retention)
            await purge_removed(self.storage.pool, retention)
            async with self.storage.pool.connection() as connection:
                await reload.forget_old(connection, engine.keep_runs)
        except StorageUnavailable as error:
            log.debug("chore_postponed", chore="retention", error=str(error))

    async def measure_webhooks(self) -> None:
        """See how much of what changed the webhooks told."""
        try:
            async with self.storage.pool.connection() as connection:
                await webhook_status.measure(connection, {source.name: source.streams for source in SOURCES})
        except StorageUnavailable as error:
            log.debug("chore_postponed", chore="webhooks", error=str(error))

    async def look_at_keys(self) -> None:
        """Read every key again, ask whether refused ones work, and let what is parked alone have another try."""
        pool = self.storage.pool
        try:
            async with pool.connection() as connection:
                working = [shop for shop in await shops.list_shops(connection) if shop.works]
                refused = await shop_status.refused_keys(connection)
            for shop in working:
                await self._read(shop)
            for shop in refused:
                await self._look(shop)
            async with pool.connection() as connection:
                for shop_id in await feeds.parked_shops(connection):
                    await feeds.unpark(connection, shop_id)
        except StorageUnavailable as error:
            log.debug("chore_postponed", chore="keys", error=str(error))

    async def _read(self, shop: Shop) -> None:
        try:
            told = await self.connections.identity(shop)
        except Unauthorized as error:
            log.warning("key_unusable", shop=shop.shop_id, error=str(error))
            return
        for warning in told.warnings:
            log.warning("key_warning", shop=shop.shop_id, warning=warning)
        if told.as_json() != shop.identity:
            async with self.storage.pool.connection() as connection:
                await shops.tell_identity(connection, shop.shop_id, told)

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
