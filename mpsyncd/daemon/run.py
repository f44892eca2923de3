"""Runs the daemon: everything is built here in order, and ends in the reverse order. A stop that comes first ends the building."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

import structlog

from mpsyncd.daemon.asking import Asking
from mpsyncd.daemon.attachments import Attachments, file_cache
from mpsyncd.daemon.connections import Connections
from mpsyncd.daemon.doctor import Doctor
from mpsyncd.daemon.keeper import CLEAN_EVERY, FIRST_LOOK, KEYS_EVERY, MEASURE_EVERY, Keeper
from mpsyncd.daemon.keys import Keys
from mpsyncd.daemon.notify import notifier, status
from mpsyncd.daemon.observe import Observer
from mpsyncd.daemon.old_shop import adopt
from mpsyncd.daemon.outward import transport_options
from mpsyncd.daemon.parts import Parts
from mpsyncd.daemon.pulse import Pulse
from mpsyncd.daemon.reload import Files, Reloader
from mpsyncd.daemon.signals import deaf_to_hangups, with_signals
from mpsyncd.daemon.stores import Storage, open_storage
from mpsyncd.daemon.table import Table
from mpsyncd.daemon.webhooks import Intake
from mpsyncd.engine.activity import Activity
from mpsyncd.engine.dispatcher import Dispatcher, Posting
from mpsyncd.engine.judge import Patience
from mpsyncd.engine.runner import Tools
from mpsyncd.engine.schedule import Ticker, Timetable
from mpsyncd.engine.seats import Seats
from mpsyncd.engine.webhooks import Listening, Webhooks
from mpsyncd.model.clock import SystemClock
from mpsyncd.settings import old_shop
from mpsyncd.sources import SOURCES
from mpsyncd.storage import feeds
from mpsyncd.storage.deliveries import PostgresInbox
from mpsyncd.storage.leases import DaemonFacts
from mpsyncd.storage.ledger import PostgresLedger
from mpsyncd.storage.nudge import NudgeListener
from mpsyncd.storage.store import PostgresStore
from mpsyncd.transport import Transport
from mpsyncd.web.app import build_app
from mpsyncd.web.server import serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from datetime import datetime

    from mpsyncd.settings import Settings

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a daemon consists of once it is ready. `reloader` None: it reads its files once."""

    storage: Storage
    keys: Keys
    dispatcher: Dispatcher
    ticker: Ticker
    pulse: Pulse
    reloader: Reloader | None
    intake: Intake | None
    webhooks: Webhooks


def _settle_down() -> None:
    """What is built stays for life: full collections over it would only block the loop."""
    gc.collect()
    gc.freeze()


class Daemon:
    """One process of mpsyncd. `serve` returns when `stop` was called; `url` is the status server's address from `ready` on."""

    def __init__(self, settings: Settings, files: Files | None = None) -> None:
        self._settings = settings
        self._files = files
        self._clock = SystemClock()
        self._id = uuid4()
        self._notifier = notifier(os.environ)
        self._stopped = asyncio.Event()
        self._building: asyncio.Task[object] | None = None
        self._asking = Asking()
        self._ticker: Ticker | None = None
        self.ready = asyncio.Event()
        self.url: str | None = None
        self.storage: Storage | None = None

    def stop(self) -> None:
        """Ask `serve` to end: no new work, pages in hand are committed, leases go back. Before it is ready the start is given up."""
        if not self._stopped.is_set() and self._building is not None:
            self._building.cancel("stopped before it was ready")
        self._stopped.set()

    def reload(self) -> None:
        """Ask for settings and shops to be read again, as soon as the daemon is ready; it is too late for that while it stops."""
        if self._stopped.is_set():
            log.info("reload_ignored", reason="the daemon is stopping")
        else:
            self._asking.ask("signal")

    async def serve(self, *, web: bool = True) -> None:
        """Run until `stop`.

        Raises:
            ConfigError: what a person must change, at start or when the embedded server gives up.
        """
        self._notifier.send(status("opens the database"))
        async with AsyncExitStack() as stack:
            if (built := await self._unless_stopped(self._build(stack, web=web))) is None:
                log.info("start_given_up")
                return
            log.info("daemon_ready", url=self.url, database=built.storage.pool.address)
            self.ready.set()
            self._notifier.send("READY=1")
            await self._work(built)
        log.info("daemon_stopped")

    async def _unless_stopped(self, building: Coroutine[object, object, T]) -> T | None:
        """Build, or None when `stop` came first; what was opened until then is closed by its owner."""
        self._building = task = asyncio.create_task(building, name="build")
        if self._stopped.is_set():
            task.cancel()
        try:
            return await task
        except asyncio.CancelledError:
            if not self._stopped.is_set():
                task.cancel()
                await asyncio.wait({task})
                raise
            return None
        finally:
            self._building = None

    async def _build(self, stack: AsyncExitStack, *, web: bool) -> Built:
        started_at = self._clock.now()
        storage = self.storage = await stack.enter_async_context(open_storage(self._settings, daemon=self._id))
        transport = await stack.enter_async_context(self._transport(storage))
        keys = Keys(storage.pool, storage.vault, sources={source.name: source for source in SOURCES}, clock=self._clock)
        connections, activity = self._connections(transport, keys), Activity(self._clock)
        timetable = Timetable(self._settings.schedules.plans())
        seats = Seats(self._settings.engine.feeds_at_once)
        dispatcher = self._dispatcher(storage, connections, activity, timetable, seats)
        table = Table(storage=storage, connections=connections, daemon=self._id, clock=self._clock)
        reloader = self._reloader(table, transport, timetable, dispatcher, seats)
        await self._listed_shops(storage, table, reloader)
        keeper = Keeper(storage, connections, lambda: reloader.settings if reloader else self._settings)
        self._ticker = self._make_ticker(dispatcher, keeper)
        webhooks = self._webhooks(storage, connections)
        intake = await stack.enter_async_context(Intake(storage.control, taken=webhooks.wake)) if web else None
        observer = self._observer(
            storage=storage,
            transport=transport,
            dispatcher=dispatcher,
            activity=activity,
            attachments=self._attachments(storage, connections, self._ticker),
            started_at=started_at,
            reloader=reloader,
            intake=intake,
        )
        if web:
            self.url = await stack.enter_async_context(serving(build_app(observer.ports(), self._settings.http), self._settings.http))
        await dispatcher.tick()
        _settle_down()
        return Built(
            storage=storage,
            keys=keys,
            dispatcher=dispatcher,
            ticker=self._ticker,
            pulse=self._pulse(storage, dispatcher, activity, observer),
            reloader=reloader,
            intake=intake,
            webhooks=webhooks,
        )

    def _transport(self, storage: Storage) -> Transport:
        return Transport(transport_options(self._settings), self._clock, PostgresLedger(storage.pool), random.Random())  # noqa: S311

    @staticmethod
    async def _listed_shops(storage: Storage, table: Table, reloader: Reloader | None) -> None:
        """Shops that files and variables name."""
        if reloader is not None:
            await reloader.begin()
        if (told := old_shop(os.environ)) is not None:
            await adopt(storage, told, identify=table.identify)

    async def _work(self, built: Built) -> None:
        """The named root tasks; the first one to end ends them all."""
        roots = self._roots(built)
        ended: set[asyncio.Task[object]] = set()
        try:
            ended, _ = await asyncio.wait(roots, return_when=asyncio.FIRST_COMPLETED)
        finally:
            log.info("daemon_stopping")
            self._notifier.send("STOPPING=1", status("gives its leases back"))
            for task in roots - ended:
                task.cancel()
            await asyncio.wait(roots)
            await built.dispatcher.stop()
        for task in ended:
            task.result()

    def _roots(self, built: Built) -> set[asyncio.Task[object]]:
        storage = built.storage

        def nudged(shop_id: int | None) -> None:
            built.keys.notice(shop_id)
            if built.intake is not None:
                built.intake.forget()
            built.webhooks.wake()
            built.dispatcher.notice()
            built.ticker.nudge()
            if shop_id is None:
                self._asking.look()

        listener = NudgeListener(storage.dsn, on_nudge=nudged, clock=self._clock)
        roots: set[asyncio.Task[object]] = {
            asyncio.create_task(self._wait_stopped(), name="stop"),
            asyncio.create_task(built.ticker.run(), name="ticker"),
            asyncio.create_task(built.keys.run(), name="keys"),
            asyncio.create_task(listener.run(), name="nudges"),
            asyncio.create_task(built.webhooks.run(), name="webhooks"),
        }
        if built.intake is not None:
            roots.add(asyncio.create_task(built.intake.wait_failed(), name="deliveries"))
        if built.reloader is not None:
            roots.add(asyncio.create_task(built.reloader.run(), name="reloads"))
        if self._notifier.address is not None:
            roots.add(asyncio.create_task(built.pulse.run(), name="pulse"))
        if storage.embedded is not None:
            roots.add(asyncio.create_task(storage.embedded.wait_failed(), name="embedded"))
        return roots

    async def _wait_stopped(self) -> None:
        await self._stopped.wait()

    def _nudge(self) -> None:
        if self._ticker is not None:
            self._ticker.nudge()

    def _connections(self, transport: Transport, keys: Keys) -> Connections:
        sources = {source.name: source for source in SOURCES}
        return Connections(
            sources=sources,
            transport=transport,
            keys=keys,
            doctor=Doctor(sources, transport, self._clock),
            clock=self._clock,
            scale=self._settings.transport.limit_scale,
        )

    def _reloader(self, table: Table, transport: Transport, timetable: Timetable, dispatcher: Dispatcher, seats: Seats) -> Reloader | None:
        """Everything whose settings can change; None for a daemon that was given settings and no files."""
        if self._files is None:
            return None

        def applied() -> None:
            """Shops may have come or gone, and feeds may be due sooner."""
            dispatcher.notice()
            self._nudge()

        parts = Parts(
            logs=self._files.logs, transport=transport, timetable=timetable, dispatcher=dispatcher, seats=seats, vault=table.storage.vault
        )
        return Reloader(
            self._files,
            self._asking,
            table=table,
            keys=table.connections.keys,
            parts=parts.all(),
            applied=applied,
            notifier=self._notifier,
            clock=self._clock,
        )

    def _dispatcher(self, storage: Storage, connections: Connections, activity: Activity, timetable: Timetable, seats: Seats) -> Dispatcher:
        engine = self._settings.engine
        facts = DaemonFacts(host=socket.gethostname(), pid=os.getpid(), version=version("mpsyncd"))
        tools = Tools(
            store=PostgresStore(
                storage.pool, control=storage.control, facts=facts, streams=[stream for source in SOURCES for stream in source.streams]
            ),
            connect=connections.connect,
            doctor=connections.second_opinion,
            pace=connections.pace,
            rates=connections.rates,
            timetable=timetable,
            clock=self._clock,
            activity=activity,
            patience=Patience().scaled(self._settings.transport.limit_scale),
            deadline=engine.no_progress,
            sweep_share=engine.sweep_share,
            seats=seats,
        )
        streams = {source.name: {stream.name: stream for stream in source.streams} for source in SOURCES}
        zones = {source.name: source.zone for source in SOURCES}
        return Dispatcher(Posting(daemon=self._id, lease_ttl=engine.lease_ttl, streams=streams, zones=zones), tools, nudge=self._nudge)

    def _observer(
        self,
        *,
        storage: Storage,
        transport: Transport,
        dispatcher: Dispatcher,
        activity: Activity,
        attachments: Attachments,
        started_at: datetime,
        reloader: Reloader | None,
        intake: Intake | None,
    ) -> Observer:
        return Observer(
            storage=storage,
            transport=transport,
            dispatcher=dispatcher,
            activity=activity,
            attachments=attachments,
            clock=self._clock,
            started_at=started_at,
            patience=self._settings.engine.no_progress,
            stopping=self._stopped.is_set,
            reloader=reloader,
            intake=intake,
        )

    def _attachments(self, storage: Storage, connections: Connections, ticker: Ticker) -> Attachments:
        """Files of chats, cleaned up like everything else."""
        made = Attachments(pool=storage.control, connections=connections, cache=file_cache(self._settings), clock=self._clock)
        ticker.every(CLEAN_EVERY, made.clean, name="attachments")
        return made

    def _webhooks(self, storage: Storage, connections: Connections) -> Webhooks:
        sending = {
            source.name: Listening(receive=source.receive, streams={stream.name: stream for stream in source.streams})
            for source in SOURCES
            if source.receive is not None
        }
        streams = [stream for source in sending.values() for stream in source.streams.values()]
        inbox = PostgresInbox(storage.pool, control=storage.control, streams=streams)
        return Webhooks(daemon=self._id, sources=sending, inbox=inbox, connect=connections.by_webhook, clock=self._clock)

    def _pulse(self, storage: Storage, dispatcher: Dispatcher, activity: Activity, observer: Observer) -> Pulse:
        patience = self._settings.engine.no_progress

        async def late() -> int:
            async with storage.control.connection() as connection:
                return await feeds.late(connection, self._id, self._clock.now() - patience)

        return Pulse(
            self._notifier,
            dispatcher=dispatcher,
            activity=activity,
            late=late,
            stuck=observer.live,
            refusal=lambda: None if observer.reloader is None else observer.reloader.refusal,
            clock=self._clock,
            patience=patience,
        )

    def _make_ticker(self, dispatcher: Dispatcher, keeper: Keeper) -> Ticker:
        ticker = Ticker(dispatcher.tick, beat=self._settings.engine.lease_ttl / 3)
        ticker.every(CLEAN_EVERY, keeper.clean, name="housekeeping")
        ticker.every(MEASURE_EVERY, keeper.measure_webhooks, name="webhooks")
        ticker.every(KEYS_EVERY, keeper.look_at_keys, name="keys", first=FIRST_LOOK)
        return ticker


async def run(files: Files) -> int:
    """Run until SIGTERM or SIGINT; a second one does not wait. SIGHUP reads the files again. Returns the exit code."""
    daemon = Daemon(files.first.settings, files)
    with_signals(daemon.stop, reload=daemon.reload)
    try:
        await daemon.serve()
    finally:
        deaf_to_hangups()
    return 0


async def run_once(settings: Settings, work: Callable[[Daemon], Awaitable[int]], *, web: bool = False) -> int:
    """Run a daemon for as long as `work` takes (a one-shot command, the demo); return what it returns."""
    daemon = Daemon(settings)
    working: asyncio.Task[int] | None = None

    def leave() -> None:
        """End the work before the database goes away under it."""
        if working is not None:
            working.cancel()
        daemon.stop()

    with_signals(leave)
    serving_task = asyncio.create_task(daemon.serve(web=web), name="daemon")
    try:
        waiting = asyncio.create_task(daemon.ready.wait())
        await asyncio.wait({serving_task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not serving_task.done():
            working = asyncio.create_task(_awaited(work(daemon)), name="work")
            await asyncio.wait({serving_task, working}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if working is not None and not working.done():
            working.cancel()
            await asyncio.wait({working})
        daemon.stop()
        await serving_task
    return working.result() if working is not None and not working.cancelled() else 1


async def _awaited(work: Awaitable[int]) -> int:
    return await work
