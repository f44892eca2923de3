"""Reading of reports and, by `rrdId`, of their rows: sales and acquiring (page "Documents and accounting", read October 2026).

One answer holds up to 100,000 rows; the next is asked for behind the `rrdId` of the last row, which need not be the largest; 204 ends it.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import Page
from mpsyncd.sources.pagers import Offset
from mpsyncd.sources.reading import paged
from mpsyncd.sources.rows import calendar_day, whole
from mpsyncd.sources.wildberries.days import today, weeks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from mpsyncd.model.page import Cursor, Slice
    from mpsyncd.model.plan import Workload
    from mpsyncd.model.request import Answer, Api, Request
    from mpsyncd.model.stream import Read

LIMIT = 100_000
"""Rows that one answer may hold."""
_FIRST_DAY = date(2024, 1, 29)
"""There are no rows of older reports; a Monday."""
_FIRST_LISTED = date(2025, 1, 1)
"""The lists of reports begin here."""
_LISTED = 1000
_POSITION = whole("rrdId")


def whole_weeks(part: Slice) -> tuple[date, date]:
    """The Monday from which and the Sunday up to which a slice reads."""
    monday, sunday = weeks(part)
    return max(monday, _FIRST_DAY), sunday


def week_range(part: Slice) -> tuple[date, date]:
    """The same for `Table.scope`: the second day is left out."""
    monday, sunday = whole_weeks(part)
    return monday, sunday + timedelta(days=1)


def report_rows(request: Request, *, day: str) -> Read:
    """Read the whole weeks of a slice. `day` is the rows' field that grows, by and large, with the walk: it tells people how far it is.

    The vendor was seen to answer 204 for weeks that had rows in the morning, and rows that are not told are held to be gone: an end must
    be told twice, in every kind of slice.

    Raises (while iterating):
        BadData: a last row without an `rrdId`, or with one that was met before: there is no telling how to go on.
        SourceError, Snooze: as `Api.send`.
    """

    async def read(api: Api, part: Slice) -> AsyncIterator[Page]:
        cursor, met = part.cursor, {_behind(part.cursor)}
        asked = request.with_json({**request.json, **_days(part), "limit": LIMIT})
        while True:
            answer = await _send(api, asked.with_json({**asked.json, "rrdId": _behind(cursor)}))
            last = not answer.rows.count
            if not last:
                cursor = {"rrdId": await _next(answer, met)}
            until, share = (part.end, None) if last else (None, _share(answer, day, part))
            yield Page(rows=answer.rows, cursor=cursor, last=last, asked_at=answer.asked_at, until=until, share=share)
            if last:
                return

    return read


def pages_and_end(load: Workload) -> int:
    """Requests that a slice takes: its pages and, twice, the end of them."""
    return math.ceil((load.rows or 0) / LIMIT) + 2


def reports(request: Request) -> Read:
    """Read the list of all reports, a few hundred a year."""

    def asked(part: Slice) -> Request:
        return request.with_json({**request.json, "dateFrom": _FIRST_LISTED.isoformat(), "dateTo": today(part).isoformat()})

    return paged(asked, pager=Offset(size=_LISTED, body=True))


def _days(part: Slice) -> Mapping[str, str]:
    monday, sunday = whole_weeks(part)
    return {"dateFrom": monday.isoformat(), "dateTo": min(sunday, today(part)).isoformat()}


def _behind(cursor: Cursor | None) -> int:
    return int(cursor["rrdId"]) if cursor else 0


async def _send(api: Api, request: Request) -> Answer:
    answer = await api.send(request)
    if not answer.rows.count:
        await answer.rows.close()
        answer = await api.send(request)
    return answer


async def _next(answer: Answer, met: set[int]) -> int:
    """The position behind a page; its body is let go of when there is none."""
    try:
        told = _POSITION(answer.rows.last or {}).get("rrdId")
        if told is None:
            raise BadData("the last row has no rrdId: there is no telling where the next page begins")
        if int(told) in met:
            raise BadData(f"rrdId {told} ended a page for the second time: the walk would never end")
    except BadData:
        await answer.rows.close()
        raise
    met.add(int(told))
    return int(told)


def _share(answer: Answer, field: str, part: Slice) -> float | None:
    monday, sunday = whole_weeks(part)
    try:
        reached = calendar_day(field)(answer.rows.last or {}).get(field)
    except BadData:
        return None
    return reached and min(1.0, max(0.0, (date.fromisoformat(reached) - monday) / (sunday - monday + timedelta(days=1))))
