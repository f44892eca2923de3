"""Which spaces have a webhook, what is to be posted to it and when, and what came of it. Posts nothing itself: the shell carries letters.

The vendor tells nobody of retries, so there are none.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from heapq import heappop, heappush

import orjson

from mpsyncd.sandbox.faults import FaultBoard
from mpsyncd.sandbox.kaiten.hook_spelling import body_of
from mpsyncd.sandbox.kaiten.world.company import Company
from mpsyncd.sandbox.kaiten.world.records import Happening
from mpsyncd.sandbox.options import Fault, FaultKind

HOST = "kaiten"
"""The name of the vendor's host in faults and in the log of requests."""
_KINDS = frozenset({FaultKind.HOOK_LOST, FaultKind.HOOK_DOUBLED, FaultKind.HOOK_LATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """The one webhook of a space."""

    company: str
    space: int
    url: str
    enabled: bool


@dataclass(frozen=True, slots=True, order=True)
class Letter:
    """A delivery. Letters are posted in the order of `due`, then of `number`."""

    due: datetime
    number: int
    company: str
    space: int
    event: str
    url: str
    body: bytes


class Post:
    """Hooks by company and space, and letters on their way. Faults of webhooks have the event's name for their path."""

    def __init__(self, companies: Mapping[str, Company], *, faults: FaultBoard, size: int) -> None:
        self._companies = companies
        self._faults = faults
        self._hooks: dict[tuple[str, int], Hook] = {}
        self._waiting: list[Letter] = []
        self._number = 0
        self._counts: Counter[str] = Counter()
        self.sent: deque[dict[str, object]] = deque(maxlen=size)

    @property
    def hooked(self) -> bool:
        """Whether anything may be to be posted."""
        return bool(self._hooks or self._waiting)

    def hang(self, hook: Hook) -> None:
        """Give a space its webhook, in place of the one that it had."""
        self._hooks[hook.company, hook.space] = hook
        self._companies[hook.company].hooked = True

    def clear(self) -> None:
        """Take all webhooks away, with what was on its way."""
        self._hooks.clear()
        self._waiting.clear()
        for company in self._companies.values():
            company.hooked = False
            company.told.clear()

    def take(self, now: datetime) -> list[Letter]:
        """Letters that are due."""
        for name, company in self._companies.items():
            while company.told:
                self._write(name, company, company.told.popleft(), now=now)
        due = []
        while self._waiting and self._waiting[0].due <= now:
            due.append(heappop(self._waiting))
        return due

    def note(self, letter: Letter, *, status: int | None, now: datetime) -> None:
        """What came of a letter: the status of the answer, None when there was none."""
        self._counts["posted" if status is not None else "unanswered"] += 1
        self._counts[f"status {status}"] += 1
        digest = sha256(letter.body).hexdigest()
        told = {"at": now, "company": letter.company, "space": letter.space, "event": letter.event, "status": status, "sha256": digest}
        self.sent.append(told | {"number": letter.number})

    def standing(self) -> dict[str, object]:
        """The hooks, counts, and how much is on its way."""
        hooks = [{"company": one.company, "space": one.space, "url": one.url, "enabled": one.enabled} for one in self._hooks.values()]
        return {"hooks": hooks, "waiting": len(self._waiting), "counts": dict(self._counts)}

    def _write(self, name: str, company: Company, one: Happening, *, now: datetime) -> None:
        hooks = [hook for space in one.spaces if (hook := self._hooks.get((name, space))) is not None and hook.enabled]
        body = orjson.dumps(body_of(company, one)) if hooks else b""
        for hook in hooks:
            self._counts["told"] += 1
            fault = self._faults.strike(kinds=_KINDS, host=HOST, path=one.event, seller=name, now=now)
            match fault:
                case None:
                    self._send(hook, one.event, body, due=one.at)
                case Fault(kind=FaultKind.HOOK_LOST):
                    self._counts["lost"] += 1
                case Fault(kind=FaultKind.HOOK_DOUBLED):
                    self._counts["doubled"] += 1
                    self._send(hook, one.event, body, due=one.at)
                    self._send(hook, one.event, body, due=one.at)
                case Fault(pause=pause):
                    self._counts["late"] += 1
                    self._send(hook, one.event, body, due=one.at + timedelta(seconds=pause))

    def _send(self, hook: Hook, event: str, body: bytes, *, due: datetime) -> None:
        self._number += 1
        heappush(self._waiting, Letter(due, self._number, hook.company, hook.space, event, hook.url, body))
