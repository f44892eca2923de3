"""/api/runs and /api/requests: what was attempted, and asking for more of it or for its end."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from aiohttp import web
from pydantic import AwareDatetime, Field, model_validator

from mpsyncd.model.errors import NotThere
from mpsyncd.model.run import Mode, RunState
from mpsyncd.storage.requests import RequestView
from mpsyncd.web.answer import json_answer
from mpsyncd.web.asked import Asked, read_body, read_query
from mpsyncd.web.keys import PORTS, VISITOR
from mpsyncd.web.needs import OPERATE, READ, Route
from mpsyncd.web.problem import Problem

_Id = Annotated[int, Field(ge=1, lt=10**18)]
_Instant = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2100, 1, 1, tzinfo=UTC))]
_Name = Annotated[str, Field(min_length=1, max_length=100)]


class _Wish(Asked):
    """A run that is asked for. Without streams it is all of them; start and end bound a range that is read again."""

    shop_id: _Id
    mode: Mode = Mode.INCREMENTAL
    streams: Annotated[tuple[_Name, ...], Field(max_length=100)] = ()
    start: _Instant | None = None
    end: _Instant | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.mode is Mode.SELECTIVE and not self.streams:
            message = "a selective run needs the streams that it shall read"
            raise ValueError(message)
        if self.end is not None and (self.start is None or self.end <= self.start):
            message = "a range needs a start that comes before its end"
            raise ValueError(message)
        return self


class _Chosen(Asked):
    """Which runs: of a shop, in a state, before a run id."""

    shop: _Id | None = None
    state: RunState | None = None
    before: _Id | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


async def list_runs(request: web.Request) -> web.Response:
    """Runs, the newest first. Query: shop, state, limit (50), before (the run id where the previous page ended)."""
    chosen = read_query(request, _Chosen)
    shops = None if chosen.shop is None else [chosen.shop]
    found = await request[PORTS].control.runs(shops=shops, state=chosen.state, before=chosen.before, limit=chosen.limit)
    return json_answer({"runs": [asdict(run) for run in found]})


async def show_run(request: web.Request) -> web.Response:
    """One run with each of its feeds."""
    return json_answer({"run": asdict(await request[PORTS].control.run(int(request.match_info["run_id"])))})


async def ask_for_run(request: web.Request) -> web.Response:
    """Ask for a run. Body: shop_id; mode (incremental, full, selective, forced), streams, start, end. 202 with the id of the request.

    An equal request that no daemon took yet is not doubled.
    """
    wish = await read_body(request, _Wish)
    control = request[PORTS].control
    shop = await control.shop(wish.shop_id)
    try:
        request_id = await control.ask_for_run(
            shop.shop_id, mode=wish.mode, streams=wish.streams, start=wish.start, end=wish.end, by=f"http:{request[VISITOR].token_id}"
        )
    except NotThere as error:
        raise Problem(
            422, "What was sent makes no sense; errors says where.", errors=[{"field": "streams", "detail": str(error)}]
        ) from None
    return json_answer({"request_id": request_id}, status=202, headers={"Location": f"/api/requests/{request_id}"})


async def show_request(request: web.Request) -> web.Response:
    """A request with what came of it: nothing yet, taken, a run, or a refusal."""
    return json_answer({"request": _shown(await request[PORTS].control.request(int(request.match_info["request_id"])))})


async def cancel_run(request: web.Request) -> web.Response:
    """Cancel a run: 202 while it still ends the page in hand, 200 when it is over. A run that was cancelled already stays so."""
    run_id = int(request.match_info["run_id"])
    control = request[PORTS].control
    over = (await control.run(run_id)).state is RunState.CANCELLED or await control.cancel(run_id)
    return json_answer({"run_id": run_id, "cancelled": over}, status=200 if over else 202, headers={"Location": f"/api/runs/{run_id}"})


def _shown(view: RequestView) -> dict[str, Any]:
    return asdict(view.request) | {name: value for name, value in asdict(view).items() if name != "request"}


ROUTES = (
    Route("GET", "/api/runs", list_runs, READ),
    Route("GET", "/api/runs/{run_id}", show_run, READ),
    Route("POST", "/api/runs", ask_for_run, OPERATE),
    Route("POST", "/api/runs/{run_id}/cancel", cancel_run, OPERATE),
    Route("GET", "/api/requests/{request_id}", show_request, READ),
)
