"""What all end-to-end tests begin with: a world, and a place to install mpsyncd in."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from support.loads import World, new_world
from support.processes import Install, Installation, new_home


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """One seller whose world moves."""
    async with new_world() as made:
        yield made


@pytest.fixture
def install() -> Iterator[Install]:
    """Makes installations; their daemons are ended after the test."""
    with ExitStack() as stack:

        def make(sandbox: str, *, dsn: str | None = None, **tables: Any) -> Installation:
            home = stack.enter_context(new_home())
            return stack.enter_context(closing(Installation(home, sandbox=sandbox, dsn=dsn, **tables)))

        yield make
