"""What a vendor sends by itself: a delivery, and what it touches. Payloads are never taken for rows; they only say what to read again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

    from mpsyncd.model.page import Page
    from mpsyncd.model.request import Document

TEST_EVENT = "mpsyncd:test"
"""The event that `mpsyncd webhooks test` sends; it touches nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """Something that changed at the vendor: rows of a stream, or (empty key) the stream as a whole.

    key: values of the columns that the stream's `again.by` names; JSON values.
    """

    stream: str
    key: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a delivery says: its event by the vendor's own name, and what that touches (nothing, where nothing of it is kept)."""

    event: str
    touches: tuple[Touch, ...] = ()


Receive: TypeAlias = Callable[["Document"], Received | None]
"""Reads the decoded body of a delivery; None for an event that nobody knows. Pure; raises one of `errors.UNREADABLE` for an odd one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery as it was kept. attempts: how often reading what it touches has failed."""

    delivery_id: int
    received_at: datetime
    body: bytes
    attempts: int = 0


class DeliveryState(StrEnum):
    """What came of a delivery."""

    PENDING = "pending"
    DONE = "done"
    UNKNOWN = "unknown"
    """Nobody knows what it says; it is kept."""
    FAILED = "failed"
    """What it touches could not be read; the stream's own reads will bring it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is written down of a delivery once it was looked at. PENDING: it is tried again at `not_before`."""

    delivery: Delivery
    state: DeliveryState
    event: str | None = None
    touches: tuple[Touch, ...] = ()
    attempts: int = 0
    not_before: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reread:
    """Rows that were read again: all there are with this key, `pages` empty where the vendor has none any more.

    asked_at is not later than the first of the requests.
    """

    key: tuple[Any, ...]
    asked_at: datetime
    pages: tuple[Page, ...] = ()
