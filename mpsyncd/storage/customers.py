"""Customers: who owns shops. Switching one off stops all of its shops at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpsyncd.model.errors import NotThere
from mpsyncd.storage.nudge import notify
from mpsyncd.storage.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsyncd.storage.pool import Connection


async def set_enabled(connection: Connection, name: str, *, enabled: bool) -> None:
    """Switch a customer on or off, with all of its shops; NotThere names close matches."""
    async with connection.transaction():
        found = await connection.fetchval("UPDATE mpsync.customers SET enabled = $2 WHERE name = $1 RETURNING customer_id", name, enabled)
        if found is None:
            known = [row["name"] for row in await connection.fetch("SELECT name FROM mpsync.customers")]
            raise NotThere(f"There is no customer {name!r}. {did_you_mean(name, known)}")
        await connection.execute("UPDATE mpsync.shops SET updated_at = now() WHERE customer_id = $1", found)
        await notify(connection)


async def customers(connection: Connection) -> Mapping[str, bool]:
    """Customers by name, with whether they are switched on."""
    return {row["name"]: row["enabled"] for row in await connection.fetch("SELECT name, enabled FROM mpsync.customers ORDER BY name")}
