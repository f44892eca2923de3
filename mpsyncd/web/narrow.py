"""The ports as a visitor sees them: what belongs to other shops is not there. Handlers get only these, so that none can forget to ask."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from mpsyncd.model.access import Visitor
from mpsyncd.model.analytics import Task
from mpsyncd.model.attachment import Attachment, NotYet
from mpsyncd.model.errors import NotThere
from mpsyncd.model.overview import Overview, RunView
from mpsyncd.model.run import Mode, RunState
from mpsyncd.model.shop import Shop
from mpsyncd.storage.chats import ChatView, MessageView, Wanted
from mpsyncd.storage.requests import RequestView
from mpsyncd.web.ports import Control, WebPorts


def narrowed(ports: WebPorts, visitor: Visitor) -> WebPorts:
    """The same ports for somebody who sees everything; for others without foreign shops, and without limits and facts of the whole."""
    if visitor.shops is None:
        return ports

    async def overview() -> Overview:
        found = await ports.overview()
        return Overview(taken_at=found.taken_at, shops=tuple(shop for shop in found.shops if visitor.sees(shop.shop_id)))

    def facts() -> Mapping[str, object]:
        work = ports.facts().get("at_work")
        return {"at_work": [stage for stage in work if visitor.sees(stage["shop_id"])]} if isinstance(work, list) else {}

    return replace(ports, overview=overview, facts=facts, budgets=tuple, control=_Narrowed(ports.control, visitor))


@dataclass(frozen=True, slots=True)
class _Narrowed:
    """Control over the shops that the visitor sees; the others are as if they did not exist, in the same words."""

    control: Control
    visitor: Visitor

    async def shops(self) -> Sequence[Shop]:
        return [shop for shop in await self.control.shops() if self.visitor.sees(shop.shop_id)]

    async def shop(self, shop_id: int) -> Shop:
        return await self.control.shop(self._seen(shop_id))

    async def set_paused(self, shop_id: int, *, paused: bool) -> Shop:
        return await self.control.set_paused(self._seen(shop_id), paused=paused)

    async def ask_for_run(
        self, shop_id: int, *, mode: Mode, streams: Sequence[str], start: datetime | None, end: datetime | None, by: str
    ) -> int:
        return await self.control.ask_for_run(self._seen(shop_id), mode=mode, streams=streams, start=start, end=end, by=by)

    async def request(self, request_id: int) -> RequestView:
        found = await self.control.request(request_id)
        if not self.visitor.sees(found.request.shop_id):
            raise NotThere(f"There is no request {request_id}.")
        return found

    async def runs(self, *, shops: Collection[int] | None, state: RunState | None, before: int | None, limit: int) -> Sequence[RunView]:
        wanted = {shop_id for shop_id in shops if self.visitor.sees(shop_id)} if shops is not None else self.visitor.shops
        return await self.control.runs(shops=wanted, state=state, before=before, limit=limit)

    async def run(self, run_id: int) -> RunView:
        found = await self.control.run(run_id)
        if not self.visitor.sees(found.shop_id):
            raise NotThere(f"There is no run {run_id}; mpsyncd runs list shows those there are.")
        return found

    async def cancel(self, run_id: int) -> bool:
        await self.run(run_id)
        return await self.control.cancel(run_id)

    async def start_analytics(self, shops: Collection[int] | None, *, batch_size: int, by: str) -> UUID:
        wanted = [self._seen(shop_id) for shop_id in shops] if shops is not None else sorted(self.visitor.shops or ())
        return await self.control.start_analytics(wanted, batch_size=batch_size, by=by)

    async def start_stale_analytics(self, shop_id: int, *, by: str) -> UUID | None:
        return await self.control.start_stale_analytics(self._seen(shop_id), by=by)

    async def analytics(self, task_id: UUID) -> Task:
        found = await self.control.analytics(task_id)
        if not all(self.visitor.sees(shop.shop_id) for shop in found.shops):
            raise NotThere(f"There is no analytics task {task_id}.")
        return found

    async def chats(self, shop_id: int, wanted: Wanted, *, before: tuple[datetime, str] | None, limit: int) -> Sequence[ChatView]:
        return await self.control.chats(self._seen(shop_id), wanted, before=before, limit=limit)

    async def chat(
        self, shop_id: int, chat_id: str, *, after: tuple[int, str] | None, limit: int
    ) -> tuple[ChatView, Sequence[MessageView]]:
        return await self.control.chat(self._seen(shop_id), chat_id, after=after, limit=limit)

    async def attachment(self, shop_id: int, download_id: str) -> Attachment | NotYet:
        return await self.control.attachment(self._seen(shop_id), download_id)

    def _seen(self, shop_id: int) -> int:
        if not self.visitor.sees(shop_id):
            raise NotThere(f"There is no shop with the id {shop_id}.")
        return shop_id
