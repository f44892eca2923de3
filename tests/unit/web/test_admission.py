"""Who is let in where: every route against every kind of caller. A new route without a line here fails."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aiohttp import web
from multidict import CIMultiDict

from mpsyncd.model.access import Role, Visitor
from mpsyncd.settings import HttpSettings
from mpsyncd.web.admission import Admission
from mpsyncd.web.app import ROUTES, build_app
from mpsyncd.web.keys import NEEDS
from mpsyncd.web.needs import Need
from mpsyncd.web.problem import Problem
from mpsyncd.web.tries import BURST, EVERY_SECONDS, Tries
from support.control import NORTH, FakeControl, token
from support.overview import ports

KINDS = {
    "GET /": "open",
    "GET /style.css": "open",
    "GET /healthz": "probe",
    "GET /readyz": "probe",
    "GET /metrics": "numbers",
    "GET /status": "read",
    "GET /api/shops": "read",
    "GET /api/runs": "read",
    "GET /api/runs/{run_id}": "read",
    "GET /api/requests/{request_id}": "read",
    "POST /api/shops/{shop_id}/pause": "operate",
    "POST /api/shops/{shop_id}/resume": "operate",
    "POST /api/runs": "operate",
    "POST /api/runs/{run_id}/cancel": "operate",
    "POST /api/reload": "govern",
    "POST /api/analytics/sync-background": "operate",
    "GET /api/analytics/sync-background": "read",
    "GET /api/analytics/sync-background/{task}": "read",
    "POST /api/analytics/stale": "operate",
    "GET /api/shops/{shop_id}/chats": "personal",
    "GET /api/shops/{shop_id}/chats/{chat}": "personal",
    "GET /api/shops/{shop_id}/attachments/{attachment}": "personal",
    "POST /api/webhooks/{source}": "deliver",
    "POST /api/webhooks/{source}/{secret}": "deliver",
}
CALLERS = ("home", "proxied", "away", "wrong", *Role, *(f"bound {role}" for role in Role))
LOW, HIGH = {Role.VIEWER, "bound viewer"}, {Role.OPERATOR, Role.ADMIN, "bound operator", "bound admin"}
GOOD = LOW | HIGH
LET_IN: dict[str, set[str]] = {
    "open": set(CALLERS),
    "deliver": set(CALLERS),
    "probe": {"home"} | GOOD,
    "numbers": {"home", *Role},
    "read": {"home"} | GOOD,
    "personal": GOOD,
    "operate": HIGH,
    "govern": {Role.ADMIN},
}


@dataclass
class _Request:
    """As much of a request as admission looks at."""

    remote: str = "203.0.113.9"
    headers: CIMultiDict[str] = field(default_factory=lambda: CIMultiDict(Host="sync.example"))


def _asked(caller: str, control: FakeControl) -> web.Request:
    asked = _Request()
    if caller in {"home", "proxied"}:
        asked = _Request("127.0.0.1", CIMultiDict(Host="localhost:8080"))
    if caller == "proxied":
        asked.headers["X-Forwarded-For"] = "203.0.113.9"
    elif caller == "wrong":
        asked.headers["Authorization"] = f"Bearer {token('nobody')}"
    elif caller in GOOD:
        role = Role(caller.removeprefix("bound "))
        asked.headers["Authorization"] = f"Bearer {control.let_in(role, shops=[NORTH] if 'bound' in caller else None)}"
    return cast("web.Request", asked)


def _need(path: str) -> Need:
    return next(each.need for each in ROUTES if each.path == path)


def _admission(control: FakeControl, **settings: Any) -> Admission:
    return Admission(HttpSettings(**settings), recognise=control.recognise, tries=Tries(lambda: 0.0))


async def _outcome(route: str, caller: str, **settings: Any) -> int:
    """The status with which a caller is refused, 200 when let in."""
    control = FakeControl()
    [need] = [each.need for each in ROUTES if f"{each.method} {each.path}" == route]
    try:
        await _admission(control, **settings).visitor(_asked(caller, control), need)
    except Problem as told:
        return told.status
    return 200


def test_every_route_has_its_line_and_every_line_its_route() -> None:
    assert sorted(f"{each.method} {each.path}" for each in ROUTES) == sorted(KINDS)


def test_the_router_knows_no_route_without_a_need() -> None:
    app = build_app(ports(), HttpSettings())
    needs = app[NEEDS]
    assert {route.handler for route in app.router.routes()} == needs.keys()


def test_only_get_is_open_to_callers_without_a_token_and_deliveries_whose_secret_the_handler_looks_at() -> None:
    assert {KINDS[f"{each.method} {each.path}"] for each in ROUTES if each.method != "GET"} == {"operate", "govern", "deliver"}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("route", KINDS)
async def test_every_route_lets_in_whom_it_should(route: str, caller: str) -> None:
    kind = KINDS[route]
    expected = 200 if caller in LET_IN[kind] else 403 if caller in GOOD else 401
    assert await _outcome(route, caller) == expected


@pytest.mark.parametrize("route", KINDS)
async def test_reads_of_this_machine_can_be_closed(route: str) -> None:
    expected = 401 if KINDS[route] in {"read", "personal", "operate", "govern"} else 200
    assert await _outcome(route, "home", local_reads=False) == expected


@pytest.mark.parametrize("caller", ["away", "proxied", "wrong"])
@pytest.mark.parametrize("route", KINDS)
async def test_probes_can_be_opened_to_everybody(route: str, caller: str) -> None:
    expected = 200 if KINDS[route] in {"open", "deliver", "probe", "numbers"} else 401
    assert await _outcome(route, caller, open_probes=True) == expected


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "x-forwarded-host", "X-Forwarded-Proto", "Forwarded", "Via", "X-Real-IP", "CF-Connecting-IP"]
)
async def test_a_proxy_speaks_for_somebody_else(header: str) -> None:
    control = FakeControl()
    asked = _Request("127.0.0.1", CIMultiDict({"Host": "localhost", header: ""}))
    with pytest.raises(Problem) as told:
        await _admission(control).visitor(cast("web.Request", asked), _need("/status"))
    assert told.value.status == 401


@pytest.mark.parametrize(
    "remote, host, status",
    [
        ("127.0.0.1", "127.0.0.1:8080", 200),
        ("::1", "[::1]:8080", 200),
        ("::ffff:127.0.0.1", "LOCALHOST", 200),
        ("127.9.9.9", "sync.lan:80", 200),
        ("127.0.0.1", "evil.example", 421),
        ("127.0.0.1", "localhost.evil.example:8080", 421),
        ("127.0.0.1", "192.168.1.5", 421),
        ("127.0.0.1", "[::2]", 421),
        ("127.0.0.1", "", 421),
        ("192.168.1.5", "localhost", 401),
        ("0.0.0.0", "localhost", 401),  # noqa: S104 - nobody calls from there
        ("", "localhost", 401),
        ("not an address", "localhost", 401),
    ],
)
@pytest.mark.parametrize("path", ["/status", "/metrics"])
async def test_this_machine_is_loopback_under_its_own_names(path: str, remote: str, host: str, status: int) -> None:
    admission = _admission(FakeControl(), hosts=("sync.lan",))
    asked = cast("web.Request", _Request(remote, CIMultiDict(Host=host)))
    if status == 200:
        assert await admission.visitor(asked, _need(path)) == Visitor(role=Role.VIEWER)
        return
    with pytest.raises(Problem) as told:
        await admission.visitor(asked, _need(path))
    assert told.value.status == status


async def test_an_open_probe_does_not_mind_a_strange_name_but_tells_no_reasons() -> None:
    asked = cast("web.Request", _Request("127.0.0.1", CIMultiDict(Host="public.example")))
    assert await _admission(FakeControl(), open_probes=True).visitor(asked, _need("/readyz")) is None


async def test_a_token_works_under_any_name() -> None:
    control = FakeControl()
    header = f"Bearer {control.let_in(Role.VIEWER)}"
    asked = cast("web.Request", _Request("127.0.0.1", CIMultiDict(Host="public.example", Authorization=header)))
    for path in ("/status", "/metrics"):
        visitor = await _admission(control).visitor(asked, _need(path))
        assert visitor is not None
        assert visitor.token_id is not None


@pytest.mark.parametrize(
    "given",
    [
        [""], ["Bearer"], ["Bearer "], ["Basic dTpw"], ["Bearer a b"], ["Bearer a", "Bearer b"], [token("viewer")], ["Bearer \udcff"],
    ],
)  # fmt: skip
async def test_a_header_that_is_no_bearer_is_refused_even_where_none_is_needed(given: list[str]) -> None:
    control = FakeControl()
    control.let_in(Role.VIEWER)
    asked = _Request("127.0.0.1", CIMultiDict([("Host", "localhost"), *(("Authorization", each) for each in given)]))
    with pytest.raises(Problem) as told:
        await _admission(control).visitor(cast("web.Request", asked), _need("/status"))
    assert told.value.status == 401
    assert told.value.headers["WWW-Authenticate"] == 'Bearer realm="mpsyncd", error="invalid_token"'


async def test_the_scheme_is_read_in_any_case() -> None:
    control = FakeControl()
    asked = _Request(headers=CIMultiDict(Host="x", Authorization=f"bEARER  {control.let_in(Role.VIEWER)}"))
    assert (await _admission(control).visitor(cast("web.Request", asked), _need("/status"))) is not None


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_wrong_tokens_make_a_peer_wait_and_time_forgives() -> None:
    clock = _Clock()
    tries = Tries(clock)
    for _ in range(BURST):
        assert tries.wait("peer", "wrong") == 0
        tries.failed("peer", "wrong")
    assert tries.wait("peer", "wrong") == EVERY_SECONDS
    assert tries.wait("another", "wrong") == 0
    clock.now += EVERY_SECONDS
    assert tries.wait("peer", "wrong") == 0
    tries.failed("peer", "wrong")
    assert tries.wait("peer", "wrong") == EVERY_SECONDS
    clock.now += EVERY_SECONDS * BURST * 2
    for _ in range(BURST - 1):
        tries.failed("peer", "wrong")
    assert tries.wait("peer", "wrong") == 0


def test_a_token_that_was_right_does_not_wait_for_others() -> None:
    tries = Tries(_Clock())
    tries.passed("right")
    for _ in range(BURST + 1):
        tries.failed("proxy", "wrong")
    assert tries.wait("proxy", "right") == 0
    assert tries.wait("proxy", "new") > 0
    tries.failed("proxy", "right")  # revoked meanwhile
    assert tries.wait("proxy", "right") > 0


def test_what_is_remembered_is_bounded() -> None:
    tries = Tries(_Clock())
    for number in range(5000):
        tries.failed(f"peer {number}", "wrong")
        tries.passed(f"token {number}")
    assert len(tries._debts) == 1000
    assert len(tries._proven) == 200
    assert tries.wait("peer 4999", "token 4999") == 0
