"""Introduces shops to their sources: keys out of the vault, limits from the key's own words, the way out through transport.

Keys live here for the time of one attempt. Decides nothing: the engine asks, this room connects.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.source import stored_identity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from mpsyncd.daemon.doctor import Doctor
    from mpsyncd.engine.ports import Reason
    from mpsyncd.model.clock import Clock
    from mpsyncd.model.request import Api
    from mpsyncd.model.shop import Shop
    from mpsyncd.model.source import Credentials, Identity, Source
    from mpsyncd.model.stream import Lane, Stream
    from mpsyncd.transport import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Opens the way to any shop's source. `secrets` reads and decrypts the fields of one shop, `scale` is the speed of limits."""

    sources: Mapping[str, Source]
    transport: Transport
    secrets: Callable[[int], Awaitable[Credentials]]
    doctor: Doctor
    clock: Clock
    scale: float

    @asynccontextmanager
    async def connect(self, shop: Shop, *, lane: Lane, manual: bool, reason: Reason) -> AsyncIterator[Api]:
        """Implements `engine.ports.Connect`. Raises Unauthorized for a key that can not work, without asking the vendor."""
        source = self.sources[shop.source]
        credentials = await self.secrets(shop.shop_id)
        identity = source.identify(credentials, self.clock.now())
        async with self.transport.open(
            source,
            shop_id=shop.shop_id,
            identity=identity,
            credentials=lambda: credentials,
            lane=lane,
            manual=manual,
            reason=reason,
        ) as api:
            yield api

    async def identity(self, shop: Shop) -> Identity:
        """What the stored key says of itself now; raises Unauthorized for one that can not work."""
        return self.sources[shop.source].identify(await self.secrets(shop.shop_id), self.clock.now())

    async def second_opinion(self, shop: Shop) -> str | None:
        """Implements `engine.ports.Doctor`: why the key does not work, None when anything at all does."""
        found = await self.doctor.check(shop.source, await self.secrets(shop.shop_id), shop_id=shop.shop_id)
        return None if found.valid else found.error

    def pace(self, shop: Shop, stream: Stream) -> timedelta:
        """Implements `engine.ports.Pace`: the slowest limit of the stream's requests."""
        rates = {rate.name: rate for rate in self.sources[shop.source].rates(stored_identity(shop.identity, shop.expires_at))}
        return max((rates[name].interval for name in stream.limits if name in rates), default=timedelta(0)) / self.scale
