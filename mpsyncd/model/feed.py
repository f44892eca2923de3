"""Feeds and leases: the unit of schedule, cursor and verdict, and the right to work it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from datetime import datetime

    from mpsyncd.model.page import Cursor
    from mpsyncd.model.stream import Lane


class FeedState(StrEnum):
    """Where a feed stands; always the outcome of what was committed last."""

    PENDING = "pending"
    """Never finished an attempt."""
    OK = "ok"
    FAILED = "failed"
    """The last attempt failed; it is tried again when next due."""
    SNOOZED = "snoozed"
    """Postponed until `not_before`, nothing wrong."""
    PARKED = "parked"
    """Stopped until a new key, a person or the daily probe."""
    DONE = "done"
    """A backfill that reached its end."""

    @property
    def unfinished(self) -> bool:
        """Whether there is still something to read."""
        return self is not FeedState.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A time-bound exclusive right to a lease group; every commit locks and checks the fence."""

    group: str
    holder: UUID
    fence: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One stream of one shop in one lane, as stored.

    cursor: where the live lane goes on (streams that keep one). complete_from / complete_until: the instants of the source's time between
    which everything was read. last_walk_at: start of the last complete walk. attempts: failures in a row.
    """

    feed_id: int
    shop_id: int
    stream: str
    lane: Lane
    state: FeedState
    next_due_at: datetime
    attempts: int = 0
    not_before: datetime | None = None
    cursor: Cursor | None = None
    complete_from: datetime | None = None
    complete_until: datetime | None = None
    last_walk_at: datetime | None = None
    reason: str | None = None
