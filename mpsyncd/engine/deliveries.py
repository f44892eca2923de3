"""What a delivery says and what is written down of it. Pure: asks nobody, touches nothing."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from mpsyncd.model.errors import UNREADABLE, BadData, BadRequest, Forbidden, MpsyncdError, RateLimited, Snooze
from mpsyncd.model.webhook import TEST_EVENT, Delivery, DeliveryState, Outcome, Received

if TYPE_CHECKING:
    from datetime import datetime

    from mpsyncd.model.webhook import Receive

log = structlog.get_logger(__name__)

TRIES = 8
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=5)
_EVENT_TEXT, _ERROR_TEXT, _KEY_TEXT, _INT64 = 100, 500, 200, 2**63


def understood(body: bytes, receive: Receive) -> tuple[Received | None, str | None, str | None]:
    """What a body says, the name of its event as far as it has one, and why nobody knows what it says."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None, None, "the body is no JSON"
    if not isinstance(document, dict):
        return None, None, "the body is no JSON object"
    named = document.get("event")
    event = named.replace("\x00", "")[:_EVENT_TEXT] if isinstance(named, str) else None
    received, why = (Received(event=TEST_EVENT), None) if event == TEST_EVENT else _received(document, receive)
    return received, event, why


def _received(document: dict[str, Any], receive: Receive) -> tuple[Received | None, str | None]:
    try:
        received = receive(document)
    except UNREADABLE as error:
        return None, f"the event lacks what it should have: {in_words(error)}"
    if received is None:
        return None, "nobody knows this event"
    if not all(_can_be(value) for touch in received.touches for value in touch.key):
        return None, "it names something that can not be: a number out of bounds, or a text that is too long or holds the character NUL"
    return received, None


def _can_be(value: object) -> bool:
    """Whether a value of a key can stand in the database at all; one that can not must not stop the others."""
    match value:
        case int():
            return abs(value) < _INT64
        case str():
            return len(value) <= _KEY_TEXT and "\x00" not in value
        case _:
            return False


def outcome_of(delivery: Delivery, received: Received, error: Exception | None, *, now: datetime) -> Outcome:
    """What is written down of a delivery when everything that it touches was read, or one read failed."""
    told = partial(
        Outcome, delivery=delivery, event=received.event, touches=received.touches, error=None if error is None else in_words(error)
    )
    attempts = delivery.attempts + 1
    match error:
        case None:
            return told(state=DeliveryState.DONE, attempts=delivery.attempts)
        case Snooze():
            return told(state=DeliveryState.PENDING, attempts=delivery.attempts, not_before=error.until)
        case RateLimited():
            return told(state=DeliveryState.PENDING, attempts=delivery.attempts, not_before=now + error.retry_after)
        case Forbidden() | BadRequest() | BadData():
            final = True
        case _:
            final = attempts >= TRIES or not isinstance(error, MpsyncdError)
    if final:
        log.warning("delivery_failed", delivery=delivery.delivery_id, delivered=received.event, error=in_words(error))
        return told(state=DeliveryState.FAILED, attempts=attempts)
    pause = min(FIRST_PAUSE * 2**attempts, LONGEST_PAUSE)
    return told(state=DeliveryState.PENDING, attempts=attempts, not_before=now + pause)


def in_words(error: Exception) -> str:
    """An error as people read it, short enough to be stored."""
    return f"{error if isinstance(error, MpsyncdError) else f'{type(error).__name__}: {error}'}".replace("\x00", "")[:_ERROR_TEXT]
