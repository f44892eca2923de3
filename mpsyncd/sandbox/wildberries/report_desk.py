"""Reports that the vendor makes on order: what was ordered, how far it is, how many a day.

Knows neither requests nor what is in a report.
"""

import math
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

QUOTA = 20
"""Reports that a seller may order in one day."""
KEPT = timedelta(hours=48)
"""How long a file may be fetched after it was made."""
_QUEUED, _MADE = timedelta(seconds=5), timedelta(seconds=25)
_DAY = 86_400
_MOSCOW_OFFSET = 3 * 3_600


class State(StrEnum):
    """How far a report is, in the vendor's words."""

    WAITING = "WAITING"
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    RETRY = "RETRY"
    FAILED = "FAILED"


@dataclass(slots=True, kw_only=True)
class Report:
    """One ordered report. `moment` is the world's time that its numbers are of, `begun` when the attempt under way was ordered.

    doomed: the attempt ends in failure. again: the vendor needs a second attempt of its own. file: the bytes once they are made.
    """

    report_id: str
    name: str
    params: dict[str, Any]
    moment: datetime
    begun: datetime
    first: bool = True
    doomed: bool = False
    again: bool = False
    file: bytes | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def state(self, now: datetime, *, speed: float) -> State:
        """How far it is; attempts go `speed` times faster than at the vendor."""
        age = (now - self.begun) * speed
        if age < _QUEUED:
            return State.WAITING if self.first else State.RETRY
        if age < _QUEUED + _MADE:
            return State.PROCESSING
        if self.again and age < _QUEUED + 2 * _MADE:
            return State.RETRY
        return State.FAILED if self.doomed else State.SUCCESS

    def ready_at(self, *, speed: float) -> datetime:
        """When the attempt under way ends."""
        return self.begun + (_QUEUED + _MADE * (2 if self.again else 1)) / speed

    def gone(self, now: datetime, *, speed: float) -> bool:
        """Whether its file is kept no more."""
        return now >= self.ready_at(speed=speed) + KEPT


@dataclass(slots=True)
class Desk:
    """The reports of one seller by id, and how many were ordered on each day."""

    reports: dict[str, Report] = field(default_factory=dict)
    _ordered: dict[int, int] = field(default_factory=dict)

    def order(self, report: Report, *, now: datetime, speed: float) -> bool:
        """Take an order, or refuse it because the day's quota is used up. Days are Moscow's, and pass `speed` times faster."""
        day = math.floor((now.timestamp() + _MOSCOW_OFFSET) * speed / _DAY)
        if self._ordered.get(day, 0) >= QUOTA:
            return False
        self._ordered = {day: self._ordered.get(day, 0) + 1}
        self.reports[report.report_id] = report
        return True
