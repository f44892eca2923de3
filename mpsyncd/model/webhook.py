"""What a vendor sends by itself: a delivery, and what it touches. Payloads are never taken for rows; they only say what to read again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

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
