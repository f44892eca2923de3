"""What visitors of the status server may set in motion, in the words of its ports. Writes down wishes; the dispatcher hears of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from mpsyncd.daemon import analytics
from mpsyncd.daemon.question import in_time
from mpsyncd.storage import access, chats, history, requests, runs, shop_status, shops

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from mpsyncd.model.access import Visitor
    from mpsyncd.model.analytics import Task
    from mpsyncd.model.attachment import Attachment, NotYet
    from mpsyncd.model.clock import Clock
    from mpsyncd.model.overview import RunView
    from mpsyncd.model.run import Mode, RunState
    from mpsyncd.model.shop import Shop
    from mpsyncd.storage.chats import ChatView, MessageView, Wanted
    from mpsyncd.storage.pool import Connection, Database
    from mpsyncd.storage.requests import RequestView

    Fetch = Callable[[int, str], Awaitable[Attachment | NotYet]]

T = TypeVar("T")

WITHIN = timedelta(seconds=10)
_DOORS = 2
"""How many connections at most look at tokens, so that a flood of them does not keep the work from the database."""


class Control:
    """One per daemon. Everything lends a connection for a moment, and gives up on a database that hangs."""

    def __init__(self, pool: Database, clock: Clock, fetch: Fetch) -> None:
        self._fetch = fetch
        self._pool = pool
        self._clock = clock
        self._doors = asyncio.Semaphore(_DOORS)

    async def recognise(self, token: str) -> Visitor | None:
        """Whom an access token stands for, None for nobody."""

        async def work(connection: Connection) -> Visitor | None:
            return await access.recognise(connection, token)

        async def at_the_door() -> Visitor | None:
            async with self._doors:
                return await self._lent(work)

        return await in_time(asyncio.ensure_future(at_the_door()), WITHIN)

    async def shops(self) -> Sequence[Shop]:
        return await self._asked(shops.list_shops)

    async def shop(self, shop_id: int) -> Shop:
        return await self._asked(lambda connection: shops.get(connection, shop_id))

    async def set_paused(self, shop_id: int, *, paused: bool) -> Shop:
        async def work(connection: Connection) -> Shop:
            await shop_status.set_paused(connection, shop_id, paused=paused)
            return await shops.get(connection, shop_id)

        return await self._asked(work)

    async def ask_for_run(
        self, shop_id: int, *, mode: Mode, streams: Sequence[str], start: datetime | None, end: datetime | None, by: str
    ) -> int:
        async def work(connection: Connection) -> int:
            return await requests.create(connection, shop_id=shop_id, mode=mode, streams=streams, start=start, end=end, requested_by=by)

        return await self._asked(work)

    async def request(self, request_id: int) -> RequestView:
        return await self._asked(lambda connection: requests.show(connection, request_id))

    async def runs(self, *, shops: Collection[int] | None, state: RunState | None, before: int | None, limit: int) -> Sequence[RunView]:
        return await self._asked(lambda connection: history.list_runs(connection, shops=shops, state=state, before=before, limit=limit))

    async def run(self, run_id: int) -> RunView:
        return await self._asked(lambda connection: history.show_run(connection, run_id))

    async def cancel(self, run_id: int) -> bool:
        return await self._asked(lambda connection: runs.cancel(connection, run_id, self._clock.now()))

    async def start_analytics(self, shops: Collection[int] | None, *, batch_size: int, by: str) -> UUID:
        return await self._asked(lambda connection: analytics.start(connection, shops, batch_size=batch_size, by=by))

    async def start_stale_analytics(self, shop_id: int, *, by: str) -> UUID | None:
        return await self._asked(lambda connection: analytics.start_if_stale(connection, shop_id, by=by))

    async def analytics(self, task_id: UUID) -> Task:
        return await self._asked(lambda connection: analytics.look(connection, task_id))

    async def chats(self, shop_id: int, wanted: Wanted, *, before: tuple[datetime, str] | None, limit: int) -> Sequence[ChatView]:
        async def work(connection: Connection) -> Sequence[ChatView]:
            await shops.get(connection, shop_id)
            return await chats.list_chats(connection, shop_id, wanted, before=before, limit=limit)

        return await self._asked(work)

    async def chat(
        self, shop_id: int, chat_id: str, *, after: tuple[int, str] | None, limit: int
    ) -> tuple[ChatView, Sequence[MessageView]]:
        async def work(connection: Connection) -> tuple[ChatView, Sequence[MessageView]]:
            found = await chats.show_chat(connection, shop_id, chat_id)
            return found, await chats.messages(connection, shop_id, chat_id, after=after, limit=limit)

        return await self._asked(work)

    async def attachment(self, shop_id: int, download_id: str) -> Attachment | NotYet:
        return await self._fetch(shop_id, download_id)

    async def _asked(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        return await in_time(asyncio.ensure_future(self._lent(work)), WITHIN)

    async def _lent(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._pool.connection() as connection:
            return await work(connection)
