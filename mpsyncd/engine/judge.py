"""The one judge: what an error (or none) means for a feed. Pure; the class of the error decides, never its text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.errors import (
    EmptySnapshot,
    Forbidden,
    RateLimited,
    Snooze,
    SourceError,
    Transient,
    Unauthorized,
)
from mpsyncd.model.feed import FeedState
from mpsyncd.model.run import FeedVerdict
from mpsyncd.model.stream import Lane
from mpsyncd.model.work import FeedOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mpsyncd.model.feed import Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a failed feed rests: `transient` doubles with every failure in a row, `other` too, each up to its cap."""

    transient: timedelta = timedelta(seconds=30)
    transient_cap: timedelta = timedelta(minutes=30)
    other: timedelta = timedelta(minutes=10)
    other_cap: timedelta = timedelta(hours=6)

    def scaled(self, factor: float) -> Patience:
        """The same, `factor` times shorter (sandbox and tests only)."""
        return Patience(
            transient=self.transient / factor,
            transient_cap=self.transient_cap / factor,
            other=self.other / factor,
            other_cap=self.other_cap / factor,
        )


def success(feed: Feed, *, scheduled: datetime) -> FeedOutcome:
    """Return the outcome of a feed whose slices are all committed and closed."""
    state = FeedState.DONE if feed.lane is Lane.BACKFILL else FeedState.OK
    return FeedOutcome(state=state, verdict=FeedVerdict.OK, next_due_at=scheduled)


def parentless(feed: Feed, *, stream: str, parent: Feed | None, reason: str, scheduled: datetime) -> FeedOutcome:
    """Return the outcome of a feed that was not read, as its parents' list is not complete; no attempt is spent.

    It is parked with its parents. Else it is looked at by its schedule, but not before they are tried again.
    """
    parked = parent is not None and parent.state is FeedState.PARKED
    return FeedOutcome(
        state=FeedState.PARKED if parked else FeedState.SNOOZED,
        verdict=FeedVerdict.PARKED if parked else FeedVerdict.FAILED,
        next_due_at=scheduled if parent is None else max(scheduled, parent.next_due_at),
        attempts=feed.attempts,
        reason=reason,
        waits_for=stream,
    )


def judge(error: Exception, feed: Feed, *, now: datetime, scheduled: datetime, patience: Patience) -> FeedOutcome:
    """Return the outcome of a failed attempt. `scheduled` is when the feed is due anyway."""
    match error:
        case Snooze():
            return _snoozed(feed, until=error.until, reason=error.reason)
        case RateLimited():
            return _snoozed(feed, until=now + error.retry_after, reason=str(error))
        case Unauthorized():
            return _parked(feed, error, scheduled=scheduled, shop=True)
        case Forbidden():
            return _parked(feed, error, scheduled=scheduled, capability=error.capability)
        case Transient():
            rest = _backoff(patience.transient, patience.transient_cap, feed.attempts)
        case _:
            rest = _backoff(patience.other, patience.other_cap, feed.attempts)
    return FeedOutcome(
        state=FeedState.FAILED,
        verdict=FeedVerdict.FAILED,
        next_due_at=min(scheduled, now + rest),
        attempts=feed.attempts + 1,
        reason=str(error) or type(error).__name__,
        error=describe(error),
    )


def describe(error: Exception) -> Mapping[str, object]:
    """Return what is stored and shown of an error: its class, its words, and of a vendor's refusal the status and request id."""
    facts: dict[str, object] = {"class": type(error).__name__, "message": str(error)}
    if isinstance(error, SourceError):
        facts |= {"status": error.status, "request_id": error.request_id, "body": error.body}
    if isinstance(error, EmptySnapshot):
        facts["next_step"] = "look at the vendor's cabinet; if it is true, run again with --force"
    return facts


def _snoozed(feed: Feed, *, until: datetime, reason: str) -> FeedOutcome:
    return FeedOutcome(state=FeedState.SNOOZED, verdict=None, next_due_at=until, not_before=until, attempts=feed.attempts, reason=reason)


def _parked(feed: Feed, error: SourceError, *, scheduled: datetime, shop: bool = False, capability: str | None = None) -> FeedOutcome:
    return FeedOutcome(
        state=FeedState.PARKED,
        verdict=FeedVerdict.PARKED,
        next_due_at=scheduled,
        attempts=feed.attempts,
        reason=str(error),
        error=describe(error),
        park_shop=shop,
        park_capability=capability,
    )


def _backoff(base: timedelta, cap: timedelta, attempts: int) -> timedelta:
    return min(cap, base * float(1 << min(attempts, 16)))
