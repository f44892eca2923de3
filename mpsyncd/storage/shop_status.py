"""Whether a shop is worked: paused, switched off, given a new key, removed. Every change nudges the daemon that holds the shop.

Rows of a removed shop are purged by `maintenance`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.model.errors import NotThere, Refused
from mpsyncd.model.rate import Scope
from mpsyncd.model.shop import Shop, ShopStatus
from mpsyncd.model.source import stored_identity
from mpsyncd.storage.nudge import notify
from mpsyncd.storage.shops import SHOPS, get, refuse_listed, set_capabilities, shop_of
from mpsyncd.storage.vault import save_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpsyncd.model.source import Credentials, Identity
    from mpsyncd.storage.pool import Connection
    from mpsyncd.storage.shops import Capabilities
    from mpsyncd.storage.vault import Keyring

_OWNERS = (Scope.SELLER, Scope.LOGIN)


async def set_paused(connection: Connection, shop_id: int, *, paused: bool) -> None:
    """Pause a shop or let it go on; runs under way end after the page in hand. Refused for a shop of the shop list."""
    await refuse_listed(connection, shop_id)
    await _changed(
        connection, shop_id, "UPDATE mpsync.shops SET paused = $2, updated_at = now() WHERE shop_id = $1 AND status <> 'removing'", paused
    )


async def disable(connection: Connection, shop_id: int, message: str) -> None:
    """Switch a shop off until `enable`; `message` is shown to people. Refused for a shop of the shop list."""
    await refuse_listed(connection, shop_id)
    await _changed(
        connection,
        shop_id,
        "UPDATE mpsync.shops SET status = 'disabled', status_message = $2, updated_at = now() WHERE shop_id = $1 AND status <> 'removing'",
        message,
    )


async def enable(connection: Connection, shop_id: int) -> None:
    """Switch a shop on again, with everything that its key had parked; its cursors are where they were."""
    async with connection.transaction():
        await revive(connection, [shop_id])
        if (await get(connection, shop_id)).status is ShopStatus.REMOVING:
            raise Refused(f"Shop {shop_id} is being removed and can not be changed.")
        await notify(connection, shop_id)


async def revive(connection: Connection, shop_ids: Sequence[int]) -> None:
    """The same for any number of shops, in the caller's transaction and without waking anybody."""
    if shop_ids:
        await connection.execute(_REVIVE, list(shop_ids))
        await connection.execute(_PROMOTE, list(shop_ids))


async def note(connection: Connection, shop_id: int, message: str | None) -> None:
    """Set the message that people see beside the status, without changing the status (a key that expires soon)."""
    await connection.execute("UPDATE mpsync.shops SET status_message = $2, updated_at = now() WHERE shop_id = $1", shop_id, message)


_REVIVE = """
WITH freed AS (
    UPDATE mpsync.feeds SET state = 'pending', next_due_at = now(), not_before = NULL, attempts = 0, park_capability = NULL, reason = NULL
    WHERE shop_id = ANY ($1::bigint[]) AND state = 'parked'
)
UPDATE mpsync.shops SET status = 'syncing', status_message = NULL, key_failed_at = NULL, updated_at = now()
WHERE shop_id = ANY ($1::bigint[]) AND status <> 'removing'
"""
_PROMOTE = """
UPDATE mpsync.shops s SET status = 'active', updated_at = now()
WHERE s.shop_id = ANY ($1::bigint[]) AND s.status = 'syncing'
  AND EXISTS (SELECT FROM mpsync.feeds f WHERE f.shop_id = s.shop_id AND f.last_success_at IS NOT NULL)
  AND NOT EXISTS (SELECT FROM mpsync.feeds f WHERE f.shop_id = s.shop_id AND f.state <> 'parked' AND CASE f.lane
      WHEN 'live' THEN f.last_success_at IS NULL ELSE f.last_full_at IS NULL END)
"""


async def promote(connection: Connection, shop_id: int) -> None:
    """Syncing becomes active when each feed that is not parked has succeeded once and all history is read."""
    await connection.execute(_PROMOTE, [shop_id])


async def replace_secrets(
    connection: Connection, keyring: Keyring, *, shop_id: int, secrets: Credentials, identity: Identity, found: Capabilities
) -> Shop:
    """Give a shop a new key: cursors and rows stay, everything parked goes on, a status "disabled" ends.

    Raises:
        NotThere: there is no such shop.
        Refused: the key belongs to another seller or login, whose rows must not be mixed with those that are here, or to a shop of the
            shop list, which has its key from there.
    """
    async with connection.transaction():
        shop = await get(connection, shop_id)
        if shop.status is ShopStatus.REMOVING:
            raise Refused(f"Shop {shop.name!r} is being removed.")
        await refuse_listed(connection, shop_id)
        if (why := other_owner(stored_identity(shop.identity, shop.expires_at), identity)) is not None:
            raise Refused(f"Shop {shop.name!r} (id {shop_id}): {why}")
        await connection.execute(
            "UPDATE mpsync.shops SET lease_group = $2, identity = $3, expires_at = $4 WHERE shop_id = $1",
            shop_id,
            identity.lease_group,
            identity.as_json(),
            identity.expires_at,
        )
        await connection.execute("INSERT INTO mpsync.leases (lease_group) VALUES ($1) ON CONFLICT DO NOTHING", identity.lease_group)
        await save_secrets(connection, keyring, shop_id=shop_id, secrets=secrets)
        await connection.execute("DELETE FROM mpsync.capabilities WHERE shop_id = $1", shop_id)
        await set_capabilities(connection, shop_id, found)
        await enable(connection, shop_id)
        return await get(connection, shop_id)


def other_owner(before: Identity, after: Identity) -> str | None:
    """Why a key can not replace another one, None when it can."""
    for scope in _OWNERS:
        old, new = before.scopes.get(scope), after.scopes.get(scope)
        if old is not None and new is not None and old != new:
            return (
                f"the new key belongs to another {scope.value} than the shop; their rows would be mixed. "
                "Add it as a shop of its own, or give the right key."
            )
    return None


async def refused_keys(connection: Connection) -> Sequence[Shop]:
    """Shops that the vendor's refusal of their key switched off, for the daily probe; `enable` brings one back whose key works again."""
    rows = await connection.fetch(
        SHOPS + "WHERE s.status = 'disabled' AND s.key_failed_at IS NOT NULL AND NOT s.paused AND c.enabled ORDER BY s.shop_id"
    )
    return [shop_of(row) for row in rows]


# The name is free again at once.
_REMOVE = """
UPDATE mpsync.shops SET status = 'removing', status_message = 'its rows are being deleted', updated_at = now(),
       name = CASE status WHEN 'removing' THEN name ELSE name || ' (removed, ' || shop_id || ')' END
WHERE shop_id = $1
"""


async def remove(connection: Connection, shop_id: int) -> Shop:
    """Begin to remove a shop: its secrets are gone at once, no page is committed any more, its rows are purged in the background.

    Refused for a shop of the shop list.
    """
    async with connection.transaction():
        await refuse_listed(connection, shop_id)
        # FOR UPDATE waits for commits in hand (they lock FOR KEY SHARE); none begins after this.
        if await connection.fetchval("SELECT 1 FROM mpsync.shops WHERE shop_id = $1 FOR UPDATE", shop_id) is None:
            raise NotThere(f"There is no shop with the id {shop_id}.")
        await connection.execute(
            _REMOVE,
            shop_id,
        )
        await connection.execute("DELETE FROM mpsync.shop_secrets WHERE shop_id = $1", shop_id)
        await notify(connection, shop_id)
        return await get(connection, shop_id)


async def _changed(connection: Connection, shop_id: int, statement: str, *values: object) -> None:
    async with connection.transaction():
        if await connection.execute(statement, shop_id, *values) == "UPDATE 0":
            shop = await get(connection, shop_id)
            raise Refused(f"Shop {shop.name!r} is being removed and can not be changed.")
        await notify(connection, shop_id)
