"""Slow limits and day counters, kept over restarts: one row a gate, written before the HTTP request that it counts is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpsyncd.storage.pool import Database

_SAVE = """
INSERT INTO mpsync.ledger (gate, state) VALUES ($1, $2)
ON CONFLICT (gate) DO UPDATE SET state = excluded.state, saved_at = now()
"""
_SAVE_ALL = """
INSERT INTO mpsync.ledger (gate, state) SELECT * FROM unnest($1::text[], $2::jsonb[])
ON CONFLICT (gate) DO UPDATE SET state = excluded.state, saved_at = now()
"""


class PostgresLedger:
    """Fills the transport's Ledger protocol; every method raises StorageUnavailable when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, gate: str) -> dict[str, Any] | None:
        """What was saved last for this gate, or None."""
        async with self._database.connection() as connection:
            state: dict[str, Any] | None = await connection.fetchval("SELECT state FROM mpsync.ledger WHERE gate = $1", gate)
            return state

    async def save(self, gate: str, state: Mapping[str, Any]) -> None:
        """Keep `state`; it is durable when this returns."""
        async with self._database.connection() as connection:
            await connection.execute(_SAVE, gate, state)

    async def save_all(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep many at once."""
        async with self._database.connection() as connection:
            await connection.execute(_SAVE_ALL, list(states), list(states.values()))

    async def load_all(self, prefix: str = "") -> dict[str, dict[str, Any]]:
        """The states of all gates whose name begins with `prefix`."""
        async with self._database.connection() as connection:
            rows = await connection.fetch("SELECT gate, state FROM mpsync.ledger WHERE starts_with(gate, $1) ORDER BY gate", prefix)
        return {row["gate"]: row["state"] for row in rows}
