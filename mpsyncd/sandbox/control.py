"""Paths that begin with an underscore: the sandbox's own switches and its truth. They need no token and count in no journal."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson

from mpsyncd.sandbox.faults import FaultBoard, UnknownFaultError, read_fault
from mpsyncd.sandbox.http import NDJSON, Request, Response, json_response
from mpsyncd.sandbox.journal import Journal
from mpsyncd.sandbox.kaiten.service import Kaiten
from mpsyncd.sandbox.kaiten.switches import WebhookSwitch
from mpsyncd.sandbox.kaiten.truth_rows import TABLES as KAITEN_TABLES
from mpsyncd.sandbox.kaiten.world.world import Companies
from mpsyncd.sandbox.shops import DemoShop
from mpsyncd.sandbox.wildberries.canonical import Row
from mpsyncd.sandbox.wildberries.service import Wildberries
from mpsyncd.sandbox.wildberries.tokens import MalformedTokenError
from mpsyncd.sandbox.wildberries.truth import TABLES
from mpsyncd.sandbox.world.world import World

_Switch = Callable[[Request, list[str], datetime], Response]

_PAGE = 1_000
_BATCH = 500
_LONGEST_NUMBER = 9
_NOT_FOUND, _BAD = 404, 400


class Control:
    """Answers `/_…`. `shops` is asked late, because the address is known only when the shell listens."""

    def __init__(
        self,
        *,
        world: World,
        wildberries: Wildberries,
        companies: Companies,
        kaiten: Kaiten,
        faults: FaultBoard,
        journal: Journal,
        shops: Callable[[], list[DemoShop]],
    ) -> None:
        self._world = world
        self._wildberries = wildberries
        self._companies = companies
        self._kaiten = kaiten
        self._faults = faults
        self._journal = journal
        self._shops = shops
        self._switches: dict[str, _Switch] = {
            "_freeze": self._freeze,
            "_thaw": self._thaw,
            "_stats": self._stats,
            "_requests": self._requests,
            "_faults": self._fault,
            "_revoke": self._revoke,
            "_shops": self._list_shops,
            "_truth": self._truth,
            "_webhooks": WebhookSwitch(world=companies, post=kaiten.post).handle,
        }

    def handle(self, request: Request, now: datetime) -> Response:
        """Answer a control request."""
        switch, *rest = request.path.strip("/").split("/")
        answer = self._switches.get(switch)
        if answer is None:
            return _refusal(f"no such switch: there are {' '.join(self._switches)}", status=_NOT_FOUND)
        return answer(request, rest, now)

    def _freeze(self, request: Request, _rest: list[str], now: datetime) -> Response:
        if request.method == "POST":
            self._world.freeze(now)
            self._companies.freeze(now)
        return self._standing()

    def _thaw(self, request: Request, _rest: list[str], now: datetime) -> Response:
        if request.method == "POST":
            self._world.thaw(now)
            self._companies.thaw(now)
        return self._standing()

    def _standing(self) -> Response:
        return json_response({"frozen": self._world.frozen, "events": self._events})

    @property
    def _events(self) -> int:
        return self._world.events + self._companies.events

    def _stats(self, _request: Request, _rest: list[str], _now: datetime) -> Response:
        return json_response(self._journal.stats() | {"events": self._events, "frozen": self._world.frozen})

    def _requests(self, request: Request, _rest: list[str], _now: datetime) -> Response:
        kept = self._journal.listing(since=_whole(request, "offset", 0))
        return json_response({"total": len(self._journal.entries), "requests": kept})

    def _list_shops(self, _request: Request, _rest: list[str], _now: datetime) -> Response:
        return json_response([asdict(shop) for shop in self._shops()])

    def _fault(self, request: Request, _rest: list[str], now: datetime) -> Response:
        if request.method == "DELETE":
            self._faults.clear()
        if request.method == "POST":
            given = _decoded(request)
            if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
                return _refusal("a JSON list of faults is expected")
            try:
                wanted = [read_fault(one) for one in given]
            except UnknownFaultError as error:
                return _refusal(str(error))
            for fault in wanted:
                self._faults.arm(fault, now=now)
        return json_response(self._faults.listing(now))

    def _revoke(self, request: Request, _rest: list[str], _now: datetime) -> Response:
        given = _decoded(request)
        token = given.get("token") if isinstance(given, dict) else None
        try:
            if not self._kaiten.revoke(str(token)):
                self._wildberries.revoke(str(token))
        except MalformedTokenError as error:
            return _refusal(str(error))
        return json_response({"revoked": True})

    def _truth(self, request: Request, rest: list[str], now: datetime) -> Response:
        if not rest:
            tables = [name for name, _ in TABLES]
            companies = list(self._companies.companies)
            more = {"companies": companies, "company_tables": [name for name, _ in KAITEN_TABLES]} if companies else {}
            return json_response({"sellers": list(self._world.sellers), "tables": tables, **more})
        table = rest[-1]
        found = self._rows(rest[0], table, now)
        if found is None:
            return _refusal("no such seller, company or table: /_truth lists them", status=_NOT_FOUND)
        name, rows = found
        if "stream" in dict(request.query):
            return Response(content_type=NDJSON, stream=_lines(rows))
        everything = list(rows)
        offset, limit = _whole(request, "offset", 0), _whole(request, "limit", _PAGE)
        head = {"seller": name, "table": table, "frozen": self._world.frozen, "total": len(everything), "offset": offset}
        return json_response(head | {"rows": everything[offset : offset + limit]})

    def _rows(self, owner: str, table: str, now: datetime) -> tuple[str, Iterator[Row]] | None:
        """The name of a seller or company, and the true rows of one of its tables."""
        company, seller = self._companies.companies.get(owner), self._world.find(owner)
        read, read_company = dict(TABLES).get(table), dict(KAITEN_TABLES).get(table)
        if company is not None and read_company is not None:
            return owner, read_company(company)
        if seller is not None and read is not None:
            return seller.spec.name, read(seller, self._world.moment(now))
        return None


def _lines(rows: Iterator[Row]) -> Iterator[bytes]:
    batch: list[bytes] = []
    for row in rows:
        batch.append(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        if len(batch) == _BATCH:
            yield b"".join(batch)
            batch.clear()
    if batch:
        yield b"".join(batch)


def _refusal(text: str, *, status: int = _BAD) -> Response:
    return json_response({"error": text}, status=status)


def _decoded(request: Request) -> Any:
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return None


def _whole(request: Request, name: str, default: int) -> int:
    text = dict(request.query).get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else default
