"""/api/analytics: products' analytics on demand, as a task that goes on in the background."""

from __future__ import annotations

from math import ceil
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import Field

from mpsyncd.model.analytics import Task, TaskShop
from mpsyncd.model.errors import NotThere
from mpsyncd.web.answer import json_answer
from mpsyncd.web.asked import Asked, read_body, read_query
from mpsyncd.web.keys import PORTS, VISITOR
from mpsyncd.web.needs import OPERATE, READ, Route

_Id = Annotated[int, Field(ge=1, lt=10**18)]


class _Wish(Asked):
    """Which shop (all that the token may touch when left out), and in how many products at a time progress is told."""

    shopId: _Id | None = None  # noqa: N815 - the name that callers know
    batchSize: Annotated[int, Field(ge=1, le=100_000)] = 100  # noqa: N815


class _Shop(Asked):
    """One shop."""

    shopId: _Id  # noqa: N815


class _Which(Asked):
    """One task."""

    taskId: UUID  # noqa: N815


async def start(request: web.Request) -> web.Response:
    """Read products' analytics in the background. Body: shopId (all shops of the token when left out), batchSize. 202 with taskId.

    While a task over the same shops is under way, it is that one.
    """
    wish = await read_body(request, _Wish)
    control = request[PORTS].control
    shops = None if wish.shopId is None else [(await control.shop(wish.shopId)).shop_id]
    task_id = await control.start_analytics(shops, batch_size=wish.batchSize, by=_by(request))
    return _accepted(task_id)


async def stale(request: web.Request) -> web.Response:
    """Read a shop's analytics if they are older than 24 hours. Body: shopId. 202 with taskId, or 200 with null when they are fresh."""
    wish = await read_body(request, _Shop)
    control = request[PORTS].control
    task_id = await control.start_stale_analytics((await control.shop(wish.shopId)).shop_id, by=_by(request))
    return json_answer({"taskId": None}) if task_id is None else _accepted(task_id)


async def show(request: web.Request) -> web.Response:
    """How far a task is, by its taskId in the path or the query: batches and products done and in all, errors, times."""
    given = request.match_info.get("task")
    try:
        task_id = UUID(given) if given is not None else read_query(request, _Which).taskId
    except ValueError:
        raise NotThere(f"There is no analytics task {given}.") from None
    ports = request[PORTS]
    task = await ports.control.analytics(task_id)
    return json_answer(_told(task, elapsed=((task.ended_at or ports.now()) - task.requested_at).total_seconds()))


def _told(task: Task, *, elapsed: float) -> dict[str, Any]:
    shops = [_shop(shop, task.batch_size) for shop in task.shops]
    etas = [shop.eta.total_seconds() for shop in task.shops if shop.eta is not None]
    return {
        "taskId": str(task.task_id),
        "status": task.state.value,
        "percent": int(100 * sum(shop.fraction for shop in task.shops) / len(task.shops)),
        "batches": _sum(shops, "batches"),
        "products": _sum(shops, "products"),
        "errors": [f"{shop.name}: {error}" for shop in task.shops for error in shop.errors],
        "startedAt": task.requested_at,
        "elapsedSeconds": elapsed,
        "etaSeconds": 0 if task.ended_at is not None else max(etas) if etas else None,
        "shops": shops,
    }


def _shop(shop: TaskShop, batch: int) -> dict[str, Any]:
    return {
        "shopId": shop.shop_id,
        "name": shop.name,
        "status": shop.state.value,
        "runId": shop.run_id,
        "batches": {
            "done": shop.products_done // batch if shop.fraction < 1 else ceil(shop.products / batch),
            "total": ceil(shop.products / batch),
        },
        "products": {"done": shop.products_done, "total": shop.products},
        "errors": list(shop.errors),
    }


def _sum(shops: list[dict[str, Any]], name: str) -> dict[str, int]:
    return {key: sum(shop[name][key] for shop in shops) for key in ("done", "total")}


def _accepted(task_id: UUID) -> web.Response:
    return json_answer({"taskId": str(task_id)}, status=202, headers={"Location": f"/api/analytics/sync-background/{task_id}"})


def _by(request: web.Request) -> str:
    return f"http:{request[VISITOR].token_id}"


ROUTES = (
    Route("POST", "/api/analytics/sync-background", start, OPERATE),
    Route("GET", "/api/analytics/sync-background", show, READ),
    Route("GET", "/api/analytics/sync-background/{task}", show, READ),
    Route("POST", "/api/analytics/stale", stale, OPERATE),
)
