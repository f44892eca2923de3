"""Slices and pages: the part of a run that is asked for, and the part of an answer that is committed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

    from mpsyncd.model.request import Rows

Cursor: TypeAlias = Mapping[str, Any]
"""A position in the source: JSON values only, opaque to everybody but the pager that made it."""


class SliceKind(StrEnum):
    """Why a slice is read."""

    WALK = "walk"
    """Everything, from the beginning; what it does not see is swept."""
    SINCE = "since"
    """What is new: from the feed's cursor or `start` at least to `end`, when the slice was planned; what came later may be left."""
    WINDOW = "window"
    """What belongs to [start, end)."""


class ParentReader(Protocol):
    """Reads the rows of the table that a stream's parents live in."""

    def __call__(self, *, after: Sequence[Any] | None = None) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """Live rows in order of their key, from behind the key `after` (None: from the beginning), in pages of at most 1000.

        Each row has the columns of the key and those of `Stream.parents`, as JSON values.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What `Stream.read` is asked for.

    `cursor` is where this slice stopped before (or, for SINCE, the feed's own cursor); None means from the beginning. `start` and `end` are
    aware UTC instants. `key` carries whatever else defines the slice. `now` is the instant at which the attempt began. `parents` is set by
    the engine for the time of an attempt, for streams that declare parents.
    """

    slice_id: int
    kind: SliceKind
    now: datetime
    start: datetime | None = None
    end: datetime | None = None
    cursor: Cursor | None = None
    key: Mapping[str, Any] = field(default_factory=dict)
    parents: ParentReader | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The rows of one response with the position behind them.

    `last` closes the slice (every read ends with such a page, rows or not). `until` says up to which instant of the source's own time the
    feed is complete once this page is committed. `asked_at` is when its request was sent. `barrier`: nothing more is asked of the read
    before this page is committed (the intent to order a report). `share` is the committed part of the slice, 0 to 1, where the cursor is no
    time (parents done, pages of a known total). `skipped` counts parents that this page passes by: the vendor has them no more. `doubt`, on
    a last page: why there may be more than the vendor told; people see it beside the feed, which is not held up by it.
    """

    rows: Rows
    cursor: Cursor | None
    last: bool
    asked_at: datetime
    until: datetime | None = None
    barrier: bool = False
    share: float | None = None
    skipped: int = 0
    doubt: str | None = None
