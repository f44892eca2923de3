"""The sliding window: at most `limit` in any `per`, in requests (WINDOW), in units of weight (ROLLING), or as headers say (ADAPTIVE).

What was sent is remembered by slots of a two-hundredth of the window, each as young as its last request, so that state stays small and
errs to the safe side. Headers tighten; they widen only ADAPTIVE, where the vendor documents them as the limit in force.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from mpsyncd.transport.meter import SLOW, Meter, Moment, Said

if TYPE_CHECKING:
    from mpsyncd.model.rate import Rate
    from mpsyncd.transport.ledger import State

_SLOTS = 200
_STEPS = 10
_MARGIN = 0.01
_MARGIN_MOST = 0.5
_ADAPTIVE_SHARE = 0.8


class Sliding(Meter):
    """A window over the recent past."""

    def __init__(self, rate: Rate, *, weighs: bool = False) -> None:
        self._sent: deque[tuple[float, float, int]] = deque()  # first and last instant of a slot, weight in it
        self._used = 0
        self._left: deque[tuple[float, int]] = deque()  # when weight left the window, for as long as an answer may be on its way
        self.weighs = weighs
        self._set(rate)

    def _set(self, rate: Rate) -> None:
        per = rate.per.total_seconds()
        self._limit = rate.limit
        self.margin = min(per * _MARGIN, _MARGIN_MOST)
        self._span = per + self.margin
        self._slot = per / _SLOTS
        self.durable = per >= SLOW

    def ready_at(self, now: Moment, weight: int, *, spare: bool) -> float:
        _ = spare
        self._forget(now.mono)
        missing = self._used + min(weight, self._limit) - self._limit
        if missing <= 0:
            return now.mono
        return max(now.mono, self._freed(missing))

    def take(self, now: Moment, weight: int) -> None:
        self._forget(now.mono)
        self._add(now.mono, weight)

    def moved(self, taken: Moment, now: Moment, weight: int) -> None:
        if now.mono - taken.mono <= self._slot:
            return
        for index, (first, last, held) in enumerate(self._sent):
            if first <= taken.mono <= last:
                self._sent[index] = (first, last, held - min(held, weight))
                self._used -= min(held, weight)
                break
        self._add(now.mono, weight)

    def forecast(self, now: Moment, count: int, *, spare: bool) -> float:
        _ = spare
        self._forget(now.mono)
        free = self._limit - self._used
        if count <= free:
            return now.mono
        turns, rest = divmod(count - free - 1, self._limit)
        return max(now.mono, self._freed(rest + 1)) + turns * self._span

    def available(self, now: Moment) -> int:
        self._forget(now.mono)
        return max(0, self._limit - self._used)

    def heed(self, now: Moment, said: Said) -> None:
        if said.remaining is None:
            return
        self._forget(now.mono)
        # The vendor counted at some instant since we asked: what left the window since then may not be in its count.
        since = sum(weight for at, weight in self._left if at >= said.asked)
        excess = (self._limit - self._used) - (said.remaining + since)
        if excess > 0:
            self._add(now.mono, excess)

    def refused(self, now: Moment, until: float) -> None:
        """What we do not know of fills our window: room for one comes at `until`, the rest in steps behind it."""
        self._forget(now.mono)
        unknown = self._limit - self._used
        begin = until - self._span
        phantoms = [(begin, 1)] if unknown > 0 else []
        share, rest = divmod(max(0, unknown - 1), _STEPS)
        phantoms += [(begin + step * self._span / _STEPS, share + (rest if step == _STEPS else 0)) for step in range(1, _STEPS + 1)]
        known = list(self._sent) + [(at, at, weight) for at, weight in phantoms if weight > 0]
        self._sent = deque(sorted(known, key=lambda slot: slot[1]))
        self._used = sum(weight for _, _, weight in self._sent)

    def dump(self, now: Moment) -> State:
        self._forget(now.mono)
        return {"sent": [[now.to_wall(last), weight] for _, last, weight in self._sent]}

    def load(self, now: Moment, state: State) -> None:
        sent = [(now.to_mono(float(at)), int(weight)) for at, weight in state["sent"]]
        self._sent = deque((at, at, weight) for at, weight in sorted(sent))
        self._used = sum(weight for _, weight in sent)

    def retune(self, rate: Rate, now: Moment) -> None:
        """What was sent stays sent. A longer window reaches back to what is forgotten: that is taken for as much as was allowed."""
        self._forget(now.mono)
        limit, span = self._limit, self._span
        sent = [(last, weight) for _, last, weight in self._sent] + [(at - span, weight) for at, weight in self._left]
        self._set(rate)
        known, begin = now.mono - 2 * span, now.mono - self._span
        if begin < known:
            share, rest = divmod(min(self._limit, math.ceil(limit * (known - begin) / span)), _STEPS)
            step = (known - begin) / _STEPS
            sent += [(begin + (number + 1) * step, share + (number < rest)) for number in range(_STEPS)]
        self._sent = deque((at, at, weight) for at, weight in sorted(sent) if weight > 0 and at > begin)
        self._used = sum(weight for _, _, weight in self._sent)
        self._left.clear()

    def spent(self, now: Moment) -> None:
        self._sent = deque([(now.mono, now.mono, self._limit)])
        self._used = self._limit

    def _add(self, at: float, weight: int) -> None:
        self._used += weight
        if self._sent:
            first, last, held = self._sent[-1]
            if at - first <= self._slot or at <= last:
                self._sent[-1] = (first, max(last, at), held + weight)
                return
        self._sent.append((at, at, weight))

    def _forget(self, now: float) -> None:
        while self._sent and self._sent[0][1] + self._span <= now:
            _, last, weight = self._sent.popleft()
            self._used -= weight
            self._left.append((last + self._span, weight))
        while self._left and self._left[0][0] + self._span <= now:
            self._left.popleft()

    def _freed(self, units: int) -> float:
        """When the window has let go of so many units more than now."""
        for _, last, weight in self._sent:
            units -= weight
            if units <= 0:
                return last + self._span
        return self._sent[-1][1] + self._span if self._sent else -math.inf


class Adaptive(Sliding):
    """A window whose size the vendor's headers tell; four fifths of it are used."""

    def __init__(self, rate: Rate) -> None:
        super().__init__(rate)
        self._reset_at = -math.inf

    def _set(self, rate: Rate) -> None:
        super()._set(rate)
        self._most = rate.burst if rate.burst > 1 else math.inf

    def dump(self, now: Moment) -> State:
        return {**super().dump(now), "limit": self._limit}

    def load(self, now: Moment, state: State) -> None:
        super().load(now, state)
        self._limit = max(1, int(state["limit"]))

    def ready_at(self, now: Moment, weight: int, *, spare: bool) -> float:
        return max(super().ready_at(now, weight, spare=spare), self._reset_at)

    def heed(self, now: Moment, said: Said) -> None:
        if said.limit is not None and said.limit > 0:
            self._limit = max(1, math.floor(min(said.limit * _ADAPTIVE_SHARE, self._most)))
        # Resets are told in whole seconds: where nobody but us used the limit up, our own window knows better.
        self._forget(now.mono)
        if said.remaining == 0 and self._used < (said.limit or self._limit):
            reset = now.mono + self._span if said.reset_at is None else said.reset_at
            self._reset_at = max(self._reset_at, min(reset, now.mono + self._span + 1))
