"""Reports that a vendor makes while others wait: ordered, looked at until ready, fetched. Must not order one twice: orders are counted.

Every step is a page without rows that is committed before the next one begins, so a kill at any moment goes on from where it was.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import BadRequest, NotFound, Retired, SourceError, Transient
from mpsyncd.model.page import Page
from mpsyncd.sources.listed import ListedRows
from mpsyncd.sources.pagers import ended

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mpsyncd.model.page import Slice
    from mpsyncd.model.request import Answer, Api, Request
    from mpsyncd.model.stream import Read


class ReportState(StrEnum):
    """What a vendor says of a report."""

    UNKNOWN = "unknown"
    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"


def report(
    *,
    create: Callable[[Slice, str], Request],
    poll: Callable[[str], Request],
    state: Callable[[Any], ReportState],
    download: Callable[[str], Request],
    again: Callable[[str], Request] | None = None,
    polls: int = 30,
) -> Read:
    """Read a slice as one report, under an id that is made here (a UUID), another one for each report that is ordered.

    create: orders the report of a slice under an id. poll: asks how it is; `state` reads that from the envelope of the answer (so the
    request has `rows_at=None`), which is None for an empty one; an unknown id may also be NotFound, or told by the request's `empty_when`.
    download: fetches the file, whose rows are the slice's. again: asks for a failed one once more. polls: how often it is looked at in one
    attempt; nothing but their limit holds them apart.

    The rows count as asked for when the report was ordered: what was read elsewhere since then is newer. A report that failed twice, that
    the vendor does not know or has no more (files are kept for days) is ordered anew by the next attempt.

    Raises (while iterating):
        Transient: it is not ready; the next attempt goes on.
        SourceError: it is lost; the next attempt, which is later than after Transient, orders another one.
        Snooze, BadData: as `Api.send`.
    """
    return _Report(create, poll, state, download, again, polls).read


_INTENT, _ORDERED, _READY = "intent", "ordered", "ready"


@dataclass(frozen=True, slots=True)
class _Place:
    """The step that is done, of the `number`-th report of this slice. `at`: when it was ordered; of an intent, when it was made."""

    step: str
    id: str
    number: int
    at: str
    retried: bool = False

    def page(self) -> Page:
        """The page that commits it."""
        return Page(rows=ListedRows(), cursor=asdict(self), last=False, asked_at=datetime.fromisoformat(self.at), barrier=True)


class _Lost(Exception):
    """Nothing more is to be had of this report; `error` is what the attempt ends with."""

    def __init__(self, error: SourceError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class _Report:
    """The methods of the vendor, and the steps over them."""

    create: Callable[[Slice, str], Request]
    poll: Callable[[str], Request]
    state: Callable[[Any], ReportState]
    download: Callable[[str], Request]
    again: Callable[[str], Request] | None
    polls: int

    async def read(self, api: Api, part: Slice) -> AsyncIterator[Page]:
        left = None if part.cursor is None or "step" not in part.cursor else _Place(**part.cursor)
        place, fresh = left or _intent(part, number=1), left is None
        if fresh:
            yield place.page()
        try:
            while place.step != _READY:
                place = await (self._order(api, part, place, fresh=fresh) if place.step == _INTENT else self._look(api, place))
                yield place.page()
            answer = await self._fetch(api, place)
        except _Lost as lost:
            yield _intent(part, number=place.number + 1).page()
            raise lost.error from None
        asked_at = datetime.fromisoformat(place.at)
        yield Page(rows=answer.rows, cursor=None, last=True, asked_at=asked_at, until=ended(part))

    async def _order(self, api: Api, part: Slice, place: _Place, *, fresh: bool) -> _Place:
        """Order it, unless an earlier attempt did and could not write that down."""
        if not fresh and await self._seen(api, place):
            return replace(place, step=_ORDERED)
        try:
            answer = await _heard(api, replace(self.create(part, place.id), repeatable=False))
        except (BadRequest, Transient):
            # The order may have arrived although its answer did not, and a second one under the same id is refused.
            if await self._seen(api, place):
                return replace(place, step=_ORDERED)
            raise
        return replace(place, step=_ORDERED, at=answer.asked_at.isoformat())

    async def _look(self, api: Api, place: _Place) -> _Place:
        told = ReportState.UNKNOWN
        for _ in range(self.polls):
            told = await self._state(api, place)
            if told is ReportState.READY:
                return replace(place, step=_READY)
            if told is ReportState.FAILED:
                return await self._retry(api, place)
        if told is ReportState.UNKNOWN:
            raise _lost(f"report {place.id}, ordered at {place.at}, is not known to the vendor")
        raise Transient(
            f"report {place.id}, ordered at {place.at}, is not ready after {self.polls} looks; the next attempt goes on looking"
        )

    async def _retry(self, api: Api, place: _Place) -> _Place:
        if self.again is None or place.retried:
            raise _lost(f"the vendor failed to make report {place.id}")
        answer = await _heard(api, self.again(place.id))
        return replace(place, retried=True, at=answer.asked_at.isoformat())

    async def _fetch(self, api: Api, place: _Place) -> Answer:
        try:
            return await api.send(self.download(place.id))
        except Retired:
            raise
        except (BadRequest, NotFound) as error:  # the request names nothing but the id
            raise _lost(f"the file of report {place.id}, ordered at {place.at}, is gone", error) from None

    async def _seen(self, api: Api, place: _Place) -> bool:
        return await self._state(api, place) is not ReportState.UNKNOWN

    async def _state(self, api: Api, place: _Place) -> ReportState:
        try:
            return self.state((await _heard(api, self.poll(place.id))).envelope)
        except NotFound:
            return ReportState.UNKNOWN


def _lost(told: str, error: SourceError | None = None) -> _Lost:
    lost = SourceError(f"{told}; the next attempt orders another one")
    if error is not None:
        lost.status, lost.request_id, lost.body = error.status, error.request_id, error.body
    return _Lost(lost)


async def _heard(api: Api, request: Request) -> Answer:
    """The answer to a request without rows."""
    answer = await api.send(replace(request, rows_at=None))
    await answer.rows.close()
    return answer


def _intent(part: Slice, *, number: int) -> _Place:
    """What is going to be ordered. The instant of the attempt makes the id unlike that of any other installation's slice."""
    at = part.now.isoformat()
    return _Place(_INTENT, str(uuid.uuid5(uuid.NAMESPACE_OID, f"mpsyncd {part.slice_id} {at} {number}")), number, at)
