"""A lab on the test's own database."""

from collections.abc import AsyncIterator

import pytest

from support.documents import Lab, lab


@pytest.fixture
async def at(database: str) -> AsyncIterator[Lab]:
    """Tables of the tests, one shop, the stream THINGS."""
    async with lab(database) as made:
        yield made
