"""Lends the sessions of the day to requests.

After a change of proxies, authorities or timeouts new requests get new sessions; the old ones are closed when the last request that holds
them has ended.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from mpsyncd.transport.sessions import Sessions, authorities

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType

    from mpsyncd.transport.options import TransportOptions


class Lender:
    """One per transport; use it as an async context manager."""

    def __init__(self, options: TransportOptions) -> None:
        self._first = options
        self._now: Sessions | None = None
        self._lent: dict[Sessions, int] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Raises ConfigError when a bundle of authorities can not be read."""
        (await self.prepare(self._first))()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for sessions in {*self._lent, *((self._now,) if self._now is not None else ())}:
            await sessions.close()
        if self._closing:
            await asyncio.wait(self._closing)

    async def prepare(self, options: TransportOptions) -> Callable[[], None]:
        """Return what makes these options take effect for the next request.

        Raises:
            ConfigError: a bundle of authorities can not be read.
        """
        trusted = await authorities(options)

        def commit() -> None:
            if self._now is not None and self._now.serves(options, trusted):
                return
            old, self._now = self._now, Sessions(options, trusted)
            if old is not None and old not in self._lent:
                self._close(old)

        return commit

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Sessions]:
        """The sessions for one request; they stay open until it has ended."""
        sessions = self._now
        assert sessions is not None  # noqa: S101 - entered
        self._lent[sessions] = self._lent.get(sessions, 0) + 1
        try:
            yield sessions
        finally:
            self._lent[sessions] -= 1
            if not self._lent[sessions]:
                del self._lent[sessions]
                if sessions is not self._now:
                    self._close(sessions)

    def _close(self, sessions: Sessions) -> None:
        task = asyncio.create_task(sessions.close(), name="old-sessions")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
