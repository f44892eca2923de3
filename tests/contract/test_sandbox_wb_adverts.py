"""The sandbox's advert methods against the vendor's own OpenAPI file of August 2026."""

from typing import Any
from urllib.parse import urlencode

import pytest

from mpsyncd.sandbox import EVERY_CATEGORY, Category, Response, SellerSpec, TokenType
from support.sandbox_caller import Caller
from support.wb_spec import answer_schema, check, needs_specs, unknown_keys

COUNT, ADVERTS, STATS = "/adv/v1/promotion/count", "/api/advert/v2/adverts", "/adv/v3/fullstats"
UPD, PAYMENTS, BALANCE = "/adv/v1/upd", "/adv/v1/payments", "/adv/v1/balance"
MONTH = {"from": "2026-10-22", "to": "2026-11-21"}
DAYS = {"beginDate": "2026-10-22", "endDate": "2026-11-20"}

pytestmark = needs_specs


@pytest.fixture
def caller() -> Caller:
    moved = Caller(SellerSpec(name="busy", title="ИП", cards=20, trashed=0, orders=30, campaigns=48), event_rate=0.1)
    moved.wait(3_600)
    return moved


def get(caller: Caller, path: str, token: str | None = None, **params: object) -> Response:
    caller.wait(60)
    return caller.get(f"/wb/advert-api{path}" + (f"?{urlencode(params)}" if params else ""), token=token)


def running(caller: Caller) -> str:
    body: Any = get(caller, ADVERTS, statuses="7,9,11").json()
    return ",".join(str(one["id"]) for one in body["adverts"])


@pytest.mark.parametrize(
    "path, params", [(COUNT, {}), (ADVERTS, {}), (STATS, DAYS), (UPD, MONTH), (PAYMENTS, MONTH), (BALANCE, {})], ids=str
)
def test_answers_have_the_published_shape(caller: Caller, path: str, params: dict[str, str]) -> None:
    response = get(caller, path, **params, **({"ids": running(caller)} if path == STATS else {}))

    assert response.status == 200
    body: Any = response.json()
    assert body
    check(response, f"GET {path}")
    assert not set(unknown_keys(body, answer_schema(f"GET {path}")))


@pytest.mark.parametrize(
    "path, params",
    [
        (ADVERTS, {"payment_type": "cpa"}),
        (STATS, {"ids": "1", **DAYS}),
        (STATS, {"ids": "1", "beginDate": "2026-10-01", "endDate": "2026-11-20"}),
        (UPD, {"from": "2026-01-01", "to": "2026-11-20"}),
        (PAYMENTS, {"from": "2026-01-01", "to": "2026-11-20"}),
    ],
    ids=str,
)
def test_refusals_have_the_published_shapes(caller: Caller, path: str, params: dict[str, str]) -> None:
    refused = get(caller, path, **params)

    assert refused.status == 400
    if path == UPD:  # the file means text/plain and has it right here
        assert refused.content_type.startswith("text/plain")
    else:
        check(refused, f"GET {path}")


@pytest.mark.parametrize("path", [COUNT, ADVERTS, STATS, UPD, PAYMENTS, BALANCE])
def test_refusals_of_tokens_and_limits(caller: Caller, path: str) -> None:
    refused = [
        get(caller, path, token="broken"),
        get(caller, path, token=caller.make(type=TokenType.TEST)),
        get(caller, path, token=caller.make(categories=EVERY_CATEGORY - {Category.PROMOTION})),
    ]
    while (response := caller.get(f"/wb/advert-api{path}")).status != 429:
        pass

    assert {one.status for one in refused} == {401}
    for one in (*refused, response):
        check(one, f"GET {path}")
