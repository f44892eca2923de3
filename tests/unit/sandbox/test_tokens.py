"""Invented tokens: their form, what can be read from them, and how the sandbox turns the wrong ones away."""

import base64
from datetime import timedelta
from typing import Any

import orjson
import pytest

from mpsyncd.sandbox import EVERY_CATEGORY, Category, Response, TokenType
from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.wildberries.admission import Visitor, refuse
from mpsyncd.sandbox.wildberries.endpoint import Endpoint
from mpsyncd.sandbox.wildberries.general import ping
from mpsyncd.sandbox.wildberries.hosts import HOSTS
from mpsyncd.sandbox.wildberries.tokens import read_token
from support.sandbox_caller import BORN, CARDS, ORDERS, PAGED, SELLER_INFO, SMALL, Caller


@pytest.fixture
def caller() -> Caller:
    return Caller()


def claims_of(token: str) -> Any:
    middle = token.split(".")[1]
    return orjson.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


def problem(response: Response, status: int) -> Any:
    assert response.status == status
    assert response.content_type == "application/problem+json"
    body: Any = response.json()
    assert body["status"] == status
    assert body["timestamp"].endswith("Z")
    return body


def test_whole_token_has_the_published_bitmask_and_claims(caller: Caller) -> None:
    claims = claims_of(caller.token)

    assert claims["s"] == 16_126
    assert claims["acc"] == 3
    assert claims["for"] == "self"
    assert claims["sid"] == caller.core.world.sellers["small"].sid
    assert set(claims) == {"acc", "ent", "exp", "for", "id", "iid", "oid", "s", "sid", "t", "uid"}


def test_read_only_is_bit_30_and_no_category(caller: Caller) -> None:
    claims = read_token(caller.make(read_only=True))

    assert claims.read_only
    assert claims.categories == 16_126


def test_token_without_type_counts_as_base(caller: Caller) -> None:
    token = caller.make(type=None)

    assert "acc" not in claims_of(token)
    assert read_token(token).type is TokenType.BASE


def test_signature_looks_like_es256(caller: Caller) -> None:
    parts = caller.token.split(".")

    assert len(parts) == 3
    assert len(base64.urlsafe_b64decode(parts[2] + "==")) == 64


def test_header_with_and_without_bearer(caller: Caller) -> None:
    assert caller.get(SELLER_INFO, token=caller.token).status == 200
    assert caller.get(SELLER_INFO, token=f"Bearer {caller.token}").status == 200


def test_no_header_is_401(caller: Caller) -> None:
    caller.token = ""

    assert problem(caller.get(SELLER_INFO), 401)["title"] == "unauthorized"


@pytest.mark.parametrize(
    "spoil, detail",
    [
        (lambda _: "abc", "token is malformed"),
        (lambda token: token.rsplit(".", 1)[0], "token is malformed"),
        (lambda token: token.replace(".", ".!", 1), "token is malformed"),
        (lambda token: f"{token.rsplit('.', 1)[0]}.AAAA", "signature is invalid"),
    ],
)
def test_broken_token_is_401_with_its_reason(caller: Caller, spoil: Any, detail: str) -> None:
    assert detail in problem(caller.get(SELLER_INFO, token=spoil(caller.token)), 401)["detail"]


def test_expired_token_is_401(caller: Caller) -> None:
    token = caller.make(expires=BORN + timedelta(seconds=5))

    assert caller.get(SELLER_INFO, token=token).status == 200
    caller.wait(5)
    assert problem(caller.get(SELLER_INFO, token=token), 401)["detail"] == "token expired"


@pytest.mark.parametrize("claims", [{"type": TokenType.TEST}, {"test": True}])
def test_test_token_is_401_everywhere(caller: Caller, claims: dict[str, Any]) -> None:
    assert problem(caller.get(SELLER_INFO, token=caller.make(**claims)), 401)["detail"] == "token scope not allowed"


def test_token_of_nobody_is_401(caller: Caller) -> None:
    stranger = Caller(PAGED).token

    assert problem(caller.get(SELLER_INFO, token=stranger), 401)["title"] == "unauthorized"


def test_revoked_token_is_401_and_its_successor_is_not(caller: Caller) -> None:
    assert caller.bare("POST", "/_revoke", {"token": caller.token}) == {"revoked": True}

    assert problem(caller.get(SELLER_INFO), 401)["detail"] == "token withdrawn"
    assert caller.get(SELLER_INFO, token=caller.make(expires=BORN + timedelta(days=90))).status == 200


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_ping_needs_the_category_of_its_host(caller: Caller, host: Any) -> None:
    url = f"/wb/{host.name}/ping"
    assert caller.get(url, token=caller.make(categories=Category)).json() == {"TS": "2026-11-21T12:00:00+03:00", "Status": "OK"}

    without = caller.get(url, token=caller.make(categories=set(Category) - {host.category}))

    if host.category is None:
        assert without.status == 200
    elif host.new_gateway:
        body = problem(without, 403)
        assert (body["title"], body["detail"]) == ("Forbidden", "scope is not allowed for this resource")
        assert body["origin"].startswith("ag-")
    else:
        assert problem(without, 401)["detail"] == "token scope not allowed"


def test_missing_category_closes_its_methods_only(caller: Caller) -> None:
    token = caller.make(categories=EVERY_CATEGORY - {Category.CONTENT})

    assert problem(caller.post(CARDS, {}, token=token), 401)["detail"] == "token scope not allowed"
    assert caller.get(f"{ORDERS}?dateFrom=2026-01-01", token=token).status == 200


def test_seller_info_takes_a_token_of_any_category(caller: Caller) -> None:
    seller = caller.core.world.sellers["small"]
    info: Any = caller.get(SELLER_INFO, token=caller.make(categories={Category.CHAT})).json()

    assert info == {"name": SMALL.title, "sid": seller.sid, "tin": seller.tin, "tradeMark": "small"}


@pytest.mark.parametrize("host_name", ["finance-api", "seller-analytics-api"])
def test_method_that_takes_no_base_token_says_so(caller: Caller, host_name: str) -> None:
    host = next(host for host in HOSTS if host.name == host_name)
    method = Endpoint(
        method="GET",
        host=host.name,
        path="/x",
        gate="x",
        limit=Limit(1, 1),
        answer=ping,
        types=frozenset({TokenType.PERSONAL}),
    )
    seller = caller.core.world.sellers["small"]
    base = Visitor(seller, read_token(caller.make(type=TokenType.BASE)))
    personal = Visitor(seller, read_token(caller.token))

    refused = refuse(base, host=host, endpoint=method, now=BORN)

    assert refused is not None
    body = problem(refused, 403)
    expected = {
        "finance-api": ("base token is not allowed", "base token is not allowed for this path"),
        "seller-analytics-api": ("token does not satisfy additional requirements", None),
    }
    assert (body["detail"], body.get("code")) == expected[host_name]
    assert refuse(personal, host=host, endpoint=method, now=BORN) is None
