"""Marks that several test files put on their tests."""

import pytest

both_majors = pytest.mark.parametrize("pg_major", [18, 16], indirect=True)
