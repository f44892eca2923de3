"""The API over HTTP, before a daemon in memory: admission, bodies, answers, and what the log keeps."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import orjson
import pytest
import structlog
from aiohttp import web

from mpsyncd.model.access import Role
from mpsyncd.model.attachment import Attachment
from mpsyncd.model.reload import ReloadOutcome
from mpsyncd.model.run import Mode, RunState
from mpsyncd.settings import HttpSettings
from mpsyncd.web import WebPorts, build_app, serving
from mpsyncd.web.app import ROUTES
from mpsyncd.web.needs import DELIVER, Route
from mpsyncd.web.tries import BURST
from support.control import NORTH, SOUTH, FakeControl, token
from support.overview import NOW, ports, shop

PROXIED = {"X-Forwarded-For": "203.0.113.9"}
LIMIT = 1024


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@asynccontextmanager
async def served(given: WebPorts, *, routes: Any = ROUTES, **settings: Any) -> AsyncIterator[aiohttp.ClientSession]:
    chosen = HttpSettings(port=0, body_limit=LIMIT, **settings)
    async with serving(build_app(given, chosen, routes=routes), chosen) as url, aiohttp.ClientSession(url) as client:
        yield client


async def told(answer: aiohttp.ClientResponse) -> Any:
    """The problem in an answer."""
    assert answer.content_type == "application/problem+json"
    content = orjson.loads(await answer.read())
    assert content["status"] == answer.status
    return content


@pytest.fixture
def control() -> FakeControl:
    return FakeControl()


async def test_who_brings_no_token_is_told_how_to_get_one(control: FakeControl) -> None:
    async with served(ports(control=control)) as client:
        for method, path in (("GET", "/status"), ("GET", "/api/runs"), ("POST", "/api/shops/1/pause")):
            async with client.request(method, path, headers=PROXIED) as answer:
                assert answer.status == 401
                assert answer.headers["WWW-Authenticate"] == 'Bearer realm="mpsyncd"'
                assert "mpsyncd tokens create" in (await told(answer))["detail"]
        assert control.looks == 0


async def test_changes_need_a_token_on_this_machine_too(control: FakeControl) -> None:
    """But for deliveries of webhooks, whose handler looks at a secret of their own (test_webhooks.py)."""
    async with served(ports(control=control)) as client:
        for route in ROUTES:
            if route.method != "GET" and route.need is not DELIVER:
                async with client.request(route.method, route.path.replace("{shop_id}", "1").replace("{run_id}", "10")) as answer:
                    assert answer.status == 401, route
    assert not any(each.paused for each in control.known.values())


async def test_a_role_that_is_not_enough_is_named(control: FakeControl) -> None:
    viewer = control.let_in(Role.VIEWER)
    bound = control.let_in(Role.ADMIN, shops=[NORTH])
    async with served(ports(control=control)) as client:
        async with client.post("/api/shops/1/pause", headers=bearer(viewer)) as answer:
            assert answer.status == 403
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="mpsyncd", error="insufficient_scope"'
            assert (await told(answer))["detail"] == "This needs the role operator; the access token has the role viewer."
        async with client.post("/api/reload", headers=bearer(bound)) as answer:
            assert answer.status == 403
            assert "for all shops" in (await told(answer))["detail"]
    assert not control.known[NORTH].paused


@pytest.mark.parametrize("query", ["?token={0}", "?access_token={0}", "?authorization=Bearer%20{0}"])
async def test_a_token_in_the_address_is_no_token(control: FakeControl, query: str) -> None:
    text = control.let_in(Role.ADMIN)
    async with served(ports(control=control)) as client:
        with structlog.testing.capture_logs() as logs:
            answer = await client.get("/api/shops" + query.format(text), headers=PROXIED)
        assert answer.status == 401
        assert text not in str(logs)
        assert text not in str(await answer.read())


async def test_another_name_for_this_machine_must_be_known(control: FakeControl) -> None:
    rebound = {"Host": "evil.example"}
    async with served(ports(control=control), hosts=["sync.lan"]) as client:
        for path in ("/status", "/metrics", "/healthz", "/readyz", "/api/shops", "/api/runs"):
            async with client.get(path, headers=rebound) as answer:
                assert answer.status == 421, path
                assert "[http] hosts" in (await told(answer))["detail"]
                assert "evil" not in str(await answer.read())
        assert (await client.get("/status", headers={"Host": "sync.lan"})).status == 200
        assert (await client.get("/status", headers=rebound | bearer(control.let_in(Role.VIEWER)))).status == 200


async def test_wrong_tokens_make_their_sender_wait_but_nobody_who_is_known(control: FakeControl) -> None:
    right, wrong = control.let_in(Role.VIEWER), bearer(token("nobody"))
    async with served(ports(control=control)) as client:
        assert (await client.get("/status", headers=bearer(right))).status == 200
        with structlog.testing.capture_logs() as logs:
            answers = [await client.get("/status", headers=wrong) for _ in range(BURST + 3)]
        assert [answer.status for answer in answers] == [401] * BURST + [429] * 3
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 6
        await told(answers[-1])
        assert control.looks == 1 + BURST
        assert (await client.get("/status", headers=bearer(right))).status == 200
        assert (await client.get("/status")).status == 200
    refused = [each for each in logs if each["event"] == "access_refused"]
    assert [(each["peer"], each["token_id"]) for each in refused] == [("127.0.0.1", token("nobody")[4:16])] * BURST
    assert "A" * 43 not in str(logs)


async def test_every_answer_is_logged_once_with_who_asked(control: FakeControl) -> None:
    text = control.let_in(Role.VIEWER)
    async with served(ports(shop(), control=control)) as client:
        with structlog.testing.capture_logs() as logs:
            shown = await (await client.get("/api/runs?shop=1", headers=bearer(text) | {"X-Request-ID": "mine"})).read()
            await client.get("/api/runs/77?secret=hush")
            await client.get("/nowhere/hush")
            await client.get("/healthz")
            await client.get("/metrics")
    requests = [each for each in logs if each["event"] == "http_request"]
    assert [(each["route"], each["status"], each["log_level"]) for each in requests] == [
        ("/api/runs", 200, "info"),
        ("/api/runs/{run_id}", 404, "info"),
        ("unknown", 404, "info"),
        ("/healthz", 200, "debug"),
        ("/metrics", 200, "debug"),
    ]
    first = requests[0]
    assert (first["method"], first["request_id"], first["token_id"]) == ("GET", "mine", text[4:16])
    assert first["bytes"] > len(shown)  # with its headers
    assert first["milliseconds"] >= 0
    assert "hush" not in str(requests)
    assert "A" * 43 not in str(logs)


async def test_what_is_no_http_is_answered_and_logged_too(control: FakeControl) -> None:
    async with served(ports(control=control)) as client:
        url = client._base_url
        assert url is not None
        with structlog.testing.capture_logs() as logs:
            reader, writer = await asyncio.open_connection(url.host, url.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            assert (await reader.readline()).split()[1] == b"400"
            writer.close()
        assert [(each["route"], each["status"]) for each in logs if each["event"] == "http_request"] == [("unknown", 400)]
        assert (await client.get("/healthz")).status == 200


@pytest.mark.parametrize("path", ["/status", "/api/shops", "/healthz", "/metrics"])
async def test_head_is_a_get_without_its_body(control: FakeControl, path: str) -> None:
    async with served(ports(control=control)) as client:
        async with client.head(path) as answer:
            assert (answer.status, await answer.read()) == (200, b"")
        if path != "/healthz":
            assert (await client.head(path, headers=PROXIED)).status == 401


async def test_a_stranger_at_an_open_probe_gets_the_verdict_only(control: FakeControl) -> None:
    given = ports(control=control, live=("postgresql://host is odd",), ready=("postgresql://host is odd",))
    async with served(given, open_probes=True) as client:
        for path in ("/healthz", "/readyz"):
            assert (await (await client.get(path)).json())["reasons"] == ["postgresql://host is odd"]
            async with client.get(path, headers=PROXIED) as answer:
                assert (answer.status, await answer.json()) == (503, {"status": "unavailable", "reasons": []})


# ---------------------------------------------------------------- what a bound visitor sees


async def test_a_bound_visitor_sees_its_shops_and_no_sign_of_others(control: FakeControl) -> None:
    text = control.let_in(Role.ADMIN, shops=[NORTH])
    given = replace(
        ports(shop("north", shop_id=NORTH), shop("south", shop_id=SOUTH), control=control),
        facts=lambda: {"database": "postgresql://host", "at_work": [{"shop_id": NORTH, "stream": "x"}, {"shop_id": SOUTH, "stream": "y"}]},
        budgets=lambda: pytest.fail("limits belong to all"),
    )
    async with served(given) as client:
        status = await (await client.get("/status", headers=bearer(text))).json()
        page = await (await client.get("/status", headers=bearer(text) | {"Accept": "text/html"})).text()
        assert [each["name"] for each in status["shops"]] == ["north"]
        assert status["daemon"] == {"at_work": [{"shop_id": NORTH, "stream": "x"}]}
        assert status["budgets"] == []
        assert "north" in page
        assert "south" not in page
        assert "postgresql" not in page
        shops = await (await client.get("/api/shops", headers=bearer(text))).json()
        assert [each["shop_id"] for each in shops["shops"]] == [NORTH]
        for query, ids in (("", [10]), ("?shop=1", [10]), ("?shop=2", [])):
            runs = await (await client.get(f"/api/runs{query}", headers=bearer(text))).json()
            assert [each["run_id"] for each in runs["runs"]] == ids


@pytest.mark.parametrize("route", [each for each in ROUTES if "_id}" in each.path], ids=lambda each: each.path)
async def test_what_is_foreign_is_answered_like_what_does_not_exist(control: FakeControl, route: Route) -> None:
    """Over every route with a number in it; the fake speaks as storage does."""
    text = control.let_in(Role.ADMIN, shops=[NORTH])

    def path(shop_id: int, run_id: int, request_id: int) -> str:
        return route.path.format(shop_id=shop_id, run_id=run_id, request_id=request_id, chat="1:c1", attachment="good")

    control.files["good"] = Attachment(name="receipt.pdf", content=b"x")
    before = dict(control.known)
    async with served(ports(control=control)) as client:
        foreign = await told(await client.request(route.method, path(SOUTH, 20, 200), headers=bearer(text)))
        missing = await told(await client.request(route.method, path(999, 999, 999), headers=bearer(text)))
        own = await client.request(route.method, path(NORTH, 10, 100), headers=bearer(text))
    assert foreign["status"] == missing["status"] == 404
    assert foreign["detail"].replace("200", "999").replace("20", "999").replace(" 2", " 999") == missing["detail"]
    assert own.status in {200, 202}
    assert control.known[SOUTH] == before[SOUTH]


async def test_a_bound_visitor_asks_for_runs_of_its_shops_only(control: FakeControl) -> None:
    text = bearer(control.let_in(Role.OPERATOR, shops=[NORTH]))
    async with served(ports(control=control)) as client:
        for shop_id in (SOUTH, 999):
            assert (await client.post("/api/runs", json={"shop_id": shop_id}, headers=text)).status == 404
        assert (await client.post("/api/runs", json={"shop_id": NORTH}, headers=text)).status == 202


# ---------------------------------------------------------------- bodies


async def test_a_long_body_is_refused_before_anybody_is_asked_who_sends_it(control: FakeControl) -> None:
    async with served(ports(control=control)) as client:
        answer = await client.post("/api/runs", data=b"x" * (LIMIT + 1), headers=bearer(token("nobody")))
        assert answer.status == 413
        await told(answer)
        assert control.looks == 0
        assert (await client.post("/api/runs", data=b"x" * LIMIT, headers=bearer(token("nobody")))).status == 401


async def _chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 100):
        yield b" " * 100


async def test_a_long_body_in_chunks_or_compressed_is_cut(control: FakeControl) -> None:
    headers = bearer(control.let_in(Role.OPERATOR)) | {"Content-Type": "application/json"}
    bomb = gzip.compress(b" " * 500_000)
    assert len(bomb) < LIMIT
    async with served(ports(control=control)) as client:
        for data, more in ((_chunks(LIMIT * 4), {}), (bomb, {"Content-Encoding": "gzip"})):
            answer = await client.post("/api/runs", data=data, headers=headers | more)
            assert answer.status == 413
            await told(answer)
    assert len(control.asked) == 2


@pytest.mark.parametrize(
    "body, headers, status",
    [
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"shop_id=1", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"", {}, 400),
        (b"{", {}, 400),
        (b"[" * 1000, {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"no gzip", {"Content-Encoding": "gzip"}, 400),
        (b"[]", {}, 422),
        (b"null", {}, 422),
        (b'{"shop_id": 1, "shop": 2}', {}, 422),
    ],
)
async def test_a_body_that_can_not_be_read_is_a_problem(control: FakeControl, body: bytes, headers: dict[str, str], status: int) -> None:
    async with served(ports(control=control)) as client:
        given = bearer(control.let_in(Role.OPERATOR)) | {"Content-Type": "application/json"} | headers
        answer = await client.post("/api/runs", data=body, headers=given)
        assert answer.status == status, await answer.text()
        await told(answer)


async def test_everything_that_is_wrong_is_told_at_once(control: FakeControl) -> None:
    wish = {
        "shop_id": "1", "mode": "quick", "streams": ["orders", ""], "start": "2026-11-01", "end": "9999-12-31T23:59:59-12:00", "x": 1,
    }  # fmt: skip
    async with served(ports(control=control)) as client:
        answer = await client.post("/api/runs", json=wish, headers=bearer(control.let_in(Role.OPERATOR)))
        assert answer.status == 422
        problem = await told(answer)
    assert {each["field"] for each in problem["errors"]} == {"shop_id", "mode", "streams.1", "start", "end", "x"}
    assert all(each["detail"] for each in problem["errors"])
    assert "quick" not in str(problem)


@pytest.mark.parametrize(
    "wish, shown",
    [
        ({"mode": "selective"}, "needs the streams"),
        ({"end": "2026-11-01T00:00:00Z"}, "start that comes before its end"),
        ({"start": "2026-11-02T00:00:00Z", "end": "2026-11-01T00:00:00Z"}, "start that comes before its end"),
        ({"streams": ["ordrs"]}, "no stream 'ordrs'"),
        ({"shop_id": 10**18}, "less than"),
        ({"shop_id": 0}, "greater than"),
        ({"streams": ["x" * 101]}, "at most 100"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_told_where(control: FakeControl, wish: dict[str, Any], shown: str) -> None:
    async with served(ports(control=control)) as client:
        answer = await client.post("/api/runs", json={"shop_id": 1} | wish, headers=bearer(control.let_in(Role.OPERATOR)))
        assert answer.status == 422
        assert shown in str((await told(answer))["errors"])


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "shop=0", "state=odd", "before=99999999999999999999", "x=1"])
async def test_a_query_that_makes_no_sense_is_told_where(control: FakeControl, query: str) -> None:
    async with served(ports(control=control)) as client, client.get(f"/api/runs?{query}") as answer:
        assert answer.status == 422
        assert [each["field"] for each in (await told(answer))["errors"]] == [query.partition("=")[0]]


# ---------------------------------------------------------------- control


async def test_a_shop_is_paused_and_goes_on_as_often_as_one_likes(control: FakeControl) -> None:
    text = bearer(control.let_in(Role.OPERATOR))
    async with served(ports(control=control)) as client:
        for what, paused in (("pause", True), ("pause", True), ("resume", False), ("resume", False)):
            async with client.post(f"/api/shops/1/{what}", headers=text) as answer:
                assert (answer.status, (await answer.json())["shop"]["paused"]) == (200, paused)
        assert (await client.post("/api/shops/x/pause", headers=text)).status == 404
        assert (await client.post(f"/api/shops/{10**30}/pause", headers=text)).status == 404
        async with client.get("/api/shops/1/pause") as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "POST")
            await told(answer)
        shops = (await (await client.get("/api/shops")).json())["shops"]
    assert [each["name"] for each in shops] == ["north", "south"]
    assert "identity" not in shops[0]


async def test_a_run_is_asked_for_and_its_request_tells_what_came_of_it(control: FakeControl) -> None:
    text = control.let_in(Role.OPERATOR)
    wish = {"shop_id": 1, "mode": "full", "streams": ["orders"], "start": "2026-11-01T03:00:00+03:00"}
    async with served(ports(control=control)) as client:
        async with client.post("/api/runs", json=wish, headers=bearer(text)) as answer:
            request_id = (await answer.json())["request_id"]
            assert (answer.status, answer.headers["Location"]) == (202, f"/api/requests/{request_id}")
        shown = (await (await client.get(f"/api/requests/{request_id}")).json())["request"]
        await client.post("/api/shops/1/pause", headers=bearer(text))
        async with client.post("/api/runs", json=wish, headers=bearer(text)) as answer:
            assert (answer.status, (await told(answer))["detail"]) == (409, "the shop is paused")
    asked = control.asked[request_id].request
    assert (asked.mode, asked.streams, asked.start.isoformat() if asked.start else "") == (
        Mode.FULL, ("orders",), "2026-11-01T03:00:00+03:00"
    )  # fmt: skip
    assert shown["requested_by"] == f"http:{text[4:16]}"
    assert (shown["request_id"], shown["shop_id"], shown["run_id"], shown["start"]) == (request_id, 1, None, "2026-11-01T03:00:00+03:00")


async def test_runs_are_paged_chosen_shown_and_cancelled(control: FakeControl) -> None:
    text = bearer(control.let_in(Role.OPERATOR))
    control.open[30] = replace(control.open[20], run_id=30, state=RunState.CANCELLED)
    control.open[40] = replace(control.open[20], run_id=40, state=RunState.DONE)
    async with served(ports(control=control)) as client:
        for query, ids in (
            ("", [40, 30, 20, 10]),
            ("?limit=2", [40, 30]),
            ("?limit=2&before=30", [20, 10]),
            ("?state=done", [40]),
            ("?shop=1", [10]),
        ):
            runs = (await (await client.get(f"/api/runs{query}")).json())["runs"]
            assert [each["run_id"] for each in runs] == ids
        assert (await (await client.get("/api/runs/10")).json())["run"]["state"] == "running"
        for run_id, status in ((10, 202), (30, 200), (40, 409), (77, 404)):
            assert (await client.post(f"/api/runs/{run_id}/cancel", headers=text)).status == status


@pytest.mark.parametrize(
    "outcome, status",
    [
        (None, 501),
        (ReloadOutcome(state="applied", changes=("log.level: info → debug",), at=NOW), 200),
        (ReloadOutcome(state="unchanged", at=NOW), 200),
        (ReloadOutcome(state="refused", problems=("the file is odd", "the shop is odd"), at=NOW), 422),
    ],
)
async def test_a_reload_says_what_came_of_it(control: FakeControl, outcome: ReloadOutcome | None, status: int) -> None:
    async def reload() -> ReloadOutcome:
        assert outcome is not None
        return outcome

    given = replace(ports(control=control), reload=reload if outcome else None)
    async with served(given) as client, client.post("/api/reload", headers=bearer(control.let_in(Role.ADMIN))) as answer:
        assert answer.status == status
        if status == 200 and outcome:
            assert await answer.json() == {
                "state": outcome.state, "changes": list(outcome.changes), "problems": [], "at": "2026-11-21T12:00:00Z"
            }  # fmt: skip
        elif outcome:
            assert [each["detail"] for each in (await told(answer))["errors"]] == list(outcome.problems)
        else:
            await told(answer)


async def test_a_route_without_a_need_is_answered_to_nobody(control: FakeControl) -> None:
    async def forgotten(_request: web.Request) -> web.Response:
        return web.Response(text="hush")

    settings = HttpSettings(port=0)
    app = build_app(ports(control=control), settings)
    app.router.add_get("/forgotten", forgotten)
    header = bearer(control.let_in(Role.ADMIN))
    async with serving(app, settings) as url, aiohttp.ClientSession(url) as client, client.get("/forgotten", headers=header) as answer:
        assert answer.status == 403
        await told(answer)
