"""What the status server may know of this process, in the words of its ports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING

from mpsyncd.daemon.control import Control
from mpsyncd.daemon.question import Question
from mpsyncd.model.errors import StorageUnavailable
from mpsyncd.storage import status
from mpsyncd.storage.migrate import schema_state
from mpsyncd.web.ports import Sample, WebPorts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from mpsyncd.daemon.attachments import Attachments
    from mpsyncd.daemon.reload import Reloader
    from mpsyncd.daemon.stores import Storage
    from mpsyncd.daemon.webhooks import Intake
    from mpsyncd.engine.activity import Activity
    from mpsyncd.engine.dispatcher import Dispatcher
    from mpsyncd.model.clock import Clock
    from mpsyncd.model.overview import Overview
    from mpsyncd.storage.migrate import SchemaState
    from mpsyncd.transport import Transport

SCHEMA_WITHIN, OVERVIEW_WITHIN = timedelta(seconds=5), timedelta(seconds=20)
"""How long an answer waits for a database that hangs: less than the watchers that ask wait for theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Reads the state of the parts; changes nothing. `patience`: after this time without a tick or a page something is stuck."""

    storage: Storage
    transport: Transport
    dispatcher: Dispatcher
    activity: Activity
    clock: Clock
    started_at: datetime
    patience: timedelta
    stopping: Callable[[], bool]
    attachments: Attachments
    reloader: Reloader | None = None
    """None for a daemon that reads its files once."""
    intake: Intake | None = None
    """None for a daemon without a server."""

    def ports(self) -> WebPorts:
        """The same, as the server wants it."""
        schema = Question(self._schema, within=SCHEMA_WITHIN)
        everything = Question(self._overview, within=OVERVIEW_WITHIN)
        control = Control(self.storage.control, self.clock, self.attachments.fetch)
        return WebPorts(
            version=version("mpsyncd"),
            started_at=self.started_at,
            now=self.clock.now,
            live=self.live,
            ready=lambda: self._ready(schema),
            overview=everything.answer,
            recognise=control.recognise,
            control=control,
            budgets=self.transport.budgets,
            samples=self.samples,
            facts=self.facts,
            reload=None if self.reloader is None else self.reloader.by_api,
            webhooks=self.intake,
        )

    def live(self) -> tuple[str, ...]:
        """Why the process is stuck; the database being away is no such reason."""
        ticked = self.dispatcher.ticked_at or self.started_at
        late = self.clock.now() - ticked
        reasons = [f"the dispatcher has not ticked for {late.total_seconds():.0f} s"] if late > self.patience else []
        return tuple(reasons)

    async def _ready(self, asked: Question[SchemaState]) -> tuple[str, ...]:
        """Why no traffic should come."""
        reasons: list[str] = []
        if self.stopping():
            reasons.append("the daemon is stopping")
        if self.dispatcher.ticked_at is None:
            reasons.append("the first tick is not over")
        try:
            schema = await asked.answer()
        except StorageUnavailable as error:
            reasons.append(str(error))
        else:
            if not schema.ready:
                reasons.append(schema.problem or f"the schema lacks {', '.join(schema.pending)}")
        return tuple(reasons)

    async def _schema(self) -> SchemaState:
        async with self.storage.control.connection() as connection:
            return await schema_state(connection)

    async def _overview(self) -> Overview:
        """Everything about shops."""
        return await status.overview(self.storage.control)

    def samples(self) -> Sequence[Sample]:
        """Numbers that the database does not have."""
        at_work = Sample(name="mpsyncd_feeds_at_work", value=sum(1 for _ in self.activity))
        taken = self.intake.samples() if self.intake is not None else ()
        if self.reloader is None:
            return at_work, *taken
        last = Sample(name="mpsyncd_reload_last_success", value=self.reloader.succeeded_at.timestamp())
        counts = self.reloader.counts.items()
        return (
            at_work,
            *taken,
            last,
            *(Sample(name="mpsyncd_reload_total", value=count, labels={"outcome": name}) for name, count in counts),
        )

    def facts(self) -> Mapping[str, object]:
        """What /status shows of the process itself."""
        server = self.storage.embedded
        stalled = self.activity.stalled(self.patience)
        return {
            "database": self.storage.pool.address,
            "embedded": None if server is None else {"state": server.status.state.value, "detail": server.status.detail},
            "storage_error": self.dispatcher.storage_error,
            "runs_open_here": self.dispatcher.runs,
            "reload": None if self.reloader is None else self.reloader.facts(),
            "at_work": [
                {
                    "shop_id": stage.shop_id,
                    "stream": stage.stream,
                    "run_id": stage.run_id,
                    "since": stage.started_at.isoformat(),
                    "moved_at": stage.moved_at.isoformat(),
                    "waits": stage.reason,
                    "no_progress": stage in stalled,
                }
                for stage in self.activity
            ],
        }
