"""Webhooks as the outside meets them: secrets, deliveries on their way in, and what people see of both. Reads nothing of what came.

A secret is found by its digest; the secret itself lies encrypted in the vault, because people must be able to see the address again.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from mpsyncd.model.errors import NotThere, Refused
from mpsyncd.storage.nudge import notify
from mpsyncd.storage.vault import save_webhook_secret, webhook_secret

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mpsyncd.storage.pool import Connection
    from mpsyncd.storage.vault import Keyring

SECRET_BYTES = 32


def digest_of(secret: str) -> bytes:
    """What a secret is found by; 256 random bits need no salt."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


async def secret_of(connection: Connection, keyring: Keyring, shop_id: int) -> str:
    """The secret of a shop's webhooks; made when there is none yet."""
    return await webhook_secret(connection, keyring, shop_id) or await renew_secret(connection, keyring, shop_id)


async def renew_secret(connection: Connection, keyring: Keyring, shop_id: int) -> str:
    """Make a new secret and return it; the old one is refused from the next delivery on."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    await set_secret(connection, keyring, shop_id, secret)
    return secret


_SET = """
INSERT INTO mpsync.webhooks (shop_id, digest) VALUES ($1, $2) ON CONFLICT (shop_id) DO UPDATE SET digest = $2
"""


async def set_secret(connection: Connection, keyring: Keyring, shop_id: int, secret: str) -> None:
    """Give a shop's webhooks this secret, which somebody chose elsewhere.

    Raises:
        Refused: another shop has it; deliveries would not know whose they are.
    """
    async with connection.transaction():
        try:
            async with connection.transaction():
                await connection.execute(_SET, shop_id, digest_of(secret))
        except asyncpg.UniqueViolationError:
            raise Refused("Another shop has this webhook secret already; each needs one of its own.") from None
        await save_webhook_secret(connection, keyring, shop_id, secret)
        # Where notifications do not come through, a newer shop is what wakes the daemons.
        await connection.execute("UPDATE mpsync.shops SET updated_at = now() WHERE shop_id = $1", shop_id)
        await notify(connection, shop_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose secret it is. `digest`: what the secret must come to."""

    shop_id: int
    source: str
    digest: bytes


_HOLDER = """
SELECT w.shop_id, s.source, w.digest FROM mpsync.webhooks w JOIN mpsync.shops s USING (shop_id)
WHERE w.digest = $1 AND s.status <> 'removing'
"""


async def holder(connection: Connection, digest: bytes) -> Holder | None:
    """The shop whose secret has this digest, None when nobody's has."""
    row = await connection.fetchrow(_HOLDER, digest)
    return None if row is None else Holder(**dict(row))


# One round trip. The delivery is promised to the vendor by the answer, so it is on disk before, whatever the server's settings say.
_KEEP = """
WITH durable AS MATERIALIZED (SELECT set_config('synchronous_commit', 'on', true) AS told)
INSERT INTO mpsync.webhook_deliveries (shop_id, body)
SELECT each.shop_id, each.body FROM durable, unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY AS each (shop_id, body, place)
WHERE durable.told = 'on' ORDER BY each.place
RETURNING delivery_id
"""


async def keep(connection: Connection, deliveries: Sequence[tuple[int, bytes]]) -> Sequence[int]:
    """Write deliveries (shop, body) down in one durable commit; return their numbers in order."""
    rows = await connection.fetch(_KEEP, [shop_id for shop_id, _ in deliveries], [body for _, body in deliveries])
    return [row["delivery_id"] for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """One delivery as people see it. `bytes` is the length of its body."""

    delivery_id: int
    received_at: datetime
    state: str
    event: str | None
    attempts: int
    error: str | None
    run_id: int | None
    processed_at: datetime | None
    bytes: int


_LIST = """
SELECT delivery_id, received_at, state, event, attempts, error, run_id, processed_at, octet_length(body) AS bytes
FROM mpsync.webhook_deliveries WHERE shop_id = $1 ORDER BY delivery_id DESC LIMIT $2
"""
_SHOW = """
SELECT delivery_id, received_at, state, event, attempts, error, run_id, processed_at, octet_length(body) AS bytes
FROM mpsync.webhook_deliveries WHERE delivery_id = $1
"""


async def list_deliveries(connection: Connection, shop_id: int, *, limit: int) -> Sequence[DeliveryView]:
    """The newest deliveries of a shop."""
    return [DeliveryView(**dict(row)) for row in await connection.fetch(_LIST, shop_id, limit)]


async def show_delivery(connection: Connection, delivery_id: int) -> DeliveryView:
    """One delivery; NotThere when there is none."""
    row = await connection.fetchrow(_SHOW, delivery_id)
    if row is None:
        raise NotThere(f"There is no delivery {delivery_id}; it may have been removed by age.")
    return DeliveryView(**dict(row))
