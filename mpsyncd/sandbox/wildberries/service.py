"""The vendor's front: finds the method, lets the token in, counts limits, lets faults strike, and writes the journal.

The order of the checks is the vendor's: path, token, global limiter, rights, the method's bucket, and only then the method.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson

from mpsyncd.sandbox.bucket import Bucket, Limit, Verdict
from mpsyncd.sandbox.faults import FaultBoard
from mpsyncd.sandbox.http import Request, Response, json_response
from mpsyncd.sandbox.journal import Entry, Journal
from mpsyncd.sandbox.keep import Keep
from mpsyncd.sandbox.options import Fault, FaultKind, SandboxOptions
from mpsyncd.sandbox.spoil import spoil, with_new_values
from mpsyncd.sandbox.wildberries import (
    acquiring,
    advert_money,
    adverts,
    cards,
    chats,
    claims,
    feedbacks,
    finance,
    fullstats,
    funnel,
    funnel_reports,
    general,
    order_feed,
    orders,
    prices,
    problems,
    sales,
    stocks,
    warehouses,
)
from mpsyncd.sandbox.wildberries.admission import Visitor, recognise, refuse
from mpsyncd.sandbox.wildberries.endpoint import Call, Endpoint
from mpsyncd.sandbox.wildberries.hosts import HOSTS, Host
from mpsyncd.sandbox.wildberries.large_pages import LargePages
from mpsyncd.sandbox.wildberries.tokens import TokenType, read_token
from mpsyncd.sandbox.world.large import LargeBook
from mpsyncd.sandbox.world.world import World

ENDPOINTS = (
    *general.ENDPOINTS,
    *cards.ENDPOINTS,
    *orders.ENDPOINTS,
    *sales.ENDPOINTS,
    *order_feed.ENDPOINTS,
    *prices.ENDPOINTS,
    *stocks.ENDPOINTS,
    *warehouses.ENDPOINTS,
    *finance.ENDPOINTS,
    *acquiring.ENDPOINTS,
    *adverts.ENDPOINTS,
    *fullstats.ENDPOINTS,
    *advert_money.ENDPOINTS,
    *chats.ENDPOINTS,
    *feedbacks.ENDPOINTS,
    *claims.ENDPOINTS,
    *funnel.ENDPOINTS,
    *funnel_reports.ENDPOINTS,
)
GLOBAL_GATE = "*"
_ANY = "{}"

_AT_THE_GATE = frozenset({FaultKind.TOO_MANY, FaultKind.GLOBAL_LIMIT, FaultKind.REVOKED, FaultKind.BASE_REFUSED})
_IN_METHODS = frozenset(
    {FaultKind.JAM_LOST, FaultKind.SNAPSHOT_EXPIRED, FaultKind.REPORT_FAILED, FaultKind.REPORT_RETRY, FaultKind.HEAVY_BATCH}
)
_ON_PAGES = frozenset(
    {
        FaultKind.EMPTY_PAGE,
        FaultKind.NO_CONTENT,
        FaultKind.REPEATED_PAGE,
        FaultKind.UNKNOWN_FIELDS,
        FaultKind.CHANGED_TYPES,
        FaultKind.UNKNOWN_VALUES,
        FaultKind.NULL_LISTS,
    }
)
_OF_KAITEN = frozenset({FaultKind.EMPTY_BODY, FaultKind.NOT_IN_TARIFF, FaultKind.HOOK_LOST, FaultKind.HOOK_DOUBLED, FaultKind.HOOK_LATE})
_ON_ANSWERS = frozenset(FaultKind) - _AT_THE_GATE - _ON_PAGES - _IN_METHODS - _OF_KAITEN


@dataclass(frozen=True, slots=True)
class _Outcome:
    response: Response
    fault: Fault | None = None


class Wildberries:
    """All hosts of the vendor for all sellers of the world."""

    def __init__(
        self, *, world: World, options: SandboxOptions, faults: FaultBoard, journal: Journal, endpoints: Sequence[Endpoint] = ENDPOINTS
    ) -> None:
        self._world = world
        self._options = options
        self._faults = faults
        self._journal = journal
        self._hosts = {host.name: host for host in HOSTS}
        self._endpoints = {(one.host, _pattern(one.path), one.method): one for one in endpoints}
        self._paths = {(one.host, _pattern(one.path)) for one in endpoints}
        self._buckets: dict[tuple[str, TokenType, str], Bucket] = {}
        self._locked: dict[str, datetime] = {}
        self._revoked: set[str] = set()
        self._last: dict[tuple[str, str], Response] = {}
        self._keeps: dict[str, Keep] = {}
        self._large = _prepare_large(world, options)

    def revoke(self, token: str) -> None:
        """From now on this token is answered with 401."""
        self._revoked.add(read_token(token).token_id)

    def handle(self, request: Request, *, host_name: str, path: str, now: datetime) -> Response:
        """Answer a request to `path` of a host; the answer may carry a faulty delivery."""
        host = self._hosts.get(host_name)
        if host is None:
            return json_response({"message": f"the sandbox has no host {host_name!r}"}, status=404)
        pattern = path if (host.name, path) in self._paths else f"{path.rpartition('/')[0]}/{_ANY}"
        endpoint = self._endpoints.get((host.name, pattern, request.method))
        if endpoint is None:
            other_verb = (host.name, pattern) in self._paths
            refusal = problems.method_not_allowed(host, now=now) if other_verb else problems.path_not_found(host, now=now)
            return self._noted(_Outcome(refusal), request, host=host, path=path, now=now)
        visitor = recognise(request, host=host, world=self._world, revoked=self._revoked, now=now)
        if isinstance(visitor, Response):
            return self._noted(_Outcome(visitor), request, host=host, path=path, now=now, endpoint=endpoint)
        gate = _gate(visitor, endpoint)
        self._journal.arrived(visitor.seller.spec.name, (gate, GLOBAL_GATE), now=now)
        outcome = self._at_the_gate(visitor, host=host, endpoint=endpoint, now=now)
        if outcome is None:
            outcome = self._behind_the_gate(request, visitor, host=host, endpoint=endpoint, now=now)
        return self._noted(outcome, request, host=host, path=path, now=now, endpoint=endpoint, visitor=visitor)

    def _at_the_gate(self, visitor: Visitor, *, host: Host, endpoint: Endpoint, now: datetime) -> _Outcome | None:
        seller = visitor.seller
        locked = self._locked.get(seller.sid)
        if locked is not None and now < locked:
            return _Outcome(self._globally_limited(visitor, host=host, wait=(locked - now).total_seconds(), now=now))
        fault = self._strike(_AT_THE_GATE, visitor, endpoint=endpoint, now=now)
        match fault:
            case Fault(kind=FaultKind.TOO_MANY):
                verdict = Verdict(allowed=False, remaining=0, retry=fault.pause, reset=fault.pause)
                return _Outcome(self._limited(visitor, host=host, endpoint=endpoint, verdict=verdict, now=now), fault)
            case Fault(kind=FaultKind.GLOBAL_LIMIT):
                self._locked[seller.sid] = now + timedelta(seconds=problems.whole(fault.pause))
                return _Outcome(self._globally_limited(visitor, host=host, wait=fault.pause, now=now), fault)
            case Fault(kind=FaultKind.REVOKED):
                return _Outcome(problems.unauthorized(host, detail="token withdrawn", now=now), fault)
            case Fault(kind=FaultKind.BASE_REFUSED) if visitor.claims.type is TokenType.BASE:
                return _Outcome(problems.base_refused(host, now=now), fault)
        refusal = refuse(visitor, host=host, endpoint=endpoint, now=now)
        return None if refusal is None else _Outcome(refusal)

    def _behind_the_gate(self, request: Request, visitor: Visitor, *, host: Host, endpoint: Endpoint, now: datetime) -> _Outcome:
        verdict = self._take(visitor, endpoint, now)
        if not verdict.allowed:
            return _Outcome(self._limited(visitor, host=host, endpoint=endpoint, verdict=verdict, now=now))
        acted: list[Fault] = []
        right = endpoint.answer(self._call(request, visitor, acted.append, endpoint=endpoint, now=now))
        outcome = _Outcome(right, acted[0]) if acted else self._struck(right, visitor, endpoint=endpoint, now=now)
        if endpoint.refusal_cost > 1 and 400 <= outcome.response.status < 500:  # noqa: PLR2004 - 4XX
            left = self._bucket(visitor, endpoint, now).charge(endpoint.refusal_cost - 1)
            verdict = replace(verdict, remaining=left)
        headers = {**outcome.response.headers, **problems.passing_headers(host, verdict)}
        return replace(outcome, response=replace(outcome.response, headers=headers))

    def _call(self, request: Request, visitor: Visitor, acted: Callable[[Fault], None], *, endpoint: Endpoint, now: datetime) -> Call:
        def struck(kind: FaultKind) -> bool:
            fault = self._strike(frozenset({kind}), visitor, endpoint=endpoint, now=now)
            if fault is not None:
                acted(fault)
            return fault is not None

        return Call(
            request=request,
            seller=visitor.seller,
            now=now,
            moment=self._world.moment(now),
            options=self._options,
            pages=self._large,
            keep=self._keeps.setdefault(visitor.seller.sid, Keep()),
            struck=struck,
        )

    def _struck(self, right: Response, visitor: Visitor, *, endpoint: Endpoint, now: datetime) -> _Outcome:
        kinds = set(_ON_ANSWERS)
        shelf = (visitor.seller.sid, endpoint.path)
        before = self._last.get(shelf)
        is_page = endpoint.cursor is not None and right.status == 200  # noqa: PLR2004 - OK
        if is_page:
            self._last[shelf] = right
            impossible = {
                FaultKind.REPEATED_PAGE: before is None,
                FaultKind.NO_CONTENT: not endpoint.no_content,
                FaultKind.UNKNOWN_VALUES: not endpoint.enums,
            }
            kinds |= {kind for kind in _ON_PAGES if not impossible.get(kind)}
        fault = self._strike(kinds, visitor, endpoint=endpoint, now=now)
        match fault:
            case None:
                return _Outcome(right)
            case Fault(kind=FaultKind.EMPTY_PAGE):
                return _Outcome(Response(body=endpoint.empty), fault)
            case Fault(kind=FaultKind.NO_CONTENT):
                return _Outcome(Response(status=204), fault)
            case Fault(kind=FaultKind.UNKNOWN_VALUES):
                return _Outcome(with_new_values(right, names=endpoint.enums), fault)
            case Fault(kind=FaultKind.REPEATED_PAGE):
                return _Outcome(before or right, fault)
            case _:
                return _Outcome(spoil(right, fault), fault)

    def _strike(self, kinds: frozenset[FaultKind] | set[FaultKind], visitor: Visitor, *, endpoint: Endpoint, now: datetime) -> Fault | None:
        seller = visitor.seller.spec.name
        return self._faults.strike(kinds=kinds, host=endpoint.host, path=endpoint.path, seller=seller, now=now)

    def _take(self, visitor: Visitor, endpoint: Endpoint, now: datetime) -> Verdict:
        return self._bucket(visitor, endpoint, now).take(now.timestamp())

    def _bucket(self, visitor: Visitor, endpoint: Endpoint, now: datetime) -> Bucket:
        key = (visitor.seller.sid, visitor.claims.type, endpoint.gate)
        if key not in self._buckets:
            self._buckets[key] = Bucket(self._limit(visitor, endpoint), now=now.timestamp())
        return self._buckets[key]

    def _limit(self, visitor: Visitor, endpoint: Endpoint) -> Limit:
        return endpoint.limit_for(visitor.claims.type).faster(self._options.limit_scale)

    def _limited(self, visitor: Visitor, *, host: Host, endpoint: Endpoint, verdict: Verdict, now: datetime) -> Response:
        seller, limit = visitor.seller, self._limit(visitor, endpoint)
        self._journal.throttled(seller.spec.name, _gate(visitor, endpoint), now=now, wait=problems.whole(verdict.retry))
        return problems.too_many(host, limit=limit, verdict=verdict, seller=seller.sid, now=now)

    def _globally_limited(self, visitor: Visitor, *, host: Host, wait: float, now: datetime) -> Response:
        self._journal.throttled(visitor.seller.spec.name, GLOBAL_GATE, now=now, wait=problems.whole(wait))
        return problems.globally_limited(host, retry=wait, seller=visitor.seller.sid, now=now)

    def _noted(
        self,
        outcome: _Outcome,
        request: Request,
        *,
        host: Host,
        path: str,
        now: datetime,
        endpoint: Endpoint | None = None,
        visitor: Visitor | None = None,
    ) -> Response:
        known = endpoint is not None and endpoint.cursor is not None
        self._journal.note(
            Entry(
                at=now,
                seller=visitor.seller.spec.name if visitor else None,
                method=request.method,
                host=host.name,
                path=endpoint.path if endpoint else path,
                query=request.query,
                cursor=endpoint.cursor(request) if known and endpoint and endpoint.cursor else None,
                status=outcome.response.status,
                gate=_gate(visitor, endpoint) if visitor and endpoint else None,
                fault=outcome.fault.kind.value if outcome.fault else None,
            )
        )
        return outcome.response


def _pattern(path: str) -> str:
    folder, _, last = path.rpartition("/")
    return f"{folder}/{_ANY}" if last.startswith("{") else path


def _gate(visitor: Visitor, endpoint: Endpoint) -> str:
    return f"{visitor.claims.type.name.lower()}/{endpoint.gate}"


def _prepare_large(world: World, options: SandboxOptions) -> dict[str, LargePages]:
    prepared: dict[str, LargePages] = {}
    for name, seller in world.sellers.items():
        book = seller.orders
        if isinstance(book, LargeBook):
            prepared[name] = LargePages(
                book,
                render=lambda place, book=book: orjson.dumps(orders.row(book.at(place))),  # type: ignore[misc]
                cap=options.orders_cap,
                inclusive=options.orders_boundary == "at",
            )
    return prepared
