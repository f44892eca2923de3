"""Customers: who owns shops. Switching one off stops all of its shops at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpsyncd.model.errors import NotThere
from mpsyncd.storage.nudge import notify
from mpsyncd.storage.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpsyncd.storage.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer with the number of its shops; those being removed do not count."""

    customer_id: int
    name: str
    enabled: bool
    shops: int


_LIST = """
SELECT c.customer_id, c.name, c.enabled, count(s.shop_id) AS shops
FROM mpsync.customers c LEFT JOIN mpsync.shops s ON s.customer_id = c.customer_id AND s.status <> 'removing'
GROUP BY c.customer_id ORDER BY c.customer_id
"""


async def list_customers(connection: Connection) -> Sequence[Customer]:
    """All customers, in the order of their ids."""
    return [Customer(**row) for row in await connection.fetch(_LIST)]


async def find(connection: Connection, name: str) -> Customer:
    """One customer by its name; NotThere names close matches."""
    known = await list_customers(connection)
    for customer in known:
        if customer.name == name:
            return customer
    raise NotThere(f"There is no customer {name!r}. {did_you_mean(name, [customer.name for customer in known])}")


async def set_enabled(connection: Connection, name: str, *, enabled: bool) -> Customer:
    """Switch a customer on or off, with all of its shops; who works them hears it at once. NotThere names close matches."""
    async with connection.transaction():
        found = await find(connection, name)
        await connection.execute("UPDATE mpsync.customers SET enabled = $2 WHERE customer_id = $1", found.customer_id, enabled)
        await connection.execute("UPDATE mpsync.shops SET updated_at = now() WHERE customer_id = $1", found.customer_id)
        await notify(connection)
        return await find(connection, name)
