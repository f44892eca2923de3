"""A pool over the test's own database."""

from collections.abc import AsyncIterator

import pytest

from mpsyncd.storage.pool import Database, PoolOptions, open_database


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Database]:
    """An open pool on a freshly migrated database."""
    async with open_database(database, PoolOptions(largest=6)) as opened:
        yield opened
