"""The order feed (vendor's page "Order feed", read October 2026): every order of the last 31 days by the time of its status, as it is now.

Real time, newest first, with orders that the statistics leave out. The pages of one answer belong to a snapshot, which the first page
names; the vendor does not say how long it keeps one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mpsyncd.model.errors import BadData, BadRequest, NotFound
from mpsyncd.model.page import Page, SliceKind
from mpsyncd.model.request import Request
from mpsyncd.model.stream import Stream, Table
from mpsyncd.sources.listed import ListedRows
from mpsyncd.sources.mapped import MappedRows
from mpsyncd.sources.pagers import Turn, ended
from mpsyncd.sources.reading import opened, paged
from mpsyncd.sources.rows import MOSCOW, instant, moscow_time, number, together, whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mpsyncd.model.page import Cursor, Slice
    from mpsyncd.model.request import Answer, Api
    from mpsyncd.model.stream import Read
    from mpsyncd.sources.mapped import Documents

_LIMIT = 10_000
# An hour less than the vendor's 31 days, as a request may wait for its turn.
_DEPTH = timedelta(days=31) - timedelta(hours=1)
_FEED = Request(
    method="POST",
    host="seller-analytics-api",
    path="/api/analytics/v1/order-feed",
    json={},
    rows_at="data.orders",
    limits=("analytics.order_feed",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Snapshot:
    """Pages by number within one snapshot; the position carries the period, which may not change on the way, and the answer's currency."""

    limit: int

    def ask(self, request: Request, *, part: Slice, cursor: Cursor | None) -> Request:
        position = cursor or {}
        pagination = {"offset": position.get("offset", 0), "limit": self.limit}
        if cursor is not None:
            pagination["snapshotTime"] = position["snapshot"]
        return request.with_json({"selectedPeriod": position.get("period") or _period(part), "pagination": pagination})

    async def turn(self, answer: Answer, *, part: Slice, cursor: Cursor | None) -> Turn:
        told = answer.envelope.get("data") if isinstance(answer.envelope, dict) else None
        told = told if isinstance(told, dict) else {}
        last = answer.rows.count < self.limit
        position = {
            "offset": (cursor["offset"] if cursor else 0) + answer.rows.count,
            "snapshot": cursor["snapshot"] if cursor else told.get("snapshotTime"),
            "period": cursor["period"] if cursor else _period(part),
            "currency": told.get("currency"),
            "srid": (answer.rows.last or {}).get("srid"),
        }
        if not last and not isinstance(position["snapshot"], str):
            raise BadData("the answer has no snapshotTime: there is no telling how to ask for the next page")
        if cursor is not None and answer.rows.count and position["srid"] == cursor["srid"]:
            raise BadData(f"the page at {cursor['offset']} ends with {position['srid']} like the one before: an earlier page came again")
        if part.kind is not SliceKind.SINCE:
            return Turn(cursor=position, last=last, until=ended(part) if last else None)
        # An answer without rows may be a mistake: it proves nothing and moves nothing.
        known = last and answer.rows.count and position["snapshot"]
        return Turn(cursor=position, last=last, until=instant(position["snapshot"], zone=UTC) if known else None)


def _period(part: Slice) -> dict[str, str]:
    """What is asked for; the end is left open when everything new is wanted."""
    begin = {"start": _told(_begin(part))}
    return begin if part.kind is SliceKind.SINCE or part.end is None else {**begin, "end": _told(part.end)}


def _begin(part: Slice) -> datetime:
    earliest = part.now - _DEPTH
    return earliest if part.start is None else max(part.start, earliest)


def _told(moment: datetime) -> str:
    return moment.astimezone(MOSCOW).isoformat(timespec="milliseconds")


def feed(limit: int) -> Read:
    """Read in pages of `limit` orders, at most 10,000. Rows bear the currency that their answer names once.

    A snapshot that the vendor has dropped is begun anew, once an attempt.
    """
    read = paged(_FEED, pager=_Snapshot(limit=limit))

    async def pages(api: Api, part: Slice) -> AsyncIterator[Page]:
        cursor, again = part.cursor, False
        while cursor is not None or not _forgotten(part):
            try:
                async with opened(read, api, replace(part, cursor=cursor)) as inner:
                    async for page in inner:
                        cursor = page.cursor
                        yield replace(page, rows=MappedRows(page.rows, _bearing("currency", cursor)))
                return
            except (BadRequest, NotFound):
                if cursor is None or again:
                    raise
                cursor, again = None, True
        yield Page(rows=ListedRows(), cursor=None, last=True, asked_at=part.now, until=ended(part))

    return pages


def _forgotten(part: Slice) -> bool:
    """Whether all of a window is older than what the vendor keeps."""
    return part.kind is not SliceKind.SINCE and part.end is not None and part.end <= _begin(part)


def _bearing(name: str, cursor: Cursor | None) -> Documents:
    told = {name: (cursor or {}).get(name)}
    return lambda order: [{**told, **order}]


ORDER_FEED = Stream(
    name="order_feed",
    tables=(
        Table(
            name="wb.order_feed",
            key=("srid",),
            guard="updated_at",
            row=together(moscow_time("createdAt", "updatedAt"), whole("nmId", "chrtId"), number("sellerPrice")),
        ),
    ),
    read=feed(_LIMIT),
    schedule="frequent",
    overlap=timedelta(hours=1),
    backfill=timedelta(days=31),
    capability="analytics",
    limits=_FEED.limits,
    page_rows=_LIMIT,
    day="created_at",
)
