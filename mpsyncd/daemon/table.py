"""A reload's side of the database: the shop list against the table, due times by other schedules, and what is kept of each reload.

Every change of one reload is one transaction; nothing in memory is touched here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from mpsyncd.engine.schedule import Timetable
from mpsyncd.model.reload import ReloadOutcome
from mpsyncd.storage import reload as reloads
from mpsyncd.storage import shop_list, shop_list_write
from mpsyncd.storage.reschedule import reschedule, settled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from mpsyncd.daemon.connections import Connections
    from mpsyncd.daemon.stores import Storage
    from mpsyncd.model.clock import Clock
    from mpsyncd.model.source import Credentials, Identity
    from mpsyncd.settings import Configuration, ShopList
    from mpsyncd.storage.pool import Connection
    from mpsyncd.storage.shop_list import Plan
    from mpsyncd.storage.vault import StoredKey

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What is kept of a reload beside its outcome: who asked, by which requests, since when it was done.

    start: it is part of a start, which is no reload unless it changes something.
    """

    by: tuple[str, ...]
    requests: tuple[int, ...] = ()
    began: datetime
    start: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The database of one daemon, as a reload sees it. Every method may raise StorageUnavailable."""

    storage: Storage
    connections: Connections
    daemon: UUID
    clock: Clock

    async def asked(self) -> Sequence[reloads.ReloadRequest]:
        """What commands ask of this daemon."""
        async with self.storage.control.connection() as connection:
            return await reloads.asked(connection, self.daemon)

    async def problems(self, shops: ShopList | None) -> tuple[str, ...]:
        """Why the list can not be applied."""
        async with self.storage.control.connection() as connection:
            return () if shops is None else (await self._plan(connection, shops)).problems

    async def write(
        self, old: Configuration, new: Configuration, *, told: Sequence[str], note: Note
    ) -> tuple[ReloadOutcome, Mapping[int, StoredKey]]:
        """Write everything that differs, with the outcome; return it with the keys that are new. `told`: what else changes, in words.

        The outcome is "refused" when the table came to contradict the list since it was compared; nothing is written then.
        """
        keys: Mapping[int, StoredKey] = {}
        words = tuple(told)
        async with self.storage.control.transaction() as connection:
            if new.shops is not None:
                await shop_list_write.take_turn(connection)
                plan = await self._plan(connection, new.shops)
                if plan.problems:
                    return ReloadOutcome(state="refused", problems=plan.problems, at=self.clock.now()), {}
                if plan.changes:
                    keys = await shop_list_write.write(connection, self.storage.vault, plan)
                words += plan.words()
            elif listed := await shop_list.listed(connection):
                log.warning("shop_list_missing", shops=listed)
            await self._reschedule(connection, old, new)
            outcome = ReloadOutcome(state="applied" if words else "unchanged", changes=words, at=self.clock.now())
            if words or not note.start:
                await self._keep(connection, outcome, note)
        return outcome, keys

    async def keep(self, outcome: ReloadOutcome, note: Note) -> None:
        """Keep an outcome that changed nothing."""
        async with self.storage.control.transaction() as connection:
            await self._keep(connection, outcome, note)

    async def _keep(self, connection: Connection, outcome: ReloadOutcome, note: Note) -> None:
        await reloads.record(connection, self.daemon, outcome, asked_by=note.by, requests=note.requests, started_at=note.began)

    async def _plan(self, connection: Connection, shops: ShopList) -> Plan:
        entries = [
            shop_list.Entry(name=(shop.customer, shop.source, shop.name), line=shop.line, paused=shop.paused, secrets=shop.secrets)
            for shop in shops.shops
        ]
        file = str(shops.file.absolute())
        return await shop_list.plan(connection, self.storage.vault, entries, file=file, identify=self.identify, explicit=shops.explicit)

    def identify(self, source: str, credentials: Credentials) -> Identity:
        """What a key says of itself; raises Unauthorized for one that can not work."""
        return self.connections.sources[source].identify(credentials, self.clock.now())

    async def _reschedule(self, connection: Connection, old: Configuration, new: Configuration) -> None:
        """Feeds of a schedule that changed are due by the new one, counted from when they came to an end; one that failed, no later."""
        before, after = old.settings.schedules.plans(), new.settings.schedules.plans()
        changed = {name for name, plan in after.items() if plan != before[name]}
        every = [(source.name, stream) for source in self.connections.sources.values() for stream in source.streams]
        streams = {(source, stream.name): stream for source, stream in every if stream.schedule in changed}
        if not streams:
            return
        table = Timetable(after)
        due: dict[int, tuple[datetime, datetime]] = {}
        for feed in await settled(connection, self.daemon, list(streams)):
            stream = streams[feed.shop.source, feed.stream]
            at = table.next_after(stream.schedule, feed.settled_at, at_least=self.connections.pace(feed.shop, stream))
            due[feed.feed_id] = (feed.next_due_at, min(at, feed.next_due_at) if feed.failed else at)
        await reschedule(connection, due)
