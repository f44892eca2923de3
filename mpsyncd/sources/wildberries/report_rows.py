"""Reading of reports and, by `rrdId`, of their rows: sales and acquiring (page "Documents and accounting", read October 2026).

One answer holds up to 100,000 rows; the next is asked for behind the `rrdId` of the last row, which need not be the largest; 204 ends it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import SliceKind
from mpsyncd.sources.pagers import Offset, Turn
from mpsyncd.sources.reading import opened, paged
from mpsyncd.sources.rows import calendar_day, whole
from mpsyncd.sources.wildberries.days import today, weeks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mpsyncd.model.page import Cursor, Page, Slice
    from mpsyncd.model.plan import Workload
    from mpsyncd.model.request import Answer, Api, Document, Request
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


@dataclass(frozen=True, slots=True, kw_only=True)
class BehindRow:
    """The position is the `rrdId` of the last row. `day`: the rows' field that grows, by and large, with the walk.

    limit: rows that an answer may hold. An answer with fewer, and with fewer than the one before, is `short`: the next one will be the end.
    """

    day: str
    limit: int = LIMIT

    def ask(self, request: Request, *, part: Slice, cursor: Cursor | None) -> Request:
        _ = part
        return request.with_json({**request.json, "rrdId": cursor["rrdId"] if cursor else 0})

    async def turn(self, answer: Answer, *, part: Slice, cursor: Cursor | None) -> Turn:
        if not answer.rows.count:
            return Turn(cursor=cursor, last=True, until=part.end)
        row = answer.rows.last or {}
        position = _POSITION(row).get("rrdId")
        if position is None:
            raise BadData("the last row has no rrdId: there is no telling where the next page begins")
        if cursor and cursor["rrdId"] == int(position):
            raise BadData(f"the row {position} ended two answers, twice the same position: the walk would never end")
        before = (cursor or {}).get("rows", self.limit)
        here = {"rrdId": int(position), "rows": answer.rows.count, "short": answer.rows.count < before}
        return Turn(cursor=here, last=False, share=_share(row, self.day, part))


def report_rows(request: Request, *, day: str, limit: int = LIMIT) -> Read:
    """Read the whole weeks of a slice; `day` and `limit` as in `BehindRow`.

    The vendor was seen to answer 204 for weeks that had rows in the morning, and rows that are not told are held to be gone: an end must
    be told twice, in every kind of slice. A short answer tells it too, and saves a request where there is one a minute.

    Raises (while iterating):
        BadData: a last row without an `rrdId`, or with one that was met before: there is no telling how to go on.
        SourceError, Snooze: as `Api.send`.
    """

    def asked(part: Slice) -> Request:
        monday, sunday = whole_weeks(part)
        days = {"dateFrom": monday.isoformat(), "dateTo": min(sunday, today(part)).isoformat()}
        return request.with_json({**request.json, **days, "limit": limit})

    inner = paged(asked, pager=BehindRow(day=day, limit=limit), ends_behind=_short)

    async def read(api: Api, part: Slice) -> AsyncIterator[Page]:
        async with opened(inner, api, replace(part, kind=SliceKind.WINDOW)) as pages:
            async for page in pages:
                yield page

    return read


def pages_and_end(load: Workload) -> int:
    """Requests that a slice takes: its pages and the end of them, which is asked for twice where there are none."""
    return max(1, math.ceil((load.rows or 0) / LIMIT)) + 1


def reports(request: Request) -> Read:
    """Read the list of all reports, a few hundred a year."""

    def asked(part: Slice) -> Request:
        return request.with_json({**request.json, "dateFrom": _FIRST_LISTED.isoformat(), "dateTo": today(part).isoformat()})

    return paged(asked, pager=Offset(size=_LISTED, body=True))


def _short(cursor: Cursor | None) -> bool:
    return bool((cursor or {}).get("short"))


def _share(row: Document, field: str, part: Slice) -> float | None:
    monday, sunday = whole_weeks(part)
    try:
        reached = calendar_day(field)(row).get(field)
    except BadData:
        return None
    return reached and min(1.0, max(0.0, (date.fromisoformat(reached) - monday) / (sunday - monday + timedelta(days=1))))
