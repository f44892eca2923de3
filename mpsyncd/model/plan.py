"""What a run will cost before it begins: HTTP requests by limit, and the time that the limits ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from mpsyncd.model.page import SliceKind
    from mpsyncd.model.stream import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What one slice has to get through, as far as it is known before.

    start, end: as in the slice, None for a walk. rows: what the vendor is expected to have for it, None when nobody knows. parents: how
    many there are to ask for, None likewise, 0 for a stream without parents. shortcut: it is read by the stream's shortcut.
    """

    kind: SliceKind
    start: datetime | None = None
    end: datetime | None = None
    rows: int | None = None
    parents: int | None = 0
    shortcut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPlan:
    """One feed: HTTP requests by the limit that they draw on. `unsure`: what is not known, so that it is at least this much, or None."""

    stream: str
    lane: Lane
    requests: Mapping[str, int]
    waits_for: str | None = None
    unsure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What is kept of a feed's plan for the time of its run: HTTP requests, the seconds that they take by limit, whether it is a least."""

    requests: int
    seconds: Mapping[str, float]
    unsure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePlan:
    """One limit: how many HTTP requests draw on it, and from the run's beginning to the moment at which the last one may leave."""

    limit: str
    requests: int
    interval: timedelta
    burst: int
    time: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run: its feeds, its limits (the slowest first), and the time that the slowest one asks for."""

    feeds: tuple[FeedPlan, ...]
    gates: tuple[GatePlan, ...]
    time: timedelta

    @property
    def requests(self) -> int:
        """How many times a limit is drawn on; one HTTP request counts once for each limit that it names."""
        return sum(gate.requests for gate in self.gates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the database knows of a shop: live rows by table.

    whole: tables that were read to their end at least once, so that their counts mean something. assumed: rows that a person expects.
    lacks: capabilities that the vendor said the key does not have.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()
    assumed: Mapping[str, int] = field(default_factory=dict)
    lacks: frozenset[str] = frozenset()

    def count(self, table: str) -> int | None:
        """Rows of a table, None when nobody knows."""
        if table in self.assumed:
            return self.assumed[table]
        return self.rows.get(table, 0) if table in self.whole else None
