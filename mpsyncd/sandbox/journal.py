"""What was asked and answered: the log of requests, counts per seller, and whether anybody came before a 429 allowed it."""

from collections import Counter, deque
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta

_TIMER_SLACK = timedelta(milliseconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request. `cursor` is what of it says where it reads; `fault` the fault that struck it."""

    at: datetime
    seller: str | None
    method: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...]
    cursor: object
    status: int
    gate: str | None
    fault: str | None


@dataclass(slots=True)
class _Counts:
    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    throttled: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    overtaken: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def plain(self) -> dict[str, dict[str, int]]:
        return {one.name: dict(getattr(self, one.name)) for one in fields(self)}


class Journal:
    """Bounded log and unbounded counts. A closed gate is one whose last 429 told a time that has not come."""

    def __init__(self, *, size: int, grace: float) -> None:
        self.entries: deque[Entry] = deque(maxlen=size)
        self._grace = timedelta(seconds=grace)
        self._counts: dict[str, _Counts] = {}
        self._closed: dict[tuple[str, str], tuple[datetime, datetime]] = {}

    def arrived(self, seller: str, gates: tuple[str, ...], *, now: datetime) -> None:
        """Judge a request by the 429s that its gates gave before: early on purpose, or overtaken on the wire."""
        for gate in gates:
            given, until = self._closed.get((seller, gate), (now, now))
            if now < until - _TIMER_SLACK:
                counts = self._of(seller)
                (counts.overtaken if now <= given + self._grace else counts.violations)[gate] += 1

    def throttled(self, seller: str, gate: str, *, now: datetime, wait: float) -> None:
        """A 429 was given that told to wait for so many seconds."""
        self._of(seller).throttled[gate] += 1
        given, until = self._closed.get((seller, gate), (now, now))
        told = now + timedelta(seconds=wait)
        self._closed[seller, gate] = (given if now < until else now, max(told, until))

    def note(self, entry: Entry) -> None:
        """Log and count a request that was answered."""
        self.entries.append(entry)
        counts = self._of(entry.seller or "-")
        counts.requests[f"{entry.method} {entry.host}{entry.path}"] += 1
        counts.statuses[str(entry.status)] += 1
        if entry.fault is not None:
            counts.faults[entry.fault] += 1

    def stats(self) -> dict[str, object]:
        """Counts per seller ("-" is nobody known) and the totals that tests ask for."""
        every = self._counts.values()
        return {
            "requests": sum(counts.requests.total() for counts in every),
            "throttled": sum(counts.throttled.total() for counts in every),
            "violations": sum(counts.violations.total() for counts in every),
            "overtaken": sum(counts.overtaken.total() for counts in every),
            "sellers": {seller: counts.plain() for seller, counts in self._counts.items()},
        }

    def listing(self, *, since: int = 0) -> list[dict[str, object]]:
        """The kept requests, oldest first, from a place on."""
        return [asdict(entry) for entry in list(self.entries)[since:]]

    def _of(self, seller: str) -> _Counts:
        return self._counts.setdefault(seller, _Counts())
