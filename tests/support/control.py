"""Shops, runs and tokens in memory, for tests of the server without a database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from mpsyncd.model.access import Role, Visitor
from mpsyncd.model.analytics import Task, TaskShop, TaskState
from mpsyncd.model.attachment import Attachment, NotYet
from mpsyncd.model.errors import NotThere, Refused
from mpsyncd.model.overview import RunView
from mpsyncd.model.run import Mode, RunRequest, RunState, Trigger
from mpsyncd.model.shop import Shop, ShopStatus
from mpsyncd.storage.chats import ChatView, MessageView, Wanted
from mpsyncd.storage.requests import RequestView

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NORTH, SOUTH = 1, 2
CHATS = tuple(
    ChatView(
        chat_id=f"1:c{number}", client_name="Анна", goods=None, is_stub=False, erased=False, messages=3, first_at=NOW,
        last_at=NOW - timedelta(hours=number), waiting_since=None, first_answer=timedelta(minutes=5),
    )
    for number in range(3)
)  # fmt: skip
MESSAGES = tuple(
    MessageView(message_id=f"m{number}", sender="client", client_name="Анна", text="Ау", sent_at=NOW, sent_ms=number, attachments=None)
    for number in range(3)
)


def token(name: str) -> str:
    """The text of an invented token."""
    return f"mps_{name.encode().hex()[:12]:0>12}_{'A' * 43}"


def a_shop(shop_id: int, name: str) -> Shop:
    return Shop(
        shop_id=shop_id, customer="default", source="wildberries", name=name, status=ShopStatus.ACTIVE, lease_group=f"wildberries:{name}",
        paused=False, works=True, created_at=NOW,
    )  # fmt: skip


def a_run(run_id: int, shop_id: int, state: RunState = RunState.RUNNING) -> RunView:
    return RunView(
        run_id=run_id, shop_id=shop_id, shop="x", trigger=Trigger.SCHEDULE, mode=Mode.INCREMENTAL, state=state, started_at=NOW
    )  # fmt: skip


@dataclass
class FakeControl:
    """Two shops, a run of each (10 and 20), a request of each (100 and 200), and visitors by token."""

    known: dict[int, Shop] = field(default_factory=lambda: {NORTH: a_shop(NORTH, "north"), SOUTH: a_shop(SOUTH, "south")})
    open: dict[int, RunView] = field(default_factory=lambda: {10: a_run(10, NORTH), 20: a_run(20, SOUTH)})
    asked: dict[int, RequestView] = field(default_factory=dict)
    visitors: dict[str, Visitor] = field(default_factory=dict)
    tasks: dict[UUID, Task] = field(default_factory=dict)
    looks: int = 0
    files: dict[str, Attachment | NotYet | Exception] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for request_id, shop_id in ((100, NORTH), (200, SOUTH)):
            wish = RunRequest(request_id=request_id, shop_id=shop_id, trigger=Trigger.MANUAL, mode=Mode.FULL)
            self.asked[request_id] = RequestView(request=wish, requested_by="a test", requested_at=NOW)

    def let_in(self, role: Role, *, shops: Collection[int] | None = None) -> str:
        """The text of a new token of this role."""
        text = token(f"{role}{'' if shops is None else sorted(shops)}")
        seen = None if shops is None else frozenset(shops)
        self.visitors[text] = Visitor(role=role, token_id=text[4:16], shops=seen)
        return text

    async def recognise(self, text: str) -> Visitor | None:
        self.looks += 1
        return self.visitors.get(text)

    async def shops(self) -> Sequence[Shop]:
        return list(self.known.values())

    async def shop(self, shop_id: int) -> Shop:
        if shop_id not in self.known:
            raise NotThere(f"There is no shop with the id {shop_id}.")
        return self.known[shop_id]

    async def set_paused(self, shop_id: int, *, paused: bool) -> Shop:
        self.known[shop_id] = replace(await self.shop(shop_id), paused=paused)
        return self.known[shop_id]

    async def ask_for_run(self, shop_id: int, *, streams: Sequence[str], by: str, **wish: Any) -> int:
        if (await self.shop(shop_id)).paused:
            raise Refused("the shop is paused")
        for name in streams:
            if name != "orders":
                raise NotThere(f"wildberries has no stream {name!r}. There are: 'orders'.")
        request_id = 1000 + len(self.asked)
        wish_of = RunRequest(request_id=request_id, shop_id=shop_id, trigger=Trigger.MANUAL, streams=tuple(streams), **wish)
        self.asked[request_id] = RequestView(request=wish_of, requested_by=by, requested_at=NOW)
        return request_id

    async def request(self, request_id: int) -> RequestView:
        if request_id not in self.asked:
            raise NotThere(f"There is no request {request_id}.")
        return self.asked[request_id]

    async def runs(self, *, shops: Collection[int] | None, state: RunState | None, before: int | None, limit: int) -> Sequence[RunView]:
        found = [run for run in self.open.values() if (shops is None or run.shop_id in shops) and state in {None, run.state}]
        return [run for run in sorted(found, key=lambda run: -run.run_id) if before is None or run.run_id < before][:limit]

    async def run(self, run_id: int) -> RunView:
        if run_id not in self.open:
            raise NotThere(f"There is no run {run_id}; mpsyncd runs list shows those there are.")
        return self.open[run_id]

    async def start_analytics(self, shops: Collection[int] | None, *, batch_size: int, by: str) -> UUID:  # noqa: ARG002
        chosen = [await self.shop(shop_id) for shop_id in (sorted(self.known) if shops is None else shops)]
        task_id = UUID(int=1 + len(self.tasks))
        told = [
            TaskShop(shop_id=s.shop_id, name=s.name, state=TaskState.RUNNING, run_id=10, products=250, products_done=100, fraction=0.4)
            for s in chosen
        ]
        self.tasks[task_id] = Task(task_id=task_id, batch_size=batch_size, requested_at=NOW, ended_at=None, shops=tuple(told))
        return task_id

    async def start_stale_analytics(self, shop_id: int, *, by: str) -> UUID | None:
        return await self.start_analytics([shop_id], batch_size=100, by=by) if shop_id == NORTH else None

    async def analytics(self, task_id: UUID) -> Task:
        if task_id not in self.tasks:
            raise NotThere(f"There is no analytics task {task_id}.")
        return self.tasks[task_id]

    async def cancel(self, run_id: int) -> bool:
        run = await self.run(run_id)
        if run.state is not RunState.RUNNING:
            raise Refused(f"Run {run_id} has ended already ({run.state}).")
        return False

    async def chats(self, shop_id: int, wanted: Wanted, *, before: tuple[datetime, str] | None, limit: int) -> Sequence[ChatView]:
        await self.shop(shop_id)
        found = [chat for chat in CHATS if (before is None or (chat.last_at, chat.chat_id) < before) and chat.messages > 0]
        return [] if wanted.words == "nothing" else found[:limit]

    async def chat(
        self, shop_id: int, chat_id: str, *, after: tuple[int, str] | None, limit: int
    ) -> tuple[ChatView, Sequence[MessageView]]:
        await self.shop(shop_id)
        for chat in CHATS:
            if chat.chat_id == chat_id:
                return chat, [one for one in MESSAGES if after is None or (one.sent_ms, one.message_id) > after][:limit]
        raise NotThere(f"Shop {shop_id} has no chat {chat_id!r}.")

    async def attachment(self, shop_id: int, download_id: str) -> Attachment | NotYet:
        await self.shop(shop_id)
        found = self.files.get(download_id)
        if isinstance(found, Exception):
            raise found
        if found is None:
            raise NotThere(f"No message of shop {shop_id} has an attachment {download_id!r}.")
        return found


async def no_files(shop_id: int, download_id: str) -> Attachment | NotYet:
    """Stands in for a daemon's way to files."""
    raise NotThere(f"No message of shop {shop_id} has an attachment {download_id!r}.")
