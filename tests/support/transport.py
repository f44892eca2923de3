"""For the tests of the transport: an invented source, and a loop whose time jumps to the next timer, so that days pass at once."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mpsyncd.model.errors import BadRequest, NotFound, RateLimited, SourceError, Transient, Unauthorized
from mpsyncd.model.rate import Rate, Scope
from mpsyncd.model.request import Request, Response
from mpsyncd.model.source import Credentials, Identity, Source

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
KEY = "key-of-nobody-4711"


class _JumpingSelector(selectors.DefaultSelector):
    """Nobody waits for sockets here: where the loop would sleep, time goes on instead."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            message = "everybody waits and no timer is set"
            raise RuntimeError(message)
        # A timer is due when it is not later than now plus the resolution of the clock: step over it.
        self.passed += timeout + 1e-6 if timeout > 0 else 0.0
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time, aiolimiter and asyncio.timeout included."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.passed


class LoopClock:
    """The time of the running loop, as a clock; `born` is the wall clock's reading at zero."""

    def __init__(self, born: datetime = START) -> None:
        self.born = born

    def now(self) -> datetime:
        return self.born + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, delay: timedelta) -> None:
        await asyncio.sleep(max(0.0, delay.total_seconds()))


def simulate(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(story())


def identity(*, seller: str = "seller-1", variant: str = "personal", **scopes: str) -> Identity:
    values = {Scope.SELLER: seller} | {Scope(name): value for name, value in scopes.items()}
    return Identity(scopes=values, variant=variant, lease_group=f"acme:{seller}")


def authorize(request: Request, credentials: Credentials) -> Request:
    return request.with_headers(Authorization=credentials["token"])


def classify(response: Response, request: Request) -> SourceError | None:  # noqa: PLR0911 - one for each status
    """The invented vendor's errors: 429 with Retry-After in seconds (and X-Closed for a whole scope)."""
    shown = response.body.decode("utf-8", "replace")
    where = f"{request.method} {request.path} answered {response.status}: {shown[:80]}"
    match response.status:
        case status if status < 300:
            return None
        case 429:
            closed = response.headers.get("x-closed")
            wait = timedelta(seconds=float(response.headers.get("retry-after", "1")))
            return RateLimited(where, retry_after=wait, scope=Scope(closed) if closed else None, body=shown)
        case 401:
            return Unauthorized(where, status=401, body=shown)
        case 404:
            return NotFound(where, status=404, body=shown)
        case status if status >= 500:
            return Transient(where, status=status, request_id=response.headers.get("x-request-id"), body=shown)
        case 400:
            return BadRequest(where, status=400, body=shown)
        case _:
            return None


def acme(*rates: Rate, hosts: dict[str, str] | None = None) -> Source:
    """A vendor that nobody has heard of."""
    return Source(
        name="acme",
        hosts=hosts or {"api": "http://127.0.0.1:1", "files": "http://127.0.0.1:1"},
        secrets=(),
        identify=lambda _credentials, _now: identity(),
        rates=lambda _identity: rates,
        authorize=authorize,
        classify=classify,
        probes={},
        streams=(),
        pipeline=(),
        zone=ZoneInfo("UTC"),
    )


def get(path: str = "/rows", **fields: Any) -> Request:
    return Request(method="GET", host="api", path=path, **fields)


def post(path: str = "/rows", **fields: Any) -> Request:
    return Request(method="POST", host="api", path=path, **fields)
