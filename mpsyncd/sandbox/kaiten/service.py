"""The vendor's front: finds the company and the method, lets the token in, counts the limit, lets faults strike, writes the journal."""

from dataclasses import dataclass, replace
from datetime import datetime

from mpsyncd.sandbox.faults import FaultBoard
from mpsyncd.sandbox.http import Request, Response
from mpsyncd.sandbox.journal import Entry, Journal
from mpsyncd.sandbox.kaiten import problems
from mpsyncd.sandbox.kaiten.call import PAGE, BadParameterError, Call
from mpsyncd.sandbox.kaiten.card_list import list_cards
from mpsyncd.sandbox.kaiten.card_spelling import Ink
from mpsyncd.sandbox.kaiten.endpoints import ENDPOINTS, Endpoint
from mpsyncd.sandbox.kaiten.packed import PackedPages
from mpsyncd.sandbox.kaiten.post import HOST, Post
from mpsyncd.sandbox.kaiten.shelf import Shelf
from mpsyncd.sandbox.kaiten.window import Window
from mpsyncd.sandbox.kaiten.world.company import Company
from mpsyncd.sandbox.kaiten.world.world import Companies
from mpsyncd.sandbox.options import Fault, FaultKind, SandboxOptions
from mpsyncd.sandbox.spoil import spoil

BASES = ("/api/latest", "/api/v1")
_LIMIT, _OLD_LIMIT = 50, 5
_ANY = "{id}"
_OK = 200
_LONGEST_NUMBER = 15

_AT_THE_GATE = frozenset({FaultKind.TOO_MANY, FaultKind.REVOKED, FaultKind.NOT_IN_TARIFF})
_ON_ROWS = frozenset({FaultKind.EMPTY_PAGE, FaultKind.EMPTY_BODY, FaultKind.REPEATED_PAGE})
_ON_ANSWERS = frozenset(
    {
        FaultKind.SERVER_ERROR,
        FaultKind.RESET,
        FaultKind.STALL,
        FaultKind.TRUNCATED,
        FaultKind.TRICKLE,
        FaultKind.HTML,
        FaultKind.UNKNOWN_FIELDS,
        FaultKind.CHANGED_TYPES,
        FaultKind.NULL_LISTS,
    }
)


@dataclass(frozen=True, slots=True)
class _Desk:
    """What serves one company."""

    company: Company
    ink: Ink
    shelf: Shelf
    packed: PackedPages | None
    window: Window


@dataclass(frozen=True, slots=True)
class _Way:
    """A path that was found: its method and the numbers in it."""

    endpoint: Endpoint
    numbers: tuple[int, ...]


class Kaiten:
    """All companies of the world; `post` has what their webhooks are to be told."""

    def __init__(self, *, world: Companies, options: SandboxOptions, faults: FaultBoard, journal: Journal) -> None:
        self._faults = faults
        self._journal = journal
        self._desks = {name: _desk(company, span=1 / options.limit_scale) for name, company in world.companies.items()}
        self.post = Post(world.companies, faults=faults, size=options.log_size)
        self._revoked: set[str] = set()
        self._last: dict[tuple[str, str], Response] = {}
        for desk in self._desks.values():
            _write_ahead(desk)

    def revoke(self, token: str) -> bool:
        """From now on this token is answered with 401; whether it is one of this vendor's."""
        known = any(desk.company.token == token for desk in self._desks.values())
        self._revoked |= {token} if known else set()
        return known

    def handle(self, request: Request, *, name: str, path: str, now: datetime) -> Response:
        """Answer a request to the address of a company; the answer may carry a faulty delivery."""
        desk = self._desks.get(name)
        base = next((base for base in BASES if path.startswith(f"{base}/")), None)
        if desk is None or base is None:
            return problems.not_found()
        asked = path.removeprefix(base)
        if request.headers.get("authorization") != f"Bearer {desk.company.token}" or desk.company.token in self._revoked:
            return self._noted(problems.unauthorized(), request, path=asked, now=now)
        self._journal.arrived(name, (HOST,), now=now)
        way = _way(asked)
        path = asked if way is None else way.endpoint.path
        response, fault = self._let_in(request, desk, way, path=path, now=now)
        return self._noted(response, request, path=path, now=now, desk=desk, fault=fault)

    def _let_in(self, request: Request, desk: _Desk, way: _Way | None, *, path: str, now: datetime) -> tuple[Response, Fault | None]:
        name, limit = desk.company.spec.name, desk.window.limit
        fault = self._strike(_AT_THE_GATE, name, path=path, now=now)
        passage = desk.window.take(now.timestamp())
        headers = problems.limit_headers(passage, limit=limit, old=desk.company.spec.old_headers)
        match fault:
            case None if passage.allowed:
                response, fault = self._answered(request, desk, way, path=path, now=now)
            case Fault(kind=FaultKind.REVOKED):
                response = problems.unauthorized()
            case Fault(kind=FaultKind.NOT_IN_TARIFF):
                response = problems.not_in_tariff(path.rpartition("/")[-1])
            case _:
                self._journal.throttled(name, HOST, now=now, wait=1)
                response = problems.too_many(headers)
        return replace(response, headers={**response.headers, **headers}), fault

    def _answered(self, request: Request, desk: _Desk, way: _Way | None, *, path: str, now: datetime) -> tuple[Response, Fault | None]:
        if way is None:
            return problems.not_found(), None
        if request.method != "GET":
            return problems.method_not_allowed(), None
        call = _call(desk, numbers=way.numbers, params=dict(request.query))
        try:
            right = way.endpoint.answer(call)
        except BadParameterError as error:
            right = problems.bad_request(str(error))
        return self._struck(right, desk.company.spec.name, endpoint=way.endpoint, path=path, now=now)

    def _struck(self, right: Response, name: str, *, endpoint: Endpoint, path: str, now: datetime) -> tuple[Response, Fault | None]:
        kinds = set(_ON_ANSWERS)
        before = self._last.get((name, path))
        if endpoint.rows and right.status == _OK:
            self._last[name, path] = right
            kinds |= _ON_ROWS if before is not None else _ON_ROWS - {FaultKind.REPEATED_PAGE}
        fault = self._strike(kinds, name, path=path, now=now)
        match fault:
            case None:
                return right, None
            case Fault(kind=FaultKind.EMPTY_PAGE):
                return Response(body=b"[]"), fault
            case Fault(kind=FaultKind.EMPTY_BODY):
                return Response(), fault
            case Fault(kind=FaultKind.REPEATED_PAGE):
                return before or right, fault
            case _:
                return spoil(right, fault), fault

    def _strike(self, kinds: frozenset[FaultKind] | set[FaultKind], name: str, *, path: str, now: datetime) -> Fault | None:
        return self._faults.strike(kinds=kinds, host=HOST, path=path, seller=name, now=now)

    def _noted(
        self, response: Response, request: Request, *, path: str, now: datetime, desk: _Desk | None = None, fault: Fault | None = None
    ) -> Response:
        entry = Entry(
            at=now,
            seller=desk.company.spec.name if desk else None,
            method=request.method,
            host=HOST,
            path=path,
            query=request.query,
            cursor=[request.path, sorted(request.query)],
            status=response.status,
            gate=HOST if desk else None,
            fault=fault.kind.value if fault else None,
        )
        self._journal.note(entry)
        return response


def _desk(company: Company, *, span: float) -> _Desk:
    spec = company.spec
    window = Window(limit=_OLD_LIMIT if spec.old_headers else _LIMIT, span=span)
    return _Desk(company, Ink(company), Shelf(company), PackedPages() if spec.large else None, window)


def _call(desk: _Desk, *, numbers: tuple[int, ...], params: dict[str, str]) -> Call:
    return Call(company=desk.company, ink=desk.ink, shelf=desk.shelf, packed=desk.packed, numbers=numbers, params=params)


def _write_ahead(desk: _Desk) -> None:
    """Pages of both walks with everything in them, of a company that does not move."""
    spec = desk.company.spec
    for archived, count in (("false", spec.cards), ("true", spec.archived)):
        for offset in range(0, count + 1 if spec.large else 0, PAGE):
            params = {"archived": archived, "offset": str(offset), "limit": str(PAGE)}
            list_cards(_call(desk, numbers=(), params=params))


def _way(path: str) -> _Way | None:
    steps = path.strip("/").split("/")
    for one in ENDPOINTS:
        wanted = one.path.strip("/").split("/")
        if len(wanted) == len(steps) and all(
            want == step or (want == _ANY and _is_number(step)) for want, step in zip(wanted, steps, strict=True)
        ):
            return _Way(one, tuple(int(step) for want, step in zip(wanted, steps, strict=True) if want == _ANY))
    return None


def _is_number(step: str) -> bool:
    return step.isascii() and step.isdigit() and len(step) <= _LONGEST_NUMBER
