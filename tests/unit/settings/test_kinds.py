"""Durations as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpsyncd.settings.kinds import parse_duration, spell_duration


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("30 s", 30),
        ("30s", 30),
        ("1 h 30 min", 5400),
        ("1h30m", 5400),
        ("1.5 h", 5400),
        ("90 d", 7_776_000),
        ("250 ms", 0.25),
        (" 2 Days ", 172_800),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["30", 30, "", "s", "-5 s", "5 parsecs", "5 s later", None, True])
def test_what_has_no_unit_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="unit"):
        parse_duration(value)


@given(st.integers(min_value=0, max_value=10**12))
def test_spelling_and_reading_agree(milliseconds: int) -> None:
    duration = timedelta(milliseconds=milliseconds)
    assert parse_duration(spell_duration(duration)) == duration
