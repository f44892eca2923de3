"""What a delivery says, and what is written down of it by the error that its reads ended with."""

from datetime import UTC, datetime, timedelta

import pytest

from mpsyncd.engine.deliveries import FIRST_PAUSE, LONGEST_PAUSE, TRIES, outcome_of, understood
from mpsyncd.model.errors import BadData, BadRequest, PaymentRequired, RateLimited, Snooze, Transient, Unauthorized
from mpsyncd.model.request import Document
from mpsyncd.model.webhook import Delivery, DeliveryState, Received, Touch

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=7)
RECEIVED = Received(event="card:update", touches=(Touch(stream="cards", key=(1,)),))
DONE, PENDING, FAILED = DeliveryState.DONE, DeliveryState.PENDING, DeliveryState.FAILED


@pytest.mark.parametrize(
    "before, error, state, attempts, not_before",
    [
        (0, None, DONE, 0, None),
        (3, None, DONE, 3, None),
        (0, Snooze(LATER, "limits"), PENDING, 0, LATER),
        (2, RateLimited("slow", retry_after=timedelta(minutes=7)), PENDING, 2, LATER),
        (0, Transient("away"), PENDING, 1, NOW + 2 * FIRST_PAUSE),
        (1, Unauthorized("no"), PENDING, 2, NOW + 4 * FIRST_PAUSE),
        (TRIES - 1, Transient("away"), FAILED, TRIES, None),
        (0, BadRequest("never"), FAILED, 1, None),
        (0, PaymentRequired("tariff"), FAILED, 1, None),
        (0, BadData("odd"), FAILED, 1, None),
        (0, KeyError("id"), FAILED, 1, None),
    ],
)
def test_every_error_has_its_consequence(
    before: int, error: Exception | None, state: DeliveryState, attempts: int, not_before: datetime | None
) -> None:
    delivery = Delivery(delivery_id=1, received_at=NOW, body=b"{}", attempts=before)
    outcome = outcome_of(delivery, RECEIVED, error, now=NOW)
    assert (outcome.state, outcome.attempts, outcome.not_before) == (state, attempts, not_before)
    assert (outcome.event, outcome.touches, outcome.error is None) == ("card:update", RECEIVED.touches, error is None)


def test_pauses_grow_and_end() -> None:
    pauses = []
    for before in range(TRIES - 1):
        delivery = Delivery(delivery_id=1, received_at=NOW, body=b"{}", attempts=before)
        until = outcome_of(delivery, RECEIVED, Transient("away"), now=NOW).not_before
        assert until is not None
        pauses.append(until - NOW)
    assert pauses == sorted(pauses)
    assert pauses[-1] <= LONGEST_PAUSE


@pytest.mark.parametrize(
    "body, event, why",
    [
        (b"", None, "no JSON"),
        (b"\xff", None, "no JSON"),
        (b"[1]", None, "no JSON object"),
        (b"{}", None, "nobody knows"),
        (b'{"event": 7}', None, "nobody knows"),
        (b'{"event": "odd\\u0000"}', "odd", "nobody knows"),
        (b'{"event": "breaks"}', "breaks", "lacks what it should have: KeyError: 'data'"),
        (b'{"event": "far"}', "far", "can not be"),
        (b'{"event": "' + b"x" * 500 + b'"}', "x" * 100, "nobody knows"),
    ],
)
def test_what_is_not_understood_says_why(body: bytes, event: str | None, why: str) -> None:
    def receive(told: Document) -> Received | None:
        match told.get("event"):
            case "breaks":
                return Received(event="breaks", touches=(told["data"],))
            case "far":
                return Received(event="far", touches=(Touch(stream="cards", key=(2**63,)),))
            case _:
                return None

    received, named, reason = understood(body, receive)
    assert (received, named) == (None, event)
    assert why in (reason or "")
