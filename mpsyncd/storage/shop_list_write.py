"""Writes a plan of the shop list down: a few statements for any number of shops, in the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpsyncd.storage import shop_status
from mpsyncd.storage.nudge import notify
from mpsyncd.storage.vault import replace_keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpsyncd.storage.pool import Connection
    from mpsyncd.storage.shop_list import Change, Plan
    from mpsyncd.storage.vault import Keyring, StoredKey

_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('mpsync.shop_list', 0))"


async def take_turn(connection: Connection) -> None:
    """Let one daemon after the other compare and write; until the end of the transaction."""
    await connection.execute(_TURN)


async def write(connection: Connection, keyring: Keyring, plan: Plan) -> Mapping[int, StoredKey]:
    """Write everything that the plan changes and wake the daemons; return the keys that are new, by shop."""
    added = await _add(connection, plan)
    changed = [change for change in plan.changes if change.known is not None and change.entry is not None]
    renewed = [change for change in changed if change.identity is not None]
    await _renew(connection, renewed)
    keys = {shop_id: change.entry.secrets for shop_id, change in added if change.entry is not None}
    keys |= {change.known.shop_id: change.entry.secrets for change in renewed if change.known is not None and change.entry is not None}
    stored = await replace_keys(connection, keyring, keys)
    await _place(connection, plan.file, changed)
    back = [change.known.shop_id for change in changed if change.known is not None and (change.identity or _was_gone(change))]
    await shop_status.revive(connection, back)
    await _disable(connection, plan)
    await notify(connection)
    return stored


def _was_gone(change: Change) -> bool:
    return change.known is not None and change.known.file is not None and change.known.line is None


_CUSTOMERS = "INSERT INTO mpsync.customers (name) SELECT DISTINCT unnest($1::text[]) ON CONFLICT DO NOTHING"
_ADD = """
INSERT INTO mpsync.shops (customer_id, source, name, lease_group, identity, expires_at, paused, list_file, list_line)
SELECT c.customer_id, n.source, n.name, n.lease_group, n.identity, n.expires_at, n.paused, $8, n.line
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::timestamptz[], $7::boolean[], $9::integer[])
    AS n (customer, source, name, lease_group, identity, expires_at, paused, line)
JOIN mpsync.customers c ON c.name = n.customer
RETURNING shop_id, (SELECT name FROM mpsync.customers c WHERE c.customer_id = shops.customer_id) AS customer, source, name
"""
_GROUPS = "INSERT INTO mpsync.leases (lease_group) SELECT DISTINCT unnest($1::text[]) ON CONFLICT DO NOTHING"


async def _add(connection: Connection, plan: Plan) -> list[tuple[int, Change]]:
    new = {
        change.name: change for change in plan.changes if change.known is None and change.entry is not None and change.identity is not None
    }
    if not new:
        return []
    told = [change.identity for change in new.values() if change.identity is not None]
    entries = [change.entry for change in new.values() if change.entry is not None]
    await connection.execute(_CUSTOMERS, [name[0] for name in new])
    await connection.execute(_GROUPS, [identity.lease_group for identity in told])
    rows = await connection.fetch(
        _ADD,
        *map(list, zip(*new, strict=True)),
        [identity.lease_group for identity in told],
        [identity.as_json() for identity in told],
        [identity.expires_at for identity in told],
        [entry.paused for entry in entries],
        plan.file,
        [entry.line for entry in entries],
    )
    return [(row["shop_id"], new[row["customer"], row["source"], row["name"]]) for row in rows]


_RENEW = """
UPDATE mpsync.shops s SET lease_group = n.lease_group, identity = n.identity, expires_at = n.expires_at, updated_at = now()
FROM unnest($1::bigint[], $2::text[], $3::jsonb[], $4::timestamptz[]) AS n (shop_id, lease_group, identity, expires_at)
WHERE s.shop_id = n.shop_id
"""


async def _renew(connection: Connection, changes: Sequence[Change]) -> None:
    """New keys of known shops: what they say of themselves replaces what the old ones said."""
    rows = [(change.known.shop_id, change.identity) for change in changes if change.known is not None and change.identity is not None]
    if not rows:
        return
    ids, told = [shop_id for shop_id, _ in rows], [identity for _, identity in rows]
    await connection.execute(_GROUPS, [identity.lease_group for identity in told])
    values: tuple[list[Any], ...] = (
        [identity.lease_group for identity in told],
        [identity.as_json() for identity in told],
        [identity.expires_at for identity in told],
    )
    await connection.execute(_RENEW, ids, *values)
    await connection.execute("DELETE FROM mpsync.capabilities WHERE shop_id = ANY ($1::bigint[])", ids)


_PLACE = """
UPDATE mpsync.shops s SET list_file = $1, list_line = n.line, paused = n.paused,
    updated_at = CASE WHEN s.paused = n.paused THEN s.updated_at ELSE now() END
FROM unnest($2::bigint[], $3::integer[], $4::boolean[]) AS n (shop_id, line, paused) WHERE s.shop_id = n.shop_id
"""


async def _place(connection: Connection, file: str, changes: Sequence[Change]) -> None:
    """Where each entry stands now, and whether its shop rests."""
    rows = [(change.known.shop_id, change.entry.line, change.entry.paused) for change in changes if change.known and change.entry]
    if rows:
        await connection.execute(_PLACE, file, *map(list, zip(*rows, strict=True)))


_DISABLE = """
UPDATE mpsync.shops SET status = 'disabled', key_failed_at = NULL, list_file = $2, list_line = NULL, updated_at = now(), status_message =
    'its entry is gone from ' || $2 || '; put it back, or remove the shop: mpsyncd shops remove ' || shop_id
WHERE shop_id = ANY ($1::bigint[]) AND status <> 'removing'
"""


async def _disable(connection: Connection, plan: Plan) -> None:
    gone = [change.known.shop_id for change in plan.changes if change.entry is None and change.known is not None]
    if gone:
        await connection.execute(_DISABLE, gone, plan.file)
