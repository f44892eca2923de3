"""The sandbox's chats, questions, feedbacks and claims against the vendor's own OpenAPI file of August 2026."""

from typing import Any
from urllib.parse import urlencode

import pytest

from mpsyncd.sandbox import Category, Response, SellerSpec, TokenType
from support.sandbox_caller import Caller
from support.wb_spec import answer_schema, check, needs_specs, unknown_keys

HOSTS = {
    "/api/v1/seller/chats": "buyer-chat-api",
    "/api/v1/seller/events": "buyer-chat-api",
    "/api/v1/questions": "feedbacks-api",
    "/api/v1/feedbacks": "feedbacks-api",
    "/api/v1/feedbacks/archive": "feedbacks-api",
    "/api/v1/claims": "returns-api",
}
DOWNLOAD = "/api/v1/seller/download/{id}"
ANSWERED, ANY = {"isAnswered": "true", "take": 100, "skip": 0}, {"take": 100, "skip": 0}
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("/api/v1/seller/chats", {}),
    ("/api/v1/seller/events", {}),
    ("/api/v1/questions", ANSWERED),
    ("/api/v1/questions", {**ANSWERED, "isAnswered": "false"}),
    ("/api/v1/feedbacks", ANSWERED),
    ("/api/v1/feedbacks", {**ANSWERED, "isAnswered": "false"}),
    ("/api/v1/feedbacks/archive", ANY),
    ("/api/v1/claims", {"is_archive": "true"}),
    ("/api/v1/claims", {"is_archive": "false"}),
]

pytestmark = needs_specs


@pytest.fixture
def caller() -> Caller:
    spec = SellerSpec(name="loud", title="ИП", cards=20, trashed=0, orders=60, chats=20, questions=60, feedbacks=90, claims=60, returns=5)
    moved = Caller(spec, event_rate=0.1)
    moved.wait(3_600)
    return moved


def get(caller: Caller, path: str, token: str | None = None, **params: object) -> Response:
    caller.wait(60)
    return caller.get(f"/wb/{HOSTS[path]}{path}?{urlencode(params)}", token=token)


def rows_of(body: Any) -> list[Any]:
    """The one list of rows in an answer."""
    inner = body.get("data") or body.get("result") or body
    return inner if isinstance(inner, list) else next(value for value in inner.values() if isinstance(value, list))


@pytest.mark.parametrize("path, params", ASKED, ids=str)
def test_answers_have_the_published_shape(caller: Caller, path: str, params: dict[str, Any]) -> None:
    response = get(caller, path, **params)
    body: Any = response.json()

    assert response.status == 200
    assert rows_of(body)
    check(response, f"GET {path}")
    assert not set(unknown_keys(body, answer_schema(f"GET {path}")))


@pytest.mark.parametrize(
    "path, params",
    [
        ("/api/v1/seller/events", {"next": 0}),
        ("/api/v1/questions", {}),
        ("/api/v1/feedbacks", {"isAnswered": "true", "take": 5_001, "skip": 0}),
        ("/api/v1/feedbacks/archive", {}),
        ("/api/v1/claims", {}),
    ],
    ids=str,
)
def test_refusals_have_the_published_shapes(caller: Caller, path: str, params: dict[str, Any]) -> None:
    refused = get(caller, path, **params)

    assert refused.status == 400
    check(refused, f"GET {path}")


@pytest.mark.parametrize("path, params", ASKED[::2], ids=str)
def test_refusals_of_tokens_and_limits(caller: Caller, path: str, params: dict[str, Any]) -> None:
    refused = [
        get(caller, path, token="broken", **params),
        get(caller, path, token=caller.make(type=TokenType.TEST), **params),
        get(caller, path, token=caller.make(categories=[Category.CONTENT]), **params),
    ]
    while (response := caller.get(f"/wb/{HOSTS[path]}{path}?{urlencode(params)}")).status != 429:
        pass

    assert {one.status for one in refused} == {401}
    for one in (*refused, response):
        check(one, f"GET {path}")


def test_files_have_the_published_answers(caller: Caller) -> None:
    body: Any = get(caller, "/api/v1/seller/events").json()
    shown = [event.get("message", {}).get("attachments", {}) for event in body["result"]["events"]]
    numbers = [one["downloadID"] for each in shown for kind in ("files", "images") for one in each.get(kind, ())]
    statuses = set()
    for number in (*numbers, "none"):
        caller.wait(60)
        response = caller.get(f"/wb/buyer-chat-api/api/v1/seller/download/{number}")
        statuses.add(int(response.status))
        if response.status != 200:
            check(response, f"GET {DOWNLOAD}")
        else:
            assert response.content_type in {"application/pdf", "image/jpeg", "image/png"}
    assert statuses == {200, 400, 451}
