"""Pagers: how one paged method says where the next page begins. Small frozen values, no state of their own.

What holds for every paged read (the end, the loop guard, resuming) stands in `reading`. A pager must not decode rows that it need not see.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any, Protocol

from mpsyncd.model.errors import BadData
from mpsyncd.model.page import SliceKind
from mpsyncd.sources.rows import instant

if TYPE_CHECKING:
    from datetime import datetime

    from mpsyncd.model.page import Cursor, Slice
    from mpsyncd.model.request import Answer, Document, Request, Row, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What an answer means for the walk: the position behind it, whether it is the last, until when and to what share all is read."""

    cursor: Cursor | None
    last: bool
    until: datetime | None = None
    share: float | None = None


class Pager(Protocol):
    """The two questions that `paged` has."""

    def ask(self, request: Request, *, part: Slice, cursor: Cursor | None) -> Request:
        """The request for the page behind `cursor` (None: the beginning of the slice)."""
        ...

    async def turn(self, answer: Answer, *, part: Slice, cursor: Cursor | None) -> Turn:
        """Judge the answer to the request for `cursor`.

        Raises:
            BadData: there is no telling where the next page begins.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """Rows in order of their time of change, from a moment on; the next page begins at the exact moment of the last row.

    param: the query parameter that takes the moment. field: the rows' time of change. zone: of moments written without one.
    full: from so many rows on, a page may have been cut by the vendor.

    A vendor may or may not give the rows of the border again, so the walk ends with an empty page, with a page of nothing but the border's
    rows, or with a row beyond the end of the slice.
    """

    param: str
    field: str
    zone: timezone
    full: int

    def ask(self, request: Request, *, part: Slice, cursor: Cursor | None) -> Request:
        return request.with_params(**{self.param: self._asked(part, cursor)})

    async def turn(self, answer: Answer, *, part: Slice, cursor: Cursor | None) -> Turn:
        asked = self._asked(part, cursor)
        here: Cursor = {self.param: asked}
        window_end = part.end if part.kind is SliceKind.WINDOW else None
        if not answer.rows.count:
            return Turn(cursor=here, last=True, until=window_end or self._at(asked))
        newest = await self._newest(answer.rows)
        reached = self._at(newest)
        if reached <= self._at(asked):
            await self._refuse_unless_border(answer.rows, asked)
            return Turn(cursor=here, last=True, until=window_end or reached)
        # What changed after the slice was planned is the next one's: or a slow key would chase a shop that never sleeps.
        ended = part.end is not None and reached >= part.end
        return Turn(cursor={self.param: newest}, last=ended, until=(ended and window_end) or reached)

    def _asked(self, part: Slice, cursor: Cursor | None) -> str:
        if cursor is not None:
            return str(cursor[self.param])
        if part.start is None:
            raise ValueError(f"a slice over {self.param} needs a start")
        return part.start.astimezone(self.zone).replace(tzinfo=None).isoformat()

    def _at(self, text: str) -> datetime:
        moment = instant(text, zone=self.zone)
        if moment is None:
            raise BadData(f"{self.field}: {text!r} is no moment to go on from")
        return moment

    async def _newest(self, rows: Rows) -> str:
        """The last row's time of change, or that of the last row that has one: a single bad row must not stop the walk."""
        newest = self._stamp(rows.last)
        if newest is None:
            async for piece in rows.pieces():
                newest = next((stamp for row in reversed(piece) if (stamp := self._stamp(row))), newest)
        if newest is None:
            raise BadData(f"none of {rows.count} rows has a usable {self.field}: there is no telling where the next page begins")
        return newest

    def _stamp(self, row: Row | None) -> str | None:
        value = row.get(self.field) if isinstance(row, dict) else None
        try:
            return value if instant(value, zone=self.zone) is not None else None
        except BadData:
            return None

    async def _refuse_unless_border(self, rows: Rows, asked: str) -> None:
        """A page that ends where it began is the end only if it holds the rows of that one moment, all of them."""
        if rows.count >= self.full:
            raise BadData(
                f"{rows.count} rows share the {self.field} {asked} and fill a whole page: {self.param} can not move on without losing rows"
            )
        # The vendor promises no more than seconds for the parameter, so rows of the same second may come again.
        border = self._at(asked) - timedelta(seconds=1)
        async for piece in rows.pieces():
            older = next((stamp for row in piece if (stamp := self._stamp(row)) and self._at(stamp) < border), None)
            if older is not None:
                raise BadData(f"asked for rows since {asked}, got one of {older} and none that is newer: an earlier page came again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A method that is not paged: one answer is all there is."""

    def ask(self, request: Request, *, part: Slice, cursor: Cursor | None) -> Request:
        _ = part, cursor
        return request

    async def turn(self, answer: Answer, *, part: Slice, cursor: Cursor | None) -> Turn:
        _ = answer, cursor
        return Turn(cursor=None, last=True, until=ended(part))


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """Rows by number: `size` rows from the `offset`-th on.

    limit, offset: names of the two query parameters or, when `body`, dotted paths into the JSON body. until_empty: a short page proves
    nothing (the vendor lowers the limit or drops rows from pages), only an empty one is the last. total: dotted path into the envelope to
    the number of all rows; it tells the progress and is not believed in anything else.

    The next page begins behind the rows that came, not behind those that were asked for: at worst rows come twice, none is passed over.
    Numbers always grow, so an API that does not heed them would be walked for ever: a page like the one before it (as many rows, the same
    last one) is an error, a single row that comes again is the end.
    """

    size: int
    limit: str = "limit"
    offset: str = "offset"
    body: bool = False
    until_empty: bool = False
    total: str | None = None

    def ask(self, request: Request, *, part: Slice, cursor: Cursor | None) -> Request:
        _ = part
        return _put(request, {self.limit: self.size, self.offset: _reached(cursor)}, body=self.body)

    async def turn(self, answer: Answer, *, part: Slice, cursor: Cursor | None) -> Turn:
        count, page = answer.rows.count, [answer.rows.count, _hash(answer.rows.last)]
        reached, again = _reached(cursor) + count, cursor is not None and page == cursor.get("page")
        if again and count > 1:
            raise BadData(f"asked for rows from {_reached(cursor)} on, got {count} that end with the row of the page before: it came again")
        last = again or count < (1 if self.until_empty else self.size)
        total = _found(answer.envelope, self.total) if self.total else None
        share = min(1.0, reached / total) if isinstance(total, int) and total > 0 else None
        return Turn(cursor={"offset": reached, "page": page}, last=last, until=ended(part) if last else None, share=share)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastKey:
    """Rows behind a key: `param` takes the `field` of the last row that came, `first` before there is one; an empty answer is the end.

    param: the query parameter or, when `body`, a dotted path into the JSON body. The last row in the vendor's order counts, not the
    greatest key.
    """

    param: str
    field: str
    first: int | str = 0
    body: bool = False

    def ask(self, request: Request, *, part: Slice, cursor: Cursor | None) -> Request:
        _ = part
        return _put(request, {self.param: self._asked(cursor)}, body=self.body)

    async def turn(self, answer: Answer, *, part: Slice, cursor: Cursor | None) -> Turn:
        asked = self._asked(cursor)
        if not answer.rows.count:
            return Turn(cursor={"key": asked}, last=True, until=ended(part))
        reached = (answer.rows.last or {}).get(self.field)
        if isinstance(reached, bool) or not isinstance(reached, int | str) or reached == "":
            raise BadData(
                f"the last of {answer.rows.count} rows has no usable {self.field}: there is no telling where the next page begins"
            )
        if reached == asked:
            raise BadData(f"asked for rows behind {self.field} {asked}, the last of {answer.rows.count} is that one again")
        return Turn(cursor={"key": reached}, last=False)

    def _asked(self, cursor: Cursor | None) -> int | str:
        key: int | str = self.first if cursor is None else cursor["key"]
        return key


def ended(part: Slice) -> datetime | None:
    """Up to when a slice that was read to its end is complete: its end; a walk is no stretch of time."""
    return None if part.kind is SliceKind.WALK else part.end


def _reached(cursor: Cursor | None) -> int:
    return 0 if cursor is None else int(cursor["offset"])


def _hash(row: Document | None) -> str | None:
    return None if row is None else hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:16]


def _put(request: Request, values: dict[str, Any], *, body: bool) -> Request:
    if not body:
        return request.with_params(**{name: str(value) for name, value in values.items()})
    filled = request.json
    for path, value in values.items():
        filled = _with(filled, path.split("."), value)
    return request.with_json(filled)


def _with(document: Any, path: list[str], value: Any) -> Any:
    name, *rest = path
    inside = document if isinstance(document, dict) else {}
    return {**inside, name: _with(inside.get(name), rest, value) if rest else value}


def _found(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document
