"""Deliveries of webhooks on their way in: whose they are, and their commit, which many that come at once share. Reads nothing of them."""

from __future__ import annotations

import asyncio
import hmac
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import structlog

from mpsyncd.model.errors import StorageUnavailable
from mpsyncd.storage import webhooks
from mpsyncd.web.ports import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from types import TracebackType

    from mpsyncd.storage.pool import Database
    from mpsyncd.storage.webhooks import Holder

log = structlog.get_logger(__name__)

LONGEST_LINE, MOST_BYTES = 10_000, 67_108_864
"""Deliveries, and bytes of them, that may wait for a commit; more are sent away to come again."""
_BATCH, _BATCH_BYTES = 500, 8_388_608
_WITHIN_SECONDS = 10.0
_DOORS = 2
"""How many connections at most look for secrets that are not known yet."""
_Waiting = tuple[int, bytes, asyncio.Future[int]]


class Intake:
    """One per daemon, around the server. Implements `web.ports.Receiver`; `taken` is called after each commit, with its shops.

    While one commit runs, what comes meanwhile lines up for the next: one flush of the disk serves them all.
    """

    def __init__(self, database: Database, *, taken: Callable[[Collection[int]], None]) -> None:
        self._database = database
        self._taken = taken
        self._line: list[_Waiting] = []
        self._bytes = 0
        self._wanted = asyncio.Event()
        self._doors = asyncio.Semaphore(_DOORS)
        self._known: dict[bytes, Holder] = {}
        self._received: Counter[int] = Counter()
        self._refused: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        self._writing = asyncio.create_task(self._write(), name="deliveries")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writing.cancel()
        with suppress(asyncio.CancelledError):
            await self._writing
        self._fail(self._line, StorageUnavailable("the daemon is stopping"))

    async def wait_failed(self) -> None:
        """Return never, but raise what ended the writing, should anything: a daemon that can not keep its promise must not live on."""
        await asyncio.shield(self._writing)

    async def shop(self, source: str, secret: str) -> int | None:
        digest = webhooks.digest_of(secret)
        found = self._known.get(digest)
        if found is None:
            async with self._doors, self._database.connection() as connection:
                found = await webhooks.holder(connection, digest)
            if found is None:
                return None
            self._known[digest] = found
        return found.shop_id if hmac.compare_digest(digest, found.digest) and source == found.source else None

    async def keep(self, shop_id: int, body: bytes) -> int | None:
        if len(self._line) >= LONGEST_LINE or self._bytes + len(body) > MOST_BYTES:
            self.refused("full")
            return None
        kept: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._line.append((shop_id, body, kept))
        self._bytes += len(body)
        self._wanted.set()
        try:
            async with asyncio.timeout(_WITHIN_SECONDS):
                delivery_id = await kept
        except TimeoutError:
            message = f"a delivery could not be written down within {_WITHIN_SECONDS:g} s"
            raise StorageUnavailable(message) from None
        self._received[shop_id] += 1
        return delivery_id

    def refused(self, reason: str) -> None:
        self._refused[reason] += 1

    def forget(self) -> None:
        """Secrets may have changed: look each up again."""
        self._known.clear()

    def samples(self) -> Sequence[Sample]:
        """What was taken and refused since the start."""
        taken = [
            Sample(name="mpsyncd_webhook_received_total", value=count, labels={"shop": str(shop_id)})
            for shop_id, count in self._received.items()
        ]
        return taken + [
            Sample(name="mpsyncd_webhook_refused_total", value=count, labels={"reason": reason}) for reason, count in self._refused.items()
        ]

    async def _write(self) -> None:
        while True:
            await self._wanted.wait()
            batch = self._next()
            try:
                async with self._database.connection() as connection:
                    numbers = await webhooks.keep(connection, [(shop_id, body) for shop_id, body, _ in batch])
            except StorageUnavailable as error:
                log.warning("deliveries_refused", deliveries=len(batch), error=str(error))
                self._fail(batch, error)
                continue
            except asyncio.CancelledError:
                self._fail(batch, StorageUnavailable("the daemon is stopping"))
                raise
            for number, (_, _, kept) in zip(numbers, batch, strict=True):
                if not kept.done():
                    kept.set_result(number)
            self._taken({shop_id for shop_id, _, _ in batch})

    def _next(self) -> list[_Waiting]:
        """The front of the line, as much of it as one commit should carry."""
        size, count = 0, 0
        for _, body, _ in self._line[:_BATCH]:
            if count and size + len(body) > _BATCH_BYTES:
                break
            size, count = size + len(body), count + 1
        batch, self._line = self._line[:count], self._line[count:]
        self._bytes -= size
        if not self._line:
            self._wanted.clear()
        return batch

    def _fail(self, batch: Sequence[_Waiting], error: StorageUnavailable) -> None:
        for _, _, kept in batch:
            if not kept.done():
                kept.set_exception(error)
