"""The server on a real socket: routes, headers, errors, bounds."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import orjson
import pytest
import structlog
from aiohttp import web

from mpsyncd.model.errors import BadData, ConfigError, StorageUnavailable
from mpsyncd.settings import HttpSettings
from mpsyncd.web import WebPorts, build_app, serving
from mpsyncd.web.app import ROUTES
from mpsyncd.web.middleware import PROTECTION
from mpsyncd.web.needs import OPEN, Route
from support.overview import ports, shop

BROWSER = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "ru-RU,ru;q=0.9"}


@asynccontextmanager
async def _client(given: WebPorts, *more: Route) -> AsyncIterator[aiohttp.ClientSession]:
    settings = HttpSettings(port=0, body_limit=1024)
    async with serving(build_app(given, settings, routes=[*ROUTES, *more]), settings) as url, aiohttp.ClientSession(url) as client:
        yield client


@pytest.mark.parametrize("path, reasons", [("/healthz", {"live": ("the clock stands still",)}), ("/readyz", {"ready": ("stopping",)})])
async def test_health_and_readiness_say_why(path: str, reasons: dict[str, tuple[str, ...]]) -> None:
    async with _client(ports()) as client, client.get(path) as answer:
        assert (answer.status, (await answer.json())["reasons"]) == (200, [])
    async with _client(ports(**reasons)) as client, client.get(path) as answer:  # type: ignore[arg-type]
        assert (answer.status, (await answer.json())["reasons"]) == (503, list(*reasons.values()))


async def test_health_needs_no_database() -> None:
    async with _client(ports(storage=False)) as client, client.get("/healthz") as answer:
        assert answer.status == 200


async def test_status_is_json_for_programs() -> None:
    async with _client(ports(shop())) as client, client.get("/status") as answer:
        content = await answer.json()
    assert content["version"] == "1.2.3"
    assert content["uptime_seconds"] == 10_800
    [one] = content["shops"]
    assert one["capabilities"]["content"] == {"state": "missing", "reason": "made without it"}
    assert one["feeds"][0]["complete_until"] == "2026-11-21T11:40:00Z"
    assert one["open_run"]["state"] == "waiting"


async def test_status_is_a_page_for_browsers() -> None:
    async with _client(ports(shop())) as client:
        async with client.get("/", headers=BROWSER) as answer:
            assert answer.url.path == "/status"
            assert answer.content_type == "text/html"
            assert answer.headers["Content-Language"] == "ru"
            assert "Полно до" in await answer.text()
        async with client.get("/style.css") as answer:
            assert answer.content_type == "text/css"


@pytest.mark.parametrize("headers", [{}, BROWSER])
async def test_status_without_a_database_says_so(headers: dict[str, str]) -> None:
    async with _client(ports(storage=False)) as client, client.get("/status", headers=headers) as answer:
        assert answer.status == 200
        text = await answer.text()
    if headers:
        assert "не отвечает" in text
    else:
        assert orjson.loads(text)["shops"] is None
        assert orjson.loads(text)["reasons"] == ["the database is away"]


async def test_metrics_are_text_and_count_themselves() -> None:
    async with _client(ports(shop())) as client:
        await (await client.get("/metrics")).read()
        async with client.get("/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            assert 'mpsyncd_http_requests_total{method="GET",route="/metrics",status="200"} 1.0' in await answer.text()


async def test_every_answer_is_protected_and_anonymous() -> None:
    async with _client(ports()) as client:
        for path in ("/healthz", "/status", "/metrics", "/style.css", "/nowhere"):
            async with client.get(path, headers={"X-Request-ID": "mine-1"}) as answer:
                assert "Server" not in answer.headers
                assert answer.headers["X-Request-ID"] == "mine-1"
                assert PROTECTION.keys() <= answer.headers.keys()
        async with client.get("/healthz", headers={"X-Request-ID": "<b>not harmless"}) as answer:
            assert answer.headers["X-Request-ID"] not in {"", "<b>not harmless"}


@pytest.mark.parametrize("method, path, status", [("GET", "/nowhere", 404), ("POST", "/status", 405), ("GET", "/../x", 404)])
async def test_refusals_are_problems(method: str, path: str, status: int) -> None:
    async with _client(ports()) as client, client.request(method, path) as answer:
        assert (answer.status, answer.content_type) == (status, "application/problem+json")
        content = orjson.loads(await answer.read())
    assert (content["status"], content["request_id"]) == (status, answer.headers["X-Request-ID"])
    assert ("Allow" in answer.headers) is (status == 405)


def _raising(error: Exception) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(_request: web.Request) -> web.Response:
        raise error

    return handler


@pytest.mark.parametrize(
    "error, status, shown",
    [
        (StorageUnavailable("dsn hush"), 503, "try again"),
        (BadData("shop 3 is odd"), 500, "shop 3"),
        (ZeroDivisionError("hush"), 500, "request_id"),
    ],
)
async def test_the_boundary_turns_errors_into_answers(error: Exception, status: int, shown: str) -> None:
    async with _client(ports(), Route("GET", "/raise", _raising(error), OPEN)) as client:
        with structlog.testing.capture_logs() as logs:
            answer = await client.get("/raise?secret=hush")
        text = await answer.text()
        assert (await client.get("/healthz")).status == 200
    assert answer.status == status
    assert shown in text
    assert "hush" not in text
    assert next(each for each in logs if each["event"] == "http_request")["route"] == "/raise"
    assert "secret" not in str([each for each in logs if each["event"] == "http_request"])


async def test_bodies_are_bounded() -> None:
    async def read(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    async with _client(ports(), Route("POST", "/read", read, OPEN)) as client:
        assert (await client.post("/read", data=b"x" * 1000)).status == 200
        assert (await client.post("/read", data=b"x" * 5000)).status == 413


async def test_a_taken_port_is_named() -> None:
    async with serving(build_app(ports(), HttpSettings()), HttpSettings(port=0)) as url:
        port = int(url.rsplit(":", 1)[1])
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{port}.*\[http\] port"):
            async with serving(build_app(ports(), HttpSettings()), HttpSettings(port=port)):
                pass


async def test_an_address_of_somebody_else_is_named() -> None:
    settings = HttpSettings(host="203.0.113.7", port=0, allow_remote=True)
    with pytest.raises(ConfigError, match="203"):
        async with serving(build_app(replace(ports(), version="0"), settings), settings):
            pass
