"""The class of the error decides."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mpsyncd.engine.judge import Patience, judge, success
from mpsyncd.model.errors import (
    BadData,
    BadRequest,
    EmptySnapshot,
    Forbidden,
    PaymentRequired,
    RateLimited,
    Snooze,
    Transient,
    Unauthorized,
)
from mpsyncd.model.feed import Feed, FeedState
from mpsyncd.model.run import FeedVerdict
from mpsyncd.model.stream import Lane
from mpsyncd.model.work import FeedOutcome
from support.virtual_clock import START

NEXT = START + timedelta(minutes=30)


def feed(lane: Lane = Lane.LIVE, attempts: int = 0) -> Feed:
    return Feed(feed_id=1, shop_id=1, stream="s", lane=lane, state=FeedState.OK, next_due_at=START, attempts=attempts)


def judged(error: Exception, attempts: int = 0) -> FeedOutcome:
    return judge(error, feed(attempts=attempts), now=START, scheduled=NEXT, patience=Patience())


def test_success_ends_a_backfill_and_keeps_a_live_feed_going() -> None:
    assert success(feed(), scheduled=NEXT).state is FeedState.OK
    assert success(feed(Lane.BACKFILL), scheduled=NEXT).state is FeedState.DONE


def test_waiting_spends_no_attempt() -> None:
    until = START + timedelta(hours=3)
    for error in (Snooze(until, "waits"), RateLimited("slow", retry_after=timedelta(hours=3))):
        outcome = judged(error, attempts=2)
        assert (outcome.state, outcome.not_before, outcome.attempts, outcome.verdict) == (FeedState.SNOOZED, until, 2, None)


def test_a_bad_key_parks_the_shop_and_a_missing_right_only_its_capability() -> None:
    assert judged(Unauthorized("no")).park_shop
    outcome = judged(Forbidden("no", capability="content"))
    assert (outcome.park_shop, outcome.park_capability, outcome.verdict) == (False, "content", FeedVerdict.PARKED)
    assert judged(PaymentRequired("pay", capability="jam")).park_capability == "jam"


@pytest.mark.parametrize("attempts, seconds", [(0, 30), (1, 60), (3, 240), (40, 1800)])
def test_a_transient_error_backs_off_but_never_past_the_schedule(attempts: int, seconds: int) -> None:
    outcome = judged(Transient("reset"), attempts=attempts)
    assert outcome.next_due_at == min(NEXT, START + timedelta(seconds=seconds))
    assert (outcome.state, outcome.attempts) == (FeedState.FAILED, attempts + 1)


@pytest.mark.parametrize("error", [BadRequest("x"), BadData("x"), EmptySnapshot("x"), RuntimeError("bug")])
def test_everything_else_fails_until_next_due(error: Exception) -> None:
    outcome = judged(error)
    assert (outcome.state, outcome.verdict) == (FeedState.FAILED, FeedVerdict.FAILED)
    assert outcome.error is not None
    assert outcome.error["class"] == type(error).__name__


def test_an_error_without_words_is_named_by_its_class() -> None:
    assert judged(ZeroDivisionError()).reason == "ZeroDivisionError"
