"""One shop's deliveries while they last: each thing that they touch is read again at once, and once more when it was touched meanwhile.

Many deliveries about one thing are one read. What was read is committed together with the deliveries that it settles.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from mpsyncd.engine.deliveries import in_words, outcome_of, understood
from mpsyncd.model.errors import UNREADABLE, MpsyncdError, NotFound
from mpsyncd.model.webhook import Delivery, DeliveryState, Outcome, Received, Reread, Touch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mpsyncd.engine.webhooks import Inbox
    from mpsyncd.model.clock import Clock
    from mpsyncd.model.feed import Lease
    from mpsyncd.model.page import Page
    from mpsyncd.model.request import Api
    from mpsyncd.model.shop import Shop
    from mpsyncd.model.stream import Again, Stream
    from mpsyncd.model.webhook import Receive

AT_ONCE, ROOM = 32, 2000
"""Reads under way, and deliveries in hand, of one shop at most."""
APART, TAKES_APART, LINGER = 0.5, 0.03, 1.0
"""Seconds between two reads of one thing, between two looks for more deliveries, and without any until the run ends."""
LONGEST_RUN = timedelta(minutes=1)


@dataclass(slots=True)
class _Open:
    """A delivery in hand, with what of it is not settled yet."""

    delivery: Delivery
    received: Received
    left: set[Touch]
    error: Exception | None = None


@dataclass(slots=True)
class _Line:
    """Deliveries that wait for the next read of one thing."""

    waiting: set[int] = field(default_factory=set)
    reading: bool = False
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class _Ended:
    """A read that came to its end; `reread` None: the whole stream is to be due."""

    touch: Touch
    deliveries: frozenset[int]
    reread: Reread | None = None
    error: Exception | None = None


class Reader:
    """Lives from the first delivery of a burst to a second after the last one."""

    def __init__(self, shop: Shop, lease: Lease, *, inbox: Inbox, receive: Receive, streams: Mapping[str, Stream], clock: Clock) -> None:
        self._shop, self._lease = shop, lease
        self._inbox = inbox
        self._receive = receive
        self._streams = streams
        self._clock = clock
        self._moved = asyncio.Event()
        self._fresh = True
        self._take_at = 0.0
        self._open: dict[int, _Open] = {}
        self._lines: dict[Touch, _Line] = {}
        self._ended: list[_Ended] = []
        self._outcomes: list[Outcome] = []
        self._reads: set[asyncio.Task[None]] = set()
        self._run: tuple[int, datetime] | None = None
        self._failed: dict[str, str] = {}
        self._bug: BaseException | None = None

    def wake(self) -> None:
        """There may be more deliveries."""
        self._fresh = True
        self._moved.set()

    async def run(self, api: Api) -> None:
        """Process what there is and what comes while it is processed.

        Raises:
            StorageUnavailable, LeaseLost: nothing that is not committed happened; the deliveries are pending.
        """
        try:
            quiet_since = self._clock.monotonic()
            while True:
                self._moved.clear()
                if self._bug is not None:
                    raise self._bug
                came = await self._take()
                self._begin(api)
                await self._commit()
                now = self._clock.monotonic()
                if came or self._open or self._ended:
                    quiet_since = now
                elif now - quiet_since >= LINGER:
                    return await self._close()
                await self._nap(min(self._pause(now), LINGER))
        finally:
            for task in self._reads:
                task.cancel()
            if self._reads:
                await asyncio.wait(self._reads)

    async def _take(self) -> int:
        """Take more deliveries, when it is time to look for some; return how many came."""
        room, now = ROOM - len(self._open), self._clock.monotonic()
        if not self._fresh or room <= 0 or now < self._take_at:
            return 0
        self._fresh, self._take_at = False, now + TAKES_APART
        taken = await self._inbox.take(self._shop.shop_id, without=self._open.keys(), limit=room)
        for delivery in taken:
            self._sort(delivery)
        self._fresh = self._fresh or len(taken) == room
        return len(taken)

    def _sort(self, delivery: Delivery) -> None:
        """Line a delivery up behind everything that it touches."""
        received, event, error = understood(delivery.body, self._receive)
        if received is None:
            self._outcomes.append(Outcome(delivery=delivery, state=DeliveryState.UNKNOWN, event=event, error=error))
            return
        touches = {self._known(touch) for touch in received.touches}
        if not touches:
            self._outcomes.append(Outcome(delivery=delivery, state=DeliveryState.DONE, event=event))
            return
        self._open[delivery.delivery_id] = _Open(delivery, received, touches)
        for touch in touches:
            self._lines.setdefault(touch, _Line()).waiting.add(delivery.delivery_id)

    def _known(self, touch: Touch) -> Touch:
        """A row of a stream whose rows can not be read alone stands for the stream."""
        return touch if self._streams[touch.stream].again is not None else Touch(stream=touch.stream)

    def _begin(self, api: Api) -> None:
        now = self._clock.monotonic()
        for touch, line in list(self._lines.items()):
            if not line.waiting and not line.reading and line.not_before <= now:
                del self._lines[touch]
            if not line.waiting or line.reading or line.not_before > now:
                continue
            again = self._streams[touch.stream].again if touch.key else None
            if again is not None and len(self._reads) >= AT_ONCE:
                return
            deliveries, line.waiting = frozenset(line.waiting), set()
            if again is None:
                self._ended.append(_Ended(touch, deliveries))
                continue
            line.reading, line.not_before = True, now + APART
            task = asyncio.create_task(self._read(api, again, touch, deliveries))
            self._reads.add(task)
            task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._reads.discard(task)
        if not task.cancelled() and (bug := task.exception()) is not None:
            self._bug = bug
            self._moved.set()

    async def _read(self, api: Api, again: Again, touch: Touch, deliveries: frozenset[int]) -> None:
        began = self._clock.now()
        pages: list[Page] = []
        error: Exception | None = None
        try:
            pages = [page async for page in again.read(api, touch.key)]
        except NotFound:
            pages = []
        except (MpsyncdError, *UNREADABLE) as failed:
            error = failed
        reread = Reread(key=touch.key, asked_at=pages[0].asked_at if pages else began, pages=tuple(pages))
        self._ended.append(_Ended(touch, deliveries, reread, error))
        self._lines[touch].reading = False
        self._moved.set()

    async def _commit(self) -> None:
        """Write down what was read, by stream, with the deliveries that are settled by it."""
        ended, self._ended = self._ended, []
        for name in dict.fromkeys(each.touch.stream for each in ended):
            group = [each for each in ended if each.touch.stream == name]
            outcomes = [outcome for each in group for outcome in self._settled(each)]
            good = tuple(each.reread for each in group if each.reread is not None and each.error is None)
            due = {name} if any(each.reread is None for each in group) else set[str]()
            await self._write(self._streams[name], good, due, outcomes)
        outcomes, self._outcomes = self._outcomes, []
        if outcomes:
            await self._write(None, (), set(), outcomes)

    async def _write(self, stream: Stream | None, rereads: tuple[Reread, ...], due: set[str], outcomes: list[Outcome]) -> None:
        now = self._clock.now()
        if self._run is not None and now - self._run[1] > LONGEST_RUN:
            await self._close()
        if self._run is None:
            self._run = (await self._inbox.open_run(self._lease, self._shop.shop_id, now), now)
        try:
            await self._inbox.commit(
                self._lease, shop_id=self._shop.shop_id, run_id=self._run[0], stream=stream, rereads=rereads, due=due, outcomes=outcomes
            )
        finally:
            for page in (page for reread in rereads for page in reread.pages):
                await page.rows.close()
        for outcome in outcomes:
            self._open.pop(outcome.delivery.delivery_id, None)

    def _settled(self, ended: _Ended) -> list[Outcome]:
        """The outcomes of deliveries of which nothing is left."""
        if ended.error is not None:
            self._failed[ended.touch.stream] = in_words(ended.error)
        outcomes = []
        for number in sorted(ended.deliveries):
            one = self._open[number]
            one.left.discard(ended.touch)
            one.error = one.error or ended.error
            if not one.left:
                outcomes.append(outcome_of(one.delivery, one.received, one.error, now=self._clock.now()))
        return outcomes

    async def _close(self) -> None:
        if self._run is not None:
            (run_id, _), self._run = self._run, None
            failed, self._failed = self._failed, {}
            await self._inbox.close_run(run_id, self._clock.now(), failed=failed)

    def _pause(self, now: float) -> float:
        """Seconds until there is something to do that nobody wakes us for."""
        first = min((line.not_before for line in self._lines.values() if line.waiting and not line.reading), default=now + LINGER)
        return min(first, self._take_at if self._fresh and len(self._open) < ROOM else first) - now

    async def _nap(self, seconds: float) -> None:
        sleeper = asyncio.ensure_future(self._clock.sleep(timedelta(seconds=max(0.0, seconds))))
        woken = asyncio.ensure_future(self._moved.wait())
        try:
            await asyncio.wait({sleeper, woken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            woken.cancel()
