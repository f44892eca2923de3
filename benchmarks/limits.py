"""How much of each kind of limit the transport uses, and how often the vendor refuses.

The vendor listens on loopback and counts by rules of its own, written without the limiter: it refuses with 429 whatever is over the limit.
Each kind is used for a while in one life of the transport, then again over twenty restarts on one ledger, then over twenty crashes.
Slow limits run on a clock that goes faster than the wall's. Usage: python benchmarks/limits.py [seconds per round]
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import multiprocessing
import random
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Protocol
from zoneinfo import ZoneInfo

import aiohttp
import structlog
from aiohttp import web

from mpsyncd.model.errors import NotFound, RateLimited, Snooze, SourceError
from mpsyncd.model.rate import Rate, RateKind, Scope
from mpsyncd.model.request import Request, Response
from mpsyncd.model.source import Identity, Source
from mpsyncd.model.stream import Lane
from mpsyncd.transport import MemoryLedger, SourceOptions, State, Transport, TransportOptions

ROUND = 30.0
LIVES = 20
ENOUGH = 0.97
BORN = datetime.now(UTC)
ZERO = time.monotonic()


def passed(speed: float) -> float:
    """Seconds since the start on a clock that goes `speed` times as fast."""
    return (time.monotonic() - ZERO) * speed


class FastClock:
    """The transport's clock."""

    def __init__(self, speed: float) -> None:
        self._speed = speed

    def now(self) -> datetime:
        return BORN + timedelta(seconds=passed(self._speed))

    def monotonic(self) -> float:
        return passed(self._speed)

    async def sleep(self, delay: timedelta) -> None:
        await asyncio.sleep(max(0.0, delay.total_seconds() / self._speed))


class Counter(Protocol):
    """The vendor's side of one kind."""

    def arrive(self, now: float, weight: int) -> bool: ...

    def allowed(self, seconds: float) -> float: ...


@dataclass
class TokenBucket:
    interval: float
    burst: float
    level: float = 0.0
    seen: float = -1e9

    def arrive(self, now: float, weight: int) -> bool:
        self.level = max(0.0, self.level - (now - self.seen) / self.interval)
        self.seen = now
        if self.level + weight > self.burst + 1e-9:
            return False
        self.level += weight
        return True

    def allowed(self, seconds: float) -> float:
        return math.floor(seconds / self.interval) + self.burst


@dataclass
class Window:
    limit: int
    per: float
    share: float = 1.0
    log: deque[tuple[float, int]] = field(default_factory=deque)

    def arrive(self, now: float, weight: int) -> bool:
        while self.log and self.log[0][0] + self.per <= now:
            self.log.popleft()
        if sum(units for _, units in self.log) + weight > self.limit:
            return False
        self.log.append((now, weight))
        return True

    def allowed(self, seconds: float) -> float:
        return self.limit * (seconds / self.per) * self.share


@dataclass
class Calendar:
    limit: int
    zone: str
    days: dict[str, int] = field(default_factory=dict)

    def arrive(self, now: float, weight: int) -> bool:
        day = f"{(BORN + timedelta(seconds=now)).astimezone(ZoneInfo(self.zone)):%j}"
        self.days[day] = self.days.get(day, 0) + weight
        return self.days[day] <= self.limit

    def allowed(self, seconds: float) -> float:
        _ = seconds
        return self.limit * len(self.days)


@dataclass
class Places:
    limit: int
    service: float
    busy: int = 0

    def arrive(self, now: float, weight: int) -> bool:
        _ = now, weight
        return self.busy < self.limit

    def allowed(self, seconds: float) -> float:
        return self.limit * seconds / self.service


@dataclass
class Kind:
    """One limit, how it is asked for, and what came of it."""

    name: str
    rate: Rate
    make: Callable[[], Counter]
    speed: float = 1.0
    weights: tuple[int, ...] = (1,)
    headers: Callable[[Counter, float], dict[str, str]] = lambda _counter, _now: {}
    bad_every: int = 0
    service: float = 0.0
    workers: int = 6
    used: int = 0
    refused: int = 0
    first: float | None = None
    counter: Counter = field(init=False)

    def begin(self) -> None:
        """A new vendor who has seen nothing."""
        self.counter, self.used, self.refused, self.first = self.make(), 0, 0, None


def adaptive(counter: Counter, now: float) -> dict[str, str]:
    if not isinstance(counter, Window):
        return {}
    left = counter.limit - sum(units for at, units in counter.log if at + counter.per > now)
    return {"X-RateLimit-Limit": str(counter.limit), "X-RateLimit-Remaining": str(max(0, left)), "X-RateLimit-Reset": "1"}


def bucket(name: str, limit: int, per: float, burst: int, **more: float) -> Kind:
    speed, penalty, bad = more.get("speed", 1.0), int(more.get("penalty", 1)), int(more.get("bad_every", 0))
    rate = Rate(name="r", limit=limit, per=timedelta(seconds=per), burst=burst, penalty=penalty)
    return Kind(name, rate, lambda: TokenBucket(per / limit, burst), speed=speed, bad_every=bad)


def kinds() -> list[Kind]:
    second, five = timedelta(seconds=1), timedelta(seconds=5)
    return [
        bucket("bucket, 2 a second, one at once", 2, 1, 1),
        bucket("bucket, 300 a minute, 20 at once", 300, 60, 20),
        bucket("bucket, 100 a minute, 5 at once", 100, 60, 5),
        bucket("bucket with 4XX counted ten times", 600, 60, 20, penalty=10, bad_every=25),
        bucket("slow bucket, 1 in 10 s, one at once (clock x 20)", 1, 10, 1, speed=20),
        bucket("slow bucket, 6 a minute, 3 at once (clock x 20)", 6, 60, 3, speed=20),
        Kind("window, 5 in any second", Rate(name="r", kind=RateKind.WINDOW, limit=5, per=second), lambda: Window(5, 1)),
        Kind(
            "window, 200 in any 5 minutes (clock x 20)",
            Rate(name="r", kind=RateKind.WINDOW, limit=200, per=timedelta(minutes=5)),
            lambda: Window(200, 300),
            speed=20,
        ),
        Kind(
            "rolling weights, 100 in any 5 s",
            Rate(name="r", kind=RateKind.ROLLING, limit=100, per=five),
            lambda: Window(100, 5),
            weights=(1, 2, 5),
        ),
        Kind(
            "adaptive, 50 a second by its headers (of 80 %)",
            Rate(name="r", kind=RateKind.ADAPTIVE, limit=5, per=second),
            lambda: Window(50, 1, share=0.8),
            headers=adaptive,
            workers=12,
        ),
        Kind(
            "20 a calendar day of Moscow (clock x 20000)",
            Rate(name="r", kind=RateKind.DAY, limit=20, per=timedelta(days=1), zone="Europe/Moscow"),
            lambda: Calendar(20, "Europe/Moscow"),
            speed=20_000,
        ),
        Kind("3 under way", Rate(name="r", kind=RateKind.CONCURRENCY, limit=3), lambda: Places(3, 0.25), service=0.25),
    ]


def classify(response: Response, request: Request) -> SourceError | None:
    _ = request
    match response.status:
        case 429:
            return RateLimited("too many", retry_after=timedelta(seconds=1))
        case 404:
            return NotFound("gone", status=404)
        case _:
            return None


def source(kind: Kind) -> Source:
    return Source(
        name="bench",
        hosts={"api": "http://127.0.0.1:1"},
        secrets=(),
        identify=lambda _credentials, _now: IDENTITY,
        rates=lambda _identity: (kind.rate,),
        authorize=lambda request, _credentials: request,
        classify=classify,
        probes={},
        streams=(),
        pipeline=(),
        zone=ZoneInfo("UTC"),
    )


IDENTITY = Identity(scopes={Scope.SELLER: "1"}, variant="x", lease_group="bench")


def vendor(tested: list[Kind]) -> web.Application:
    """Counts at arrival; a request whose number says so is answered 404, which costs ten."""

    async def answer(request: web.Request) -> web.Response:
        kind = tested[int(request.match_info["kind"])]
        counter, now, weight = kind.counter, passed(kind.speed), int(request.query["weight"])
        kind.first = now if kind.first is None else kind.first
        bad = bool(kind.bad_every) and int(request.query["number"]) % kind.bad_every == 0
        if not counter.arrive(now, weight):
            kind.refused += 1
            return web.Response(status=429)
        kind.used += weight
        if bad and isinstance(counter, TokenBucket):
            counter.level += kind.rate.penalty - 1
            kind.used += kind.rate.penalty - 1
        if isinstance(counter, Places):
            counter.busy += 1
            try:
                await asyncio.sleep(kind.service)
            finally:
                counter.busy -= 1
        return web.json_response([], status=404 if bad else 200, headers=kind.headers(counter, now))

    async def begin(request: web.Request) -> web.Response:
        _ = request
        for kind in tested:
            kind.begin()
        return web.Response()

    async def report(request: web.Request) -> web.Response:
        """What was used of what was allowed since the first request of the kind, and how often it refused."""
        kind = tested[int(request.match_info["kind"])]
        return web.json_response([kind.used / kind.counter.allowed(passed(kind.speed) - (kind.first or 0.0)), kind.refused])

    app = web.Application()
    app.router.add_post("/begin", begin)
    app.router.add_get("/report/{kind}", report)
    app.router.add_get("/ask/{kind}", answer)
    return app


def serve(port: Connection) -> None:
    """The vendor's process; tells its port, ends when it is terminated."""
    listening = socket.create_server(("127.0.0.1", 0))
    port.send(listening.getsockname()[1])
    web.run_app(vendor(kinds()), sock=listening, print=None, access_log=None, handler_cancellation=True)


async def live(
    kind: Kind, index: int, url: str, ledger: MemoryLedger, numbers: itertools.count[int], *, seconds: float, clean: bool
) -> None:
    """One life of a transport that asks for as much as it can get."""
    options = TransportOptions(sources={"bench": SourceOptions(base_url=url)}, patience=timedelta(days=400))
    dice = random.Random(index)
    async with AsyncExitStack() as stack:
        transport = Transport(options, FastClock(kind.speed), ledger if clean else Crashing(ledger), dice)
        await stack.enter_async_context(transport)
        api = await stack.enter_async_context(
            transport.open(
                source(kind),
                shop_id=1,
                identity=IDENTITY,
                credentials=dict,
                lane=Lane.LIVE,
                manual=False,
                reason=lambda _reason, _until: None,
            )
        )

        async def work() -> None:
            while True:
                weight = dice.choice(kind.weights)
                params = {"weight": str(weight), "number": str(next(numbers))}
                request = Request(method="GET", host="api", path=f"/ask/{index}", params=params, limits=("r",), cost=weight)
                with suppress(NotFound, Snooze):
                    await api.send(request)

        workers = [asyncio.create_task(work()) for _ in range(kind.workers)]
        await asyncio.sleep(seconds)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


class Crashing(MemoryLedger):
    """Writes while the process lives, not when it ends: a crash never says goodbye."""

    def __init__(self, inner: MemoryLedger) -> None:
        super().__init__()
        self.states = inner.states

    async def save(self, gate: str, state: State) -> None:
        if "in_use" in state or gate not in self.states or "in_use" not in self.states[gate]:
            await super().save(gate, state)

    async def save_all(self, states: Mapping[str, State]) -> None:
        """Nothing is said."""


async def measure(title: str, url: str, *, seconds: float, lives: int, clean: bool = True) -> bool:
    """Use all kinds side by side; print what was used."""

    async def one(index: int, kind: Kind) -> tuple[float, int]:
        ledger, numbers = MemoryLedger(), itertools.count(1)
        await asyncio.sleep(index / 20)  # not all connections in one instant
        for _ in range(lives):
            await live(kind, index, url, ledger, numbers, seconds=seconds / lives, clean=clean)
        async with session.get(f"{url}/report/{index}") as answer:
            share, refused = await answer.json()
            return share, refused

    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/begin"):
            pass
        outcomes = await asyncio.gather(*(one(index, kind) for index, kind in enumerate(kinds())))
    print(f"\n{title}\n{'':52}{'used':>8}{'429':>6}")
    for kind, (share, refused) in zip(kinds(), outcomes, strict=True):
        print(f"{kind.name:52}{share:8.1%}{refused:6}")
    return all(refused == 0 and (share >= ENOUGH or not clean) for share, refused in outcomes)


async def main(url: str) -> int:
    """Three rounds; 0 when every kind was used enough and never refused."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else ROUND
    good = await measure("One life", url, seconds=seconds, lives=1)
    good &= await measure(f"{LIVES} restarts", url, seconds=seconds, lives=LIVES)
    good &= await measure(f"{LIVES} crashes (a fast limit begins empty after one)", url, seconds=seconds, lives=LIVES, clean=False)
    print("\nEvery kind used to 97 % without a refusal." if good else "\nBelow 97 %, or refused.")
    return 0 if good else 1


def run() -> int:
    """Start the vendor, use it up, end it."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=serve, args=(there,), daemon=True)
    process.start()
    try:
        return asyncio.run(main(f"http://127.0.0.1:{here.recv()}"))
    finally:
        process.terminate()
        process.join()


if __name__ == "__main__":
    sys.exit(run())
