"""Errors, one class per consequence: what happens to the feed is decided by the class alone.

The judge (`engine.judge`) maps each class to a verdict. Messages are for people: what, where, why and the next step. They never hold a
header, a key or more than `BODY_LIMIT` characters of a vendor's answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from mpsyncd.model.rate import Scope

BODY_LIMIT = 256


class MpsyncdError(Exception):
    """Root of everything that mpsyncd raises on purpose."""


class ConfigError(MpsyncdError):
    """Settings, files or the environment are wrong: exit 78 at start, refused at reload."""


class Refused(MpsyncdError):
    """What a person or a program asked for can not be done; the message says why, and what can be done instead."""


class NotThere(Refused):
    """It names a shop, a run or another thing that is not there."""


class StorageUnavailable(MpsyncdError):
    """PostgreSQL can not be reached or refuses work for now; no feed is to blame."""


class LeaseLost(MpsyncdError):
    """Another daemon holds the lease group now; whatever this one was doing is dropped silently."""


class BadData(MpsyncdError):
    """A row or a page does not have the shape that the contract promises."""


UNREADABLE = (BadData, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a function over a vendor's document raises when the document is not of the shape that it was written for."""


class EmptySnapshot(MpsyncdError):
    """A complete walk came back empty, or would remove too much: nothing is swept without force."""


class Snooze(MpsyncdError):
    """The work goes on later and no attempt is spent; `reason` is shown to people."""

    def __init__(self, until: datetime, reason: str) -> None:
        super().__init__(f"{reason} (until {until.isoformat(timespec='seconds')})")
        self.until = until
        self.reason = reason


class SourceError(MpsyncdError):
    """A vendor's API did not give what was asked for.

    `status` is the HTTP status (None when there was no answer), `request_id` the vendor's id of the request, `body` at most `BODY_LIMIT`
    characters of the answer.
    """

    def __init__(self, message: str, *, status: int | None = None, request_id: str | None = None, body: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.request_id = request_id
        self.body = body[:BODY_LIMIT]


class Transient(SourceError):
    """Network, time-out, 5xx, broken or truncated body: tried again soon."""


class RateLimited(SourceError):
    """429: the gate closes for `retry_after`, or every gate of `scope` when the vendor closed the whole of it."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: timedelta,
        scope: Scope | None = None,
        status: int | None = 429,
        request_id: str | None = None,
        body: str = "",
    ) -> None:
        super().__init__(message, status=status, request_id=request_id, body=body)
        self.retry_after = retry_after
        self.scope = scope


class Unauthorized(SourceError):
    """The key is wrong, revoked or expired: the whole shop waits for a new one."""


class Forbidden(SourceError):
    """The key may not do this: only what needs `capability` is parked (None: only this stream)."""

    def __init__(
        self,
        message: str,
        *,
        capability: str | None = None,
        status: int | None = 403,
        request_id: str | None = None,
        body: str = "",
    ) -> None:
        super().__init__(message, status=status, request_id=request_id, body=body)
        self.capability = capability


class PaymentRequired(Forbidden):
    """The vendor wants money or a higher tariff for this."""


class NotFound(SourceError):
    """The object is gone; inside a walk over parents it is skipped and counted."""


class BadRequest(SourceError):
    """The vendor refuses the request itself: our bug or a change of the API."""


class Retired(BadRequest):
    """The vendor has switched this version of the method off."""
