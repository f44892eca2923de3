"""What the server needs of others, as small protocols and values; `daemon` fills them. The server itself reaches for nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from mpsyncd.model.access import Visitor
from mpsyncd.model.analytics import Task
from mpsyncd.model.attachment import Attachment, NotYet
from mpsyncd.model.overview import Overview, RunView
from mpsyncd.model.reload import ReloadOutcome
from mpsyncd.model.run import Mode, RunState
from mpsyncd.model.shop import Shop
from mpsyncd.storage.chats import ChatView, MessageView, Wanted
from mpsyncd.storage.requests import RequestView
from mpsyncd.transport.budgets import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One number for /metrics under a name that `web.metrics` documents."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


class Control(Protocol):
    """Shops and runs. Everything raises StorageUnavailable while the database is away, NotThere for what is not there."""

    async def shops(self) -> Sequence[Shop]:
        """All shops, in the order of their ids."""
        ...

    async def shop(self, shop_id: int) -> Shop:
        """One shop."""
        ...

    async def set_paused(self, shop_id: int, *, paused: bool) -> Shop:
        """Pause a shop or let it go on; Refused when it is being removed."""
        ...

    async def ask_for_run(
        self, shop_id: int, *, mode: Mode, streams: Sequence[str], start: datetime | None, end: datetime | None, by: str
    ) -> int:
        """Write a request for a run, return its id; an equal one that nobody took yet is not doubled. Refused: the shop is not worked."""
        ...

    async def request(self, request_id: int) -> RequestView:
        """A request with what came of it."""
        ...

    async def runs(self, *, shops: Collection[int] | None, state: RunState | None, before: int | None, limit: int) -> Sequence[RunView]:
        """The newest runs of these shops (None: of all) before this run id."""
        ...

    async def run(self, run_id: int) -> RunView:
        """One run with its feeds."""
        ...

    async def cancel(self, run_id: int) -> bool:
        """Ask a run to end after the page in hand; True when it has ended already, having no daemon. Refused: it ended before."""
        ...

    async def start_analytics(self, shops: Collection[int] | None, *, batch_size: int, by: str) -> UUID:
        """Start a task over these shops (None: all), or find the one under way. Refused: no shop of them can be read."""
        ...

    async def start_stale_analytics(self, shop_id: int, *, by: str) -> UUID | None:
        """The same for a shop whose analytics are older than a day; None when they are not."""
        ...

    async def analytics(self, task_id: UUID) -> Task:
        """How far a task is."""
        ...

    async def chats(self, shop_id: int, wanted: Wanted, *, before: tuple[datetime, str] | None, limit: int) -> Sequence[ChatView]:
        """Chats of a shop, as `storage.chats.list_chats` says."""
        ...

    async def chat(
        self, shop_id: int, chat_id: str, *, after: tuple[int, str] | None, limit: int
    ) -> tuple[ChatView, Sequence[MessageView]]:
        """One chat and a page of its messages."""
        ...

    async def attachment(self, shop_id: int, download_id: str) -> Attachment | NotYet:
        """A file of a message. Beside the errors of all: SourceError, Snooze and BadData when the vendor does not give it."""
        ...


class Receiver(Protocol):
    """Takes deliveries of webhooks. Everything but `refused` raises StorageUnavailable while the database is away."""

    async def shop(self, source: str, secret: str) -> int | None:
        """The shop of this source whose secret it is, None when it is nobody's."""
        ...

    async def keep(self, shop_id: int, body: bytes) -> int | None:
        """Write a delivery down for good and return its number; None when too many wait for that already."""
        ...

    def refused(self, reason: str) -> None:
        """Count a delivery that was not taken."""
        ...


def _no_budgets() -> Sequence[Budget]:
    return ()


def _no_samples() -> Sequence[Sample]:
    return ()


def _no_facts() -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPorts:
    """The daemon as the server sees it.

    live: reasons why the process is stuck, () when it lives; must not touch the database. ready: reasons why it is not ready, or ().
    overview: everything about shops; raises StorageUnavailable. budgets: the gates. samples: numbers for /metrics that the overview does
    not yield. facts: what /status shows of the process itself (database, leases, last error), JSON values, no secret.
    now: the current instant, aware. reload: reads settings and shops again; None where nothing can be read again.
    recognise: whom an access token stands for, None for nobody. webhooks: takes deliveries; None where nobody does.
    """

    version: str
    started_at: datetime
    now: Callable[[], datetime]
    live: Callable[[], tuple[str, ...]]
    ready: Callable[[], Awaitable[tuple[str, ...]]]
    overview: Callable[[], Awaitable[Overview]]
    recognise: Callable[[str], Awaitable[Visitor | None]]
    control: Control
    budgets: Callable[[], Sequence[Budget]] = _no_budgets
    samples: Callable[[], Sequence[Sample]] = _no_samples
    facts: Callable[[], Mapping[str, object]] = _no_facts
    reload: Callable[[], Awaitable[ReloadOutcome]] | None = None
    webhooks: Receiver | None = None
