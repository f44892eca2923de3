"""Shops: who there is and what their keys may do. Secrets go through the vault only; changes of status stand in `shop_status`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import asyncpg

from mpsyncd.model.errors import NotThere, Refused
from mpsyncd.model.shop import CapabilityState, Shop, ShopStatus
from mpsyncd.storage.nudge import notify
from mpsyncd.storage.vault import Keyring, save_secrets
from mpsyncd.storage.words import did_you_mean

if TYPE_CHECKING:
    from mpsyncd.model.source import Credentials, Identity
    from mpsyncd.storage.pool import Connection, Record

SHOPS = """
SELECT s.shop_id, c.name AS customer, s.source, s.name, s.status, s.status_message, s.paused, s.lease_group, s.identity, s.expires_at,
       s.created_at, s.list_file, s.list_line, s.status IN ('syncing', 'active') AND NOT s.paused AND c.enabled AS works,
       l.holder, l.fence, l.expires_at AS lease_expires_at
FROM mpsync.shops s JOIN mpsync.customers c USING (customer_id) LEFT JOIN mpsync.leases l USING (lease_group)
"""
Capabilities = Mapping[str, tuple[CapabilityState, str | None]]
"""capability -> (state, reason or None), as `model.shop.ShopCheck` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewShop:
    """What is needed to add a shop. `secrets` never gets into a repr."""

    source: str
    name: str
    secrets: Credentials = field(repr=False)
    identity: Identity
    customer: str = "default"
    capabilities: Capabilities = field(default_factory=dict)


def shop_of(row: Record) -> Shop:
    """Make a Shop of a row of SHOPS."""
    return Shop(
        shop_id=row["shop_id"],
        customer=row["customer"],
        source=row["source"],
        name=row["name"],
        status=ShopStatus(row["status"]),
        status_message=row["status_message"],
        paused=row["paused"],
        works=row["works"],
        lease_group=row["lease_group"],
        identity=row["identity"],
        expires_at=row["expires_at"],
        created_at=row["created_at"],
        list_file=row["list_file"],
        list_line=row["list_line"],
    )


_ADD = """
INSERT INTO mpsync.shops (customer_id, source, name, lease_group, identity, expires_at)
VALUES ((SELECT customer_id FROM mpsync.customers WHERE name = $1), $2, $3, $4, $5, $6) RETURNING shop_id
"""


async def add(connection: Connection, keyring: Keyring, new: NewShop) -> Shop:
    """Write a shop down with its encrypted secrets, ready for its first load; its customer is made when absent.

    Raises:
        Refused: a name is empty or taken, the source is unknown, or the customer is switched off.
    """
    name, customer = new.name.strip(), new.customer.strip()
    if not name or not customer:
        raise Refused("A shop and its customer need a name of at least one letter.")
    if not new.secrets:
        raise Refused(f"Shop {name!r} was given without a key.")
    async with connection.transaction():
        await connection.execute("INSERT INTO mpsync.customers (name) VALUES ($1) ON CONFLICT DO NOTHING", customer)
        if not await connection.fetchval("SELECT enabled FROM mpsync.customers WHERE name = $1", customer):
            raise Refused(f"Customer {customer!r} is switched off; switch it on first: mpsyncd customers on {customer!r}")
        told = new.identity
        try:
            async with connection.transaction():
                shop_id = await connection.fetchval(_ADD, customer, new.source, name, told.lease_group, told.as_json(), told.expires_at)
        except asyncpg.UniqueViolationError:
            raise Refused(
                f"Customer {customer!r} already has a shop {name!r} at {new.source}; choose another name or remove that one."
            ) from None
        except asyncpg.CheckViolationError:
            raise Refused(f"There is no source {new.source!r}.") from None
        await connection.execute("INSERT INTO mpsync.leases (lease_group) VALUES ($1) ON CONFLICT DO NOTHING", told.lease_group)
        await save_secrets(connection, keyring, shop_id=shop_id, secrets=new.secrets)
        await set_capabilities(connection, shop_id, new.capabilities)
        await notify(connection, shop_id)
        return await get(connection, shop_id)


async def tell_identity(connection: Connection, shop_id: int, told: Identity) -> None:
    """Write down what a stored key says of itself today: its warnings grow as it nears its end."""
    await connection.execute(
        "UPDATE mpsync.shops SET identity = $2, expires_at = $3 WHERE shop_id = $1", shop_id, told.as_json(), told.expires_at
    )


async def list_shops(connection: Connection, *, source: str | None = None, customer: str | None = None) -> Sequence[Shop]:
    """All shops, in the order of their ids."""
    rows = await connection.fetch(
        SHOPS + "WHERE ($1::text IS NULL OR s.source = $1) AND ($2::text IS NULL OR c.name = $2) ORDER BY s.shop_id", source, customer
    )
    return [shop_of(row) for row in rows]


async def get(connection: Connection, shop_id: int) -> Shop:
    """One shop by its id; NotThere when there is none."""
    row = await connection.fetchrow(SHOPS + "WHERE s.shop_id = $1", shop_id)
    if row is None:
        raise NotThere(f"There is no shop with the id {shop_id}.")
    return shop_of(row)


async def refuse_listed(connection: Connection, shop_id: int) -> None:
    """Refused when the shop list says what becomes of this shop; a shop whose entry is gone may be changed."""
    row = await connection.fetchrow("SELECT name, list_file, list_line FROM mpsync.shops WHERE shop_id = $1", shop_id)
    if row is not None and row["list_line"] is not None:
        place = f"line {row['list_line']} of {row['list_file']}"
        raise Refused(f"Shop {row['name']!r} is managed by the shop list: change {place}, then run mpsyncd reload.")


async def find(connection: Connection, named: str | int) -> Shop:
    """One shop by its id, its name, "source/name" or "customer/source/name".

    Raises:
        NotThere: nothing is called so; close matches are named.
        Refused: several shops are called so.
    """
    text = str(named).strip()
    known = await list_shops(connection)
    hits = [shop for shop in known if text in {shop.name, f"{shop.source}/{shop.name}", f"{shop.customer}/{shop.source}/{shop.name}"}]
    if not hits and text.isdecimal():
        hits = [shop for shop in known if shop.shop_id == int(text)]
    if not hits:
        raise NotThere(f"There is no shop {text!r}. {did_you_mean(text, [shop.name for shop in known])}")
    if len(hits) > 1:
        which = ", ".join(f"{shop.shop_id} ({shop.customer}/{shop.source}/{shop.name})" for shop in hits)
        raise Refused(f"Several shops are called {text!r}: {which}. Say which by its id.")
    return hits[0]


async def capabilities(connection: Connection, shop_id: int) -> Capabilities:
    """What is known of each capability of the shop's key."""
    rows = await connection.fetch(
        "SELECT capability, state, reason FROM mpsync.capabilities WHERE shop_id = $1 ORDER BY capability", shop_id
    )
    return {row["capability"]: (CapabilityState(row["state"]), row["reason"]) for row in rows}


_CAPABILITY = """
INSERT INTO mpsync.capabilities (shop_id, capability, state, reason) VALUES ($1, $2, $3, $4)
ON CONFLICT (shop_id, capability) DO UPDATE SET state = excluded.state, reason = excluded.reason, checked_at = now()
"""


async def set_capabilities(connection: Connection, shop_id: int, found: Capabilities) -> None:
    """Write down what a check found; capabilities that it does not mention stay."""
    await connection.executemany(_CAPABILITY, [(shop_id, name, state.value, reason) for name, (state, reason) in sorted(found.items())])
