"""Fixtures of the embedded PostgreSQL's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.embedded import home as make_home


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for data directories, emptied of servers and files afterwards."""
    with make_home() as folder:
        yield folder


@pytest.fixture(params=[18, 16])
def major(request: pytest.FixtureRequest) -> int:
    """Both majors of the wheel."""
    return int(request.param)
