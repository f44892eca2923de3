"""Introduces shops to their sources: keys out of the vault, limits from the key's own words, the way out through transport.

Decides nothing: the engine asks, this room connects.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.source import stored_identity
from mpsyncd.model.stream import Lane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime

    from mpsyncd.daemon.doctor import Doctor
    from mpsyncd.daemon.keys import Keys
    from mpsyncd.engine.ports import Reason
    from mpsyncd.model.clock import Clock
    from mpsyncd.model.rate import Rate
    from mpsyncd.model.request import Api
    from mpsyncd.model.shop import Shop
    from mpsyncd.model.source import Identity, Source
    from mpsyncd.model.stream import Stream
    from mpsyncd.transport import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Opens the way to any shop's source. `scale` is the speed of limits."""

    sources: Mapping[str, Source]
    transport: Transport
    keys: Keys
    doctor: Doctor
    clock: Clock
    scale: float

    @asynccontextmanager
    async def connect(self, shop: Shop, *, lane: Lane, manual: bool, reason: Reason) -> AsyncIterator[Api]:
        """Implements `engine.ports.Connect`. Raises Unauthorized for a key that can not work, without asking the vendor."""
        source = self.sources[shop.source]
        async with (
            self.keys.of(shop) as key,
            self.transport.open(source, shop_id=shop.shop_id, key=key, lane=lane, manual=manual, reason=reason) as api,
        ):
            yield api

    @asynccontextmanager
    async def by_webhook(self, shop: Shop) -> AsyncIterator[Api]:
        """Implements `engine.webhooks.Connect`; raises like `connect`."""
        source = self.sources[shop.source]
        async with (
            self.keys.of(shop) as key,
            self.transport.open(source, shop_id=shop.shop_id, key=key, lane=Lane.LIVE, manual=False, reason=_unheard, webhook=True) as api,
        ):
            yield api

    async def identity(self, shop: Shop) -> Identity:
        """What the stored key says of itself now; raises Unauthorized for one that can not work."""
        return self.sources[shop.source].identify((await self.keys.stored(shop.shop_id)).secrets, self.clock.now())

    async def second_opinion(self, shop: Shop) -> str | None:
        """Implements `engine.ports.Doctor`: why the key does not work, None when anything at all does.

        It is the key that is stored now, which may be newer than the refused one; one that came during the look is looked at too.
        """
        stored = await self.keys.stored(shop.shop_id)
        while True:
            found = await self.doctor.check(shop.source, stored.secrets, shop_id=shop.shop_id)
            looked, stored = stored, await self.keys.stored(shop.shop_id)
            if found.valid or stored.version == looked.version:
                self.keys.swap({shop.shop_id: looked})
                return None if found.valid else found.error

    def rates(self, shop: Shop) -> Mapping[str, Rate]:
        """Implements `engine.ports.Rates`."""
        return self.transport.rates(self.sources[shop.source], stored_identity(shop.identity, shop.expires_at))

    def pace(self, shop: Shop, stream: Stream) -> timedelta:
        """Implements `engine.ports.Pace`: the slowest limit of the stream's requests."""
        rates = {rate.name: rate for rate in self.sources[shop.source].rates(stored_identity(shop.identity, shop.expires_at))}
        return max((rates[name].interval for name in stream.limits if name in rates), default=timedelta(0)) / self.scale


def _unheard(reason: str | None, until: datetime | None) -> None:
    """What a webhook touches has no feed whose wait could be shown."""
