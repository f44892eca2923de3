"""Arithmetic of the token bucket in virtual time."""

import pytest

from mpsyncd.sandbox.bucket import Bucket, Limit


def test_full_bucket_lets_the_burst_through_and_then_one_per_interval() -> None:
    bucket = Bucket(Limit.per(60, limit=100, burst=5), now=0)

    assert [bucket.take(0).remaining for _ in range(5)] == [4, 3, 2, 1, 0]
    refused = bucket.take(0)
    assert not refused.allowed
    assert refused.retry == pytest.approx(0.6)
    assert refused.reset == pytest.approx(3.0)
    assert bucket.take(0.6).allowed
    assert not bucket.take(0.7).allowed


def test_refused_requests_cost_nothing() -> None:
    bucket = Bucket(Limit(10, 1), now=0)
    bucket.take(0)

    for second in range(1, 10):
        assert bucket.take(second).retry == pytest.approx(10 - second)
    assert bucket.take(10).allowed


def test_bucket_never_holds_more_than_its_burst() -> None:
    bucket = Bucket(Limit(1, 3), now=0)

    assert [bucket.take(1_000_000).allowed for _ in range(5)] == [True, True, True, False, False]


@pytest.mark.parametrize("burst", [1, 5, 10])
@pytest.mark.parametrize("interval", [0.6, 20, 10_800])
def test_pace_over_a_long_time_is_the_published_one(interval: float, burst: int) -> None:
    bucket = Bucket(Limit(interval, burst), now=0)

    let_in = sum(bucket.take(tick * interval / 4).allowed for tick in range(4 * 200 + 1))

    assert let_in == burst + 200


def test_scaled_limit_refills_faster_and_keeps_its_burst() -> None:
    assert Limit(60, 10).faster(60) == Limit(1, 10)


def test_time_that_goes_backwards_gives_nothing() -> None:
    bucket = Bucket(Limit(10, 1), now=100)
    bucket.take(100)

    assert not bucket.take(50).allowed
    assert not bucket.take(109).allowed
    assert bucket.take(110).allowed


def test_what_is_charged_afterwards_is_owed() -> None:
    bucket = Bucket(Limit(1, 5), now=0)
    bucket.take(0)

    assert bucket.charge(2) == 2
    assert bucket.charge(9) == 0
    assert bucket.take(0).retry == pytest.approx(8)
    assert not bucket.take(7.9).allowed
    assert bucket.take(8).allowed
