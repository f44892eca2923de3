"""Percent and fractions come from committed work; a hundred percent means that everything is done."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpsyncd.storage.progress import NEARLY, Remaining, UnderWay, eta, fraction, percent


def test_what_is_done_is_whole() -> None:
    assert fraction(done=True, work=None) == 1.0


def test_what_was_never_planned_is_nothing() -> None:
    assert fraction(done=False, work=None) == 0.0


def test_windows_are_measured_by_their_time_not_by_their_number() -> None:
    work = UnderWay(known=3, done=1, total=100.0, read=80.0)
    assert fraction(done=False, work=work) == pytest.approx(0.8)


def test_all_read_and_not_settled_is_not_whole() -> None:
    assert fraction(done=False, work=UnderWay(known=1, total=10.0, read=10.0)) == NEARLY


def test_a_first_walk_can_not_tell() -> None:
    assert fraction(done=False, work=UnderWay(known=1, unbounded=1, rows=5000)) is None


def test_a_later_walk_measures_against_the_last_one() -> None:
    assert fraction(done=False, work=UnderWay(known=1, unbounded=1, rows=50), rows_before=200) == 0.25
    assert fraction(done=False, work=UnderWay(known=1, unbounded=1, rows=500), rows_before=200) == NEARLY


def test_a_walk_that_waits_for_its_sweep_is_nearly_there() -> None:
    assert fraction(done=False, work=UnderWay(known=1, unbounded=1, walked=True)) == NEARLY


def test_slices_without_width_count_by_number() -> None:
    assert fraction(done=False, work=UnderWay(known=4, done=1)) == 0.25


def test_percent_of_nothing_is_nothing() -> None:
    assert percent([]) == 0


def test_loaders_that_all_fail_never_show_a_hundred() -> None:
    assert percent([0.0, 0.0, NEARLY]) == 33
    assert percent([NEARLY] * 12) == 99


def test_percent_is_weighted_and_rounded_down() -> None:
    assert percent([1.0, 0.5], [3, 1]) == 87
    assert percent([1.0, None]) == 50


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1))
def test_a_hundred_means_all(parts: list[float | None]) -> None:
    assert (percent(parts) == 100) == all(part == 1.0 for part in parts)
    assert 0 <= percent(parts) <= 100


@given(
    known=st.integers(0, 50),
    done=st.integers(0, 50),
    total=st.floats(0, 1e9),
    read=st.floats(0, 1e9),
    unbounded=st.integers(0, 3),
    rows=st.integers(0, 10**9),
)
def test_unfinished_work_is_never_whole(*, known: int, done: int, total: float, read: float, unbounded: int, rows: int) -> None:
    work = UnderWay(known=known, done=min(done, known), total=total, read=read, unbounded=unbounded, rows=rows)
    told = fraction(done=False, work=work, rows_before=rows // 2)
    assert told is None or 0.0 <= told <= NEARLY


def remaining(**changes: Any) -> Remaining:
    told: dict[str, Any] = {"fraction": 0.0, "planned": {"slow": 60.0}, "elapsed": 0.0, "unsure": False}
    return Remaining(**told | changes)


def test_feeds_that_share_a_limit_wait_for_each_other_and_others_do_not() -> None:
    feeds = [remaining(), remaining(fraction=0.5), remaining(planned={"quick": 70.0, "slow": 6.0})]
    assert eta(feeds) == (timedelta(seconds=96), False)
    assert eta([]) == (timedelta(0), False)


def test_a_plan_that_is_a_least_gives_way_to_the_pace_so_far() -> None:
    assert eta([remaining(unsure=True)]) == (timedelta(minutes=1), True)
    assert eta([remaining(unsure=True, fraction=0.25, elapsed=100.0)]) == (timedelta(seconds=300), False)
    assert eta([remaining(fraction=None)]) == (timedelta(minutes=1), False)


def test_without_a_plan_nobody_says_when() -> None:
    assert eta([remaining(), remaining(planned=None)]) == (None, True)
