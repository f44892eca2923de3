"""Questions and feedbacks (vendor's page "Questions and feedbacks", read October 2026). One limit for all methods.

Nothing tells what changed: a question that was asked a year ago is answered today. So every read is a walk. What waits for an answer is
read first: a row that is answered meanwhile is met again among the answered ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import BadData
from mpsyncd.model.request import Request
from mpsyncd.model.stream import Stream, Table
from mpsyncd.sources.lists import each_list
from mpsyncd.sources.pagers import Offset, Turn, ended
from mpsyncd.sources.reading import paged
from mpsyncd.sources.rows import instant, moscow_time, together, utc_time, whole
from mpsyncd.sources.wildberries.checked import checked

if TYPE_CHECKING:
    from mpsyncd.model.page import Cursor, Slice
    from mpsyncd.model.request import Answer, Document
    from mpsyncd.model.stream import Read

_HOST, _LIMITS = "feedbacks-api", ("feedbacks",)
_OLDEST_FIRST = {"order": "dateAsc"}
_QUESTIONS = Request(method="GET", host=_HOST, path="/api/v1/questions", params=_OLDEST_FIRST, rows_at="data.questions", limits=_LIMITS)
_FEEDBACKS = Request(method="GET", host=_HOST, path="/api/v1/feedbacks", params=_OLDEST_FIRST, rows_at="data.feedbacks", limits=_LIMITS)
_ARCHIVE = Request(
    method="GET", host=_HOST, path="/api/v1/feedbacks/archive", params=_OLDEST_FIRST, rows_at="data.feedbacks", limits=_LIMITS
)
_MOST_QUESTIONS, _MOST_FEEDBACKS = 10_000, 5_000
_NEW = "suppliersPortalSynch"
_MICROSECONDS = len("2026-11-21T09:00:00.123456")


@dataclass(frozen=True, slots=True, kw_only=True)
class _ByDate:
    """Rows in order of their creation; the next page begins at the second of the last row.

    Numbers of rows to skip have a cap, and rows slip past them when one before them leaves the list; moments have neither trouble. Rows of
    the border come twice.
    """

    take: int

    def ask(self, request: Request, *, part: Slice, cursor: Cursor | None) -> Request:
        _ = part
        first = request.with_params(take=str(self.take), skip="0")
        return first if cursor is None else first.with_params(dateFrom=str(cursor["from"]))

    async def turn(self, answer: Answer, *, part: Slice, cursor: Cursor | None) -> Turn:
        if answer.rows.count < self.take:
            return Turn(cursor=cursor, last=True, until=ended(part))
        created = instant((answer.rows.last or {}).get("createdDate"), zone=UTC)
        if created is None:
            raise BadData("the last row of a full page has no createdDate: there is no telling where the next page begins")
        reached = math.floor(created.timestamp())
        if cursor is not None and reached <= cursor["from"]:
            raise BadData(
                f"{answer.rows.count} rows since {cursor['from']} end at {reached}: an earlier page came again, or all share a second"
            )
        return Turn(cursor={"from": reached}, last=False)


def questions(take: int) -> Read:
    """All questions, `take` a page. Declined ones are told among those that are answered."""
    pager = _ByDate(take=take)
    waiting = checked(paged(_QUESTIONS.with_params(isAnswered="false"), pager=pager), _unanswered)
    done = checked(
        paged(_QUESTIONS.with_params(isAnswered="true"), pager=pager), lambda row: not _unanswered(row) or row.get("state") != _NEW
    )
    return each_list(waiting, done)


def feedbacks(take: int) -> Read:
    """All feedbacks, `take` a page. The archive, which alone tells those that nobody answered in time, knows no moments."""
    pager = _ByDate(take=take)
    waiting = checked(paged(_FEEDBACKS.with_params(isAnswered="false"), pager=pager), _unanswered)
    done = checked(paged(_FEEDBACKS.with_params(isAnswered="true"), pager=pager), lambda row: not _unanswered(row))
    return each_list(waiting, done, paged(_ARCHIVE, pager=Offset(size=take, limit="take", offset="skip")))


def _unanswered(row: Document) -> bool:
    return row.get("answer") is None


def _microseconds(document: Document) -> Document:
    """PostgreSQL would round the nine digits of a question's moment to another microsecond."""
    cured = utc_time("createdDate")(document)
    created: Any = cured.get("createdDate")
    if isinstance(created, str) and created.endswith("Z") and "." in created and len(created) > _MICROSECONDS + 1:
        return {**cured, "createdDate": created[:_MICROSECONDS] + "Z"}
    return cured


QUESTIONS = Stream(
    name="questions",
    tables=(Table(name="wb.questions", key=("id",), row=_microseconds),),
    read=questions(_MOST_QUESTIONS),
    schedule="frequent",
    walk=timedelta(0),
    capability="feedbacks",
    limits=_LIMITS,
    page_rows=_MOST_QUESTIONS,
    requests=lambda load: dict.fromkeys(_LIMITS, 2 + math.ceil((load.rows or 0) / _MOST_QUESTIONS)),
)
FEEDBACKS = Stream(
    name="feedbacks",
    tables=(
        Table(
            name="wb.feedbacks",
            key=("id",),
            row=together(
                moscow_time("createdDate", "lastOrderCreatedAt"),
                whole("productValuation", "supplierFeedbackValuation", "supplierProductValuation", "lastOrderShkId", "subjectId"),
            ),
        ),
    ),
    read=feedbacks(_MOST_FEEDBACKS),
    schedule="frequent",
    walk=timedelta(0),
    capability="feedbacks",
    limits=_LIMITS,
    page_rows=_MOST_FEEDBACKS,
    # Answered ones are in the archive too.
    requests=lambda load: dict.fromkeys(_LIMITS, 3 + 2 * math.ceil((load.rows or 0) / _MOST_FEEDBACKS)),
)
