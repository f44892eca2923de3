"""Shops, feeds and runs for tests of the control tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from mpsyncd.model.rate import Scope
from mpsyncd.model.run import Mode, Trigger
from mpsyncd.model.shop import Shop
from mpsyncd.model.source import Identity
from mpsyncd.model.stream import Lane
from mpsyncd.storage import feeds, leases, runs, shops
from mpsyncd.storage.keyfile import new_key_line, parse_keys
from mpsyncd.storage.leases import DaemonFacts
from mpsyncd.storage.pool import Database

ONE, TWO = UUID(int=1), UUID(int=2)
FACTS = DaemonFacts(host="north", pid=1, version="0")
TTL = timedelta(seconds=30)
KEYRING = parse_keys(new_key_line(), origin="a test")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def identity(seller: str = "a", **changes: Any) -> Identity:
    values: dict[str, Any] = {"scopes": {Scope.SELLER: seller}, "variant": "personal", "lease_group": f"wildberries:{seller}"}
    return Identity(**values | changes)


async def add_shop(database: Database, name: str = "north", *, seller: str | None = None, **changes: Any) -> Shop:
    """Add a shop whose seller is called like itself."""
    values: dict[str, Any] = {"source": "wildberries", "secrets": {"token": f"secret of {name}"}, "identity": identity(seller or name)}
    async with database.connection() as connection:
        return await shops.add(connection, KEYRING, shops.NewShop(name=name, **values | changes))


async def hold(database: Database, daemon: UUID = ONE, ttl: timedelta = TTL) -> list[Any]:
    async with database.transaction() as connection:
        return list(await leases.hold(connection, daemon=daemon, facts=FACTS, ttl=ttl))


async def plan(database: Database, shop: Shop, *wanted: tuple[str, Lane]) -> Sequence[Any]:
    async with database.connection() as connection:
        await feeds.plan(connection, shop.shop_id, wanted, NOW)
        return await feeds.of_shop(connection, shop.shop_id)


async def execute(database: Database, statement: str, *values: Any) -> None:
    async with database.connection() as connection:
        await connection.execute(statement, *values)


async def value(database: Database, statement: str, *values: Any) -> Any:
    async with database.connection() as connection:
        return await connection.fetchval(statement, *values)


async def open_run(database: Database, shop: Shop, *planned: Any, daemon: UUID = ONE, **changes: Any) -> int:
    """Open a run over these feeds."""
    values: dict[str, Any] = {"trigger": Trigger.SCHEDULE, "mode": Mode.INCREMENTAL, "request_id": None, "now": NOW}
    async with database.connection() as connection:
        return await runs.open_run(
            connection, shop_id=shop.shop_id, daemon=daemon, feed_ids=[feed.feed_id for feed in planned], **values | changes
        )
