"""A stream is a value: one dataset of a source, its tables, how it is read and how often."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from mpsyncd.model.page import Page, Slice
    from mpsyncd.model.plan import Workload
    from mpsyncd.model.request import Api, Document

Read: TypeAlias = Callable[["Api", "Slice"], AsyncIterator["Page"]]
RowFunction: TypeAlias = Callable[["Document"], "Document"]
"""Cures one raw document: same keys, values that PostgreSQL can type. Pure; raises BadData for a row that can not be cured."""


class Lane(StrEnum):
    """A feed either follows changes for ever or walks history and ends."""

    LIVE = "live"
    BACKFILL = "backfill"


class Write(StrEnum):
    """How rows of a table are merged."""

    UPSERT = "upsert"
    """By key; what a complete walk did not see is tombstoned."""
    REPLACE = "replace"
    """A slice is the whole truth of its scope: insert, change, delete what is missing, once, when the slice is complete."""
    SNAPSHOT = "snapshot"
    """Current table plus `<table>_history` (the same columns, `valid_from`, `gone`), one `snapshots` row per complete read. A part that is
    declared so has a history too; when its document is gone, the document's history tells."""
    APPEND = "append"
    """Rows are only ever added, never changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A field whose changes people want to hear of.

    `value` takes the raw document and returns the normalised JSON value to compare and to show; a new `version` of it re-baselines in
    silence. `event` is the name written to `event_log`.
    """

    field: str
    event: str
    value: Callable[[Document], Any]
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Rows of another stream's main table that documents of this one point at.

    columns: key columns of that table -> keys of the document. A row that is not there becomes a stub: nothing but its key, alive, filled
    when the object itself is read, never tombstoned. A document that points at nothing (null, absent, no such key) makes none.
    """

    table: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasable:
    """What becomes of documents about something that a person wanted to be forgotten (`mpsync.erased`).

    table: the main table whose rows can be erased; its key is one text. by: key of the document that holds the key of such a row.
    blank: what may stay of a document, of whatever shape. It is made before anything else looks at the document, in every read to come, and
    of what is refused too.
    """

    table: str
    by: str
    blank: Callable[[Document], Document]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table that a stream fills.

    The SQL migration is the schema; a column is the snake_case of a JSON key, a key without a column goes to `extra`.

    name: with its schema, "wb.orders". key: columns that identify a row within a shop.
    part_of: for a part, the name of the main table; `at` is the key of the parent document that holds the part's list, `carry` the columns
    copied from the parent (column -> key of the parent document), `position` a column that gets the 0-based place in the list. A list of
    scalars is read as objects {"value": scalar}. `rows` replaces all that by a function from the parent document to the part's documents.
    row: cures one document. noise: keys left out of the hash. version: raise it when `row` changes, so that rows are written again.
    guard: a column that must not decrease (a version or time of change of the vendor); where it is equal or null, the younger request wins.
    scope: what a slice is the whole truth of: column -> value, or (from, to) with `to` left out. REPLACE keeps the slice's rows aside and
    writes them in one go. UPSERT writes page by page and marks what it sees as a walk does; when the slice is complete, live rows of its
    scope that it did not see are tombstoned, unless that is suspicious. A walk sweeps the whole table, whatever the scope.
    numbered: for documents without a key of their own, the two key columns that are made for them: a hash of the content (text) and the
    number of the document among equal ones of its slice, from 1.
    refers: rows of other tables that must be there when a document is: stubs stand in for those that are missing.
    erasable: how documents of this main table are blanked when a person wanted that.
    """

    name: str
    key: tuple[str, ...]
    part_of: str | None = None
    at: str | None = None
    carry: Mapping[str, str] | None = None
    position: str | None = None
    rows: Callable[[Document], Iterable[Document]] | None = None
    row: RowFunction | None = None
    noise: frozenset[str] = frozenset()
    version: int = 1
    guard: str | None = None
    scope: Callable[[Slice], Mapping[str, Any]] | None = None
    numbered: tuple[str, str] | None = None
    write: Write = Write.UPSERT
    tracks: tuple[Track, ...] = ()
    refers: tuple[Reference, ...] = ()
    erasable: Erasable | None = None

    @property
    def swept_by_slice(self) -> bool:
        """Whether a slice of time marks what it sees, so that its scope can be swept when it is complete."""
        return self.write is Write.UPSERT and self.scope is not None and self.numbered is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parents:
    """Whose rows a stream is read for: `Slice.parents` gives the live rows of `table`, in order of its key.

    stream: a stream of the same source that walks and fills `table` as its main table. columns: given beside those of the key. where:
    column -> values that it may have. changed: a column of time (`synced_at`: when what is stored was asked for); a slice that has a start
    gets only parents with it at or after the start. deleted: those that the vendor has no more are read for too. child: the columns of the
    reading stream's main table that hold the key of a row's parent: rows of parents that are not read for any more leave with a walk, and
    raise no doubt about it.
    """

    stream: str
    table: str
    child: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    where: Mapping[str, Collection[Any]] = field(default_factory=dict)
    changed: str | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """A quicker way through history that some keys may go.

    capability: what a key must be able to do. The shortcut is tried until its `read` raises Forbidden (or PaymentRequired) with this very
    capability, which is remembered; then history is planned anew by the ordinary way. A full run tries it again.
    read, window, behind: in place of the stream's own `read`, `window` and `history_behind`.
    """

    capability: str
    read: Read
    window: timedelta | None
    behind: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """How rows that a webhook names are read out of turn.

    by: columns of the main table whose values say which rows, all of its key (one document) or others (the files of one card). read: gives
    every row that has these values, in the very shape in which the stream's own read gives them: what the answer lacks is gone. NotFound
    says that they all are. The stream's main table must be UPSERT.
    """

    by: tuple[str, ...]
    read: Callable[[Api, tuple[Any, ...]], AsyncIterator[Page]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One dataset of a source.

    tables: the main table first, then its parts. read: (api, slice) -> pages, the last one marked. schedule: name of a schedule.
    overlap: how far behind `complete_until` a live slice begins. backfill: how far back history is read, None for none; `window` cuts it.
    walk: how often the live lane reads everything and sweeps, None never; timedelta(0) every time, timedelta.max once, and again in full
    runs. sweeps: False for a list that leaves rows out which are not gone: a walk of it deletes nothing. keeps_cursor: a SINCE slice goes
    on from the cursor at which the last one ended (else it begins at `complete_until - overlap`). tombstones: a table of the same source
    whose rows are tombstoned when this stream's completed walk sees their key (a trash list). capability: what the key must be able to do.
    page_rows: expected rows of a full page, for plans. day: column of the main table that holds the row's day, for coverage.
    parents: the stream is read for each row of another one's table and waits until that has been walked once. shortcut: another way
    through history. history_behind: how much of the newest history is left to the live lane. History then ends, and its windows meet, at
    midnights of the source's calendar: at the beginning of the day that lies so many whole days behind today. At least a day less than
    `overlap`, or a day falls between the lanes when they are planned before and after a midnight.
    suspect_empty: a slice of time that ends without any row although live rows of its `scope` (else of its days, by `day`) are stored is
    an EmptySnapshot; with force it is believed.
    along: streams that people mean too when they name this one in a command: who says chats means what is said in them.
    requests: what a slice costs, as HTTP requests by limit, for plans; without it one of each of its `limits` for a page, and one for the
    end. again: how rows that a webhook names are read; without it the whole stream is read anew when it is named.
    """

    name: str
    tables: tuple[Table, ...]
    read: Read
    schedule: str
    capability: str | None = None
    overlap: timedelta = timedelta(0)
    backfill: timedelta | None = None
    window: timedelta | None = None
    walk: timedelta | None = None
    sweeps: bool = True
    keeps_cursor: bool = False
    tombstones: str | None = None
    limits: tuple[str, ...] = ()
    page_rows: int = 1000
    day: str | None = None
    parents: Parents | None = None
    shortcut: Shortcut | None = None
    history_behind: timedelta = timedelta(0)
    suspect_empty: bool = False
    along: tuple[str, ...] = ()
    requests: Callable[[Workload], Mapping[str, int]] | None = None
    again: Again | None = None

    @property
    def main(self) -> Table:
        """The table whose rows are the stream's documents."""
        return self.tables[0]

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The feeds that a shop has for this stream."""
        return (Lane.LIVE,) if self.backfill is None else (Lane.LIVE, Lane.BACKFILL)
