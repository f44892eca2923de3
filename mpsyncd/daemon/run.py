"""Runs the daemon: everything is built here in order, and ends in the reverse order."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import signal
import socket
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from mpsyncd.daemon.connections import Connections
from mpsyncd.daemon.doctor import Doctor
from mpsyncd.daemon.keeper import CLEAN_EVERY, FIRST_LOOK, KEYS_EVERY, Keeper
from mpsyncd.daemon.keys import Keys
from mpsyncd.daemon.notify import notifier, status
from mpsyncd.daemon.observe import Observer
from mpsyncd.daemon.outward import transport_options
from mpsyncd.daemon.pulse import Pulse
from mpsyncd.daemon.stores import Storage, open_storage
from mpsyncd.engine.activity import Activity
from mpsyncd.engine.dispatcher import Dispatcher, Posting
from mpsyncd.engine.judge import Patience
from mpsyncd.engine.runner import Tools
from mpsyncd.engine.schedule import Ticker, Timetable
from mpsyncd.model.clock import SystemClock
from mpsyncd.sources import SOURCES
from mpsyncd.storage import feeds
from mpsyncd.storage.leases import DaemonFacts
from mpsyncd.storage.ledger import PostgresLedger
from mpsyncd.storage.nudge import NudgeListener
from mpsyncd.storage.store import PostgresStore
from mpsyncd.transport import Transport
from mpsyncd.web.app import build_app
from mpsyncd.web.server import serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mpsyncd.settings import Settings

log = structlog.get_logger(__name__)


class Daemon:
    """One process of mpsyncd. `serve` returns when `stop` was called; `url` is the status server's address from `ready` on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clock = SystemClock()
        self._id = uuid4()
        self._notifier = notifier(os.environ)
        self._stopped = asyncio.Event()
        self._ticker: Ticker | None = None
        self.ready = asyncio.Event()
        self.url: str | None = None
        self.storage: Storage | None = None

    def stop(self) -> None:
        """Ask `serve` to end: no new work, pages in hand are committed, leases go back."""
        self._stopped.set()

    async def serve(self, *, web: bool = True) -> None:
        """Run until `stop`.

        Raises:
            ConfigError: what a person must change, at start or when the embedded server gives up.
        """
        started_at = self._clock.now()
        self._notifier.send(status("opens the database"))
        async with AsyncExitStack() as stack:
            storage = self.storage = await stack.enter_async_context(open_storage(self._settings, exclusive=True))
            transport = await stack.enter_async_context(
                Transport(transport_options(self._settings), self._clock, PostgresLedger(storage.pool), random.Random())  # noqa: S311
            )
            connections = self._connections(storage, transport)
            activity = Activity(self._clock)
            dispatcher = self._dispatcher(storage, connections, activity, nudge=self._nudge)
            ticker = self._ticker = self._make_ticker(dispatcher, Keeper(storage, connections, self._settings))
            observer = Observer(
                storage=storage,
                transport=transport,
                dispatcher=dispatcher,
                activity=activity,
                clock=self._clock,
                started_at=started_at,
                patience=self._settings.engine.no_progress,
                stopping=self._stopped.is_set,
            )
            if web:
                app = build_app(observer.ports(), self._settings.http)
                self.url = await stack.enter_async_context(serving(app, self._settings.http))
            await dispatcher.tick()
            gc.collect()
            gc.freeze()  # what is built stays for life: full collections over it would only block the loop
            log.info("daemon_ready", url=self.url, database=storage.pool.address)
            self.ready.set()
            self._notifier.send("READY=1")
            await self._work(storage, dispatcher, ticker, self._pulse(storage, dispatcher, activity, observer))
        log.info("daemon_stopped")

    async def _work(self, storage: Storage, dispatcher: Dispatcher, ticker: Ticker, pulse: Pulse) -> None:
        """The named root tasks; the first one to end ends them all."""

        def nudged(_: int | None) -> None:
            dispatcher.notice()
            ticker.nudge()

        listener = NudgeListener(storage.dsn, on_nudge=nudged, clock=self._clock)
        roots: set[asyncio.Task[object]] = {
            asyncio.create_task(self._wait_stopped(), name="stop"),
            asyncio.create_task(ticker.run(), name="ticker"),
            asyncio.create_task(listener.run(), name="nudges"),
        }
        if self._notifier.address is not None:
            roots.add(asyncio.create_task(pulse.run(), name="pulse"))
        if storage.embedded is not None:
            roots.add(asyncio.create_task(storage.embedded.wait_failed(), name="embedded"))
        ended: set[asyncio.Task[object]] = set()
        try:
            ended, _ = await asyncio.wait(roots, return_when=asyncio.FIRST_COMPLETED)
        finally:
            log.info("daemon_stopping")
            self._notifier.send("STOPPING=1", status("gives its leases back"))
            for task in roots - ended:
                task.cancel()
            await asyncio.wait(roots)
            await dispatcher.stop()
        for task in ended:
            task.result()

    async def _wait_stopped(self) -> None:
        await self._stopped.wait()

    def _nudge(self) -> None:
        if self._ticker is not None:
            self._ticker.nudge()

    def _connections(self, storage: Storage, transport: Transport) -> Connections:
        sources = {source.name: source for source in SOURCES}
        return Connections(
            sources=sources,
            transport=transport,
            keys=Keys(storage.pool, storage.vault, sources=sources, clock=self._clock),
            doctor=Doctor(sources, transport, self._clock),
            clock=self._clock,
            scale=self._settings.transport.limit_scale,
        )

    def _dispatcher(self, storage: Storage, connections: Connections, activity: Activity, *, nudge: Callable[[], None]) -> Dispatcher:
        engine = self._settings.engine
        facts = DaemonFacts(host=socket.gethostname(), pid=os.getpid(), version=version("mpsyncd"))
        tools = Tools(
            store=PostgresStore(storage.pool, facts=facts, streams=[stream for source in SOURCES for stream in source.streams]),
            connect=connections.connect,
            doctor=connections.second_opinion,
            pace=connections.pace,
            timetable=Timetable(self._settings.schedules.plans()),
            clock=self._clock,
            activity=activity,
            patience=Patience().scaled(self._settings.transport.limit_scale),
            deadline=engine.no_progress,
            sweep_share=engine.sweep_share,
            seats=asyncio.Semaphore(engine.feeds_at_once),
        )
        streams = {source.name: {stream.name: stream for stream in source.streams} for source in SOURCES}
        zones = {source.name: source.zone for source in SOURCES}
        return Dispatcher(Posting(daemon=self._id, lease_ttl=engine.lease_ttl, streams=streams, zones=zones), tools, nudge=nudge)

    def _pulse(self, storage: Storage, dispatcher: Dispatcher, activity: Activity, observer: Observer) -> Pulse:
        patience = self._settings.engine.no_progress

        async def late() -> int:
            async with storage.pool.connection() as connection:
                return await feeds.late(connection, self._id, self._clock.now() - patience)

        return Pulse(
            self._notifier,
            dispatcher=dispatcher,
            activity=activity,
            late=late,
            stuck=observer.live,
            clock=self._clock,
            patience=patience,
        )

    def _make_ticker(self, dispatcher: Dispatcher, keeper: Keeper) -> Ticker:
        ticker = Ticker(dispatcher.tick, beat=self._settings.engine.lease_ttl / 3)
        ticker.every(CLEAN_EVERY, keeper.clean, name="housekeeping")
        ticker.every(KEYS_EVERY, keeper.look_at_keys, name="keys", first=FIRST_LOOK)
        return ticker


async def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; a second one does not wait. Returns the exit code."""
    daemon = Daemon(settings)
    with_signals(daemon.stop)
    await daemon.serve()
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


def with_signals(stop: Callable[[], None]) -> None:
    """The first SIGTERM or SIGINT calls `stop`; the second one ends the process at once (the database keeps what is committed)."""
    loop = asyncio.get_running_loop()

    def first(number: signal.Signals) -> None:
        log.info("signal_received", signal=number.name)
        stop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, first, each)
