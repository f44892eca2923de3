"""Faults: each kind does what it says, to whom it says, as often and as long as it says."""

from typing import Any

import pytest

from mpsyncd.sandbox import Fault, FaultKind, Manner, TokenType
from support.sandbox_caller import BORN, CARDS, ORDERS, PAGED, SELLER_INFO, SMALL, Caller
from support.sandbox_shop import WAREHOUSES

SINCE = f"{ORDERS}?dateFrom=2026-01-01"


def armed(kind: FaultKind, **rest: Any) -> Caller:
    return Caller(SMALL, PAGED, faults=(Fault(kind=kind, **rest),))


def test_storm_of_429_tells_when_to_come_back_and_costs_no_budget() -> None:
    caller = armed(FaultKind.TOO_MANY, count=3, pause=7)

    for _ in range(3):
        refused = caller.get(SINCE)
        assert (refused.status, refused.headers["X-Ratelimit-Retry"]) == (429, "7")
        caller.wait(7)
    assert caller.get(SINCE).headers["X-Ratelimit-Remaining"] == "9"
    assert (caller.stats()["throttled"], caller.stats()["violations"]) == (3, 0)


def test_global_limiter_closes_every_host_for_the_seller_only() -> None:
    caller = armed(FaultKind.GLOBAL_LIMIT, host="statistics-api", count=1, pause=30)

    refused = caller.get(SINCE)
    body: Any = refused.json()
    assert refused.status == 429
    assert body["detail"].startswith("Limited by global limiter, per seller ")
    assert refused.headers["X-Ratelimit-Retry"] == "30"
    caller.wait(10)
    again = caller.get(SELLER_INFO)
    assert (again.status, again.headers["X-Ratelimit-Retry"]) == (429, "20")
    assert caller.get(SELLER_INFO, token=caller.make("paged")).status == 200
    caller.wait(20)
    assert caller.get(SELLER_INFO).status == 200
    assert caller.stats()["sellers"]["small"]["violations"] == {"*": 1}


@pytest.mark.parametrize("status", [500, 502, 503])
def test_server_errors(status: int) -> None:
    assert armed(FaultKind.SERVER_ERROR, status=status).get(SINCE).status == status


def test_html_with_200() -> None:
    response = armed(FaultKind.HTML).get(SINCE)

    assert response.status == 200
    assert response.content_type.startswith("text/html")
    assert bytes(response.body).startswith(b"<!doctype html>")


@pytest.mark.parametrize(
    "kind, manner",
    [
        (FaultKind.RESET, Manner.RESET),
        (FaultKind.STALL, Manner.STALL),
        (FaultKind.TRUNCATED, Manner.TRUNCATED),
        (FaultKind.TRICKLE, Manner.TRICKLE),
    ],
)
def test_faulty_deliveries_are_told_to_the_shell(kind: FaultKind, manner: Manner) -> None:
    delivery = armed(kind, pause=3).get(SINCE).delivery

    assert (delivery.manner, delivery.pause) == (manner, 3)


def test_empty_pages_have_the_shape_of_their_method() -> None:
    caller = armed(FaultKind.EMPTY_PAGE)

    assert caller.get(SINCE).json() == []
    assert caller.post(CARDS, {}).json() == {"cards": [], "cursor": {"total": 0}}
    assert caller.get(SELLER_INFO).json() != []


def test_repeated_page_gives_the_last_one_again() -> None:
    caller = Caller(PAGED, orders_cap=50)
    first: Any = caller.get(SINCE).json()
    caller.core.arm([Fault(kind=FaultKind.REPEATED_PAGE, count=1)], now=caller.now)
    further = f"{ORDERS}?dateFrom={first[-1]['lastChangeDate']}"

    assert caller.get(further).json() == first
    assert caller.get(further).json() != first


def test_first_page_can_not_be_repeated() -> None:
    caller = armed(FaultKind.REPEATED_PAGE, count=1)

    assert caller.bare("GET", "/_faults")[0]["hits"] == 0
    assert caller.get(SINCE).status == 200
    assert caller.bare("GET", "/_faults")[0]["hits"] == 0


def test_unknown_fields_come_on_top_of_the_known_ones() -> None:
    right: Any = Caller(SMALL, PAGED).get(SINCE).json()
    rows: Any = armed(FaultKind.UNKNOWN_FIELDS).get(SINCE).json()

    for row, known in zip(rows, right, strict=True):
        assert row.items() >= known.items()
        assert set(row) - set(known) == {"futureFlag", "futureNote", "futureParts"}


def test_changed_types_keep_their_meaning_and_the_cursor() -> None:
    right: Any = Caller(SMALL, PAGED).post(CARDS, {}).json()
    body: Any = armed(FaultKind.CHANGED_TYPES).post(CARDS, {}).json()

    assert body["cursor"] == right["cursor"]
    card, known = body["cards"][0], right["cards"][0]
    assert card["nmID"] == str(known["nmID"])
    assert card["needKiz"] is known["needKiz"]
    assert card["title"] == known["title"]
    skus = [
        (size["skus"], plain["skus"])
        for one, two in zip(body["cards"], right["cards"], strict=True)
        for size, plain in zip(one["sizes"], two["sizes"], strict=True)
    ]
    assert all([str(sku) for sku in got] == wanted for got, wanted in skus)
    assert any(isinstance(sku, int) for got, _ in skus for sku in got)


def test_new_values_stand_under_the_keys_that_the_vendor_lists_values_of() -> None:
    right: Any = Caller(SMALL, PAGED).get(SINCE).json()
    rows: Any = armed(FaultKind.UNKNOWN_VALUES).get(SINCE).json()

    assert rows == [row | {"warehouseType": "futureValue"} for row in right]
    places: Any = armed(FaultKind.UNKNOWN_VALUES).get(WAREHOUSES).json()
    assert {(place["cargoType"], place["deliveryType"]) for place in places} == {(99, 99)}
    assert armed(FaultKind.UNKNOWN_VALUES, count=1).post(CARDS, {}).json() == Caller(SMALL, PAGED).post(CARDS, {}).json()


def test_revoked_token_while_the_fault_lives() -> None:
    caller = armed(FaultKind.REVOKED, seconds=60)

    assert caller.get(SINCE).status == 401
    caller.wait(60)
    assert caller.get(SINCE).status == 200


def test_base_token_refused_by_type() -> None:
    caller = armed(FaultKind.BASE_REFUSED, path="/api/v1/supplier/")
    base = caller.make(type=TokenType.BASE)
    refused = caller.get(SINCE, token=base)

    body: Any = refused.json()
    assert (refused.status, body["code"]) == (403, "base token is not allowed for this path")
    assert caller.get(SINCE).status == 200
    assert caller.get(SELLER_INFO, token=base).status == 200


@pytest.mark.parametrize(
    "match, hit",
    [
        ({}, True),
        ({"host": "statistics-api"}, True),
        ({"host": "content-api"}, False),
        ({"path": "/api/v1/supplier"}, True),
        ({"path": "/content"}, False),
        ({"seller": "small"}, True),
        ({"seller": "paged"}, False),
        ({"probability": 0.0}, False),
        ({"count": 0}, False),
        ({"seconds": 0}, False),
    ],
)
def test_fault_hits_only_what_it_matches(match: dict[str, Any], hit: bool) -> None:
    caller = armed(FaultKind.SERVER_ERROR, **match)

    assert (caller.get(SINCE).status == 500) is hit


def test_probability_is_seeded_and_about_right() -> None:
    def hits(seed: str) -> list[int]:
        caller = Caller(SMALL, seed=seed, limit_scale=1e6, faults=(Fault(kind=FaultKind.SERVER_ERROR, probability=0.3),))
        statuses: list[int] = []
        for _ in range(300):
            caller.wait(1)
            statuses.append(caller.get("/wb/common-api/ping").status)
        return statuses

    assert hits("a") == hits("a")
    assert hits("a") != hits("b")
    assert 60 < hits("a").count(500) < 120


def test_faults_are_armed_listed_and_cleared_over_the_wire() -> None:
    caller = Caller()
    listed = caller.bare("POST", "/_faults", [{"kind": "server_error", "status": 503, "count": 1}])
    assert [(one["kind"], one["hits"], one["alive"]) for one in listed] == [("server_error", 0, True)]

    assert caller.get(SINCE).status == 503
    assert caller.get(SINCE).status == 200
    assert caller.bare("GET", "/_faults")[0]["alive"] is False
    assert caller.stats()["sellers"]["small"]["faults"] == {"server_error": 1}
    assert caller.bare("DELETE", "/_faults") == []


@pytest.mark.parametrize(
    "given",
    [
        {},
        [1],
        [{"kind": "sabotage"}],
        [{"kind": "html", "colour": 1}],
        [{"kind": "html", "count": "2"}],
        [{"kind": ["html"]}],
        [{"kind": "html", "path": 5}],
        b"{",
    ],
)
def test_fault_that_does_not_exist_is_refused_and_arms_nothing(given: Any) -> None:
    caller = Caller()

    assert "error" in caller.bare("POST", "/_faults", given)
    assert caller.bare("GET", "/_faults") == []


ACTED_OUT_BY_METHODS = {
    FaultKind.NO_CONTENT,
    FaultKind.JAM_LOST,
    FaultKind.SNAPSHOT_EXPIRED,
    FaultKind.REPORT_FAILED,
    FaultKind.REPORT_RETRY,
    FaultKind.HEAVY_BATCH,
    FaultKind.EMPTY_BODY,
    FaultKind.NOT_IN_TARIFF,
    FaultKind.HOOK_LOST,
    FaultKind.HOOK_DOUBLED,
    FaultKind.HOOK_LATE,
}
"""Kinds that only some methods know, or another vendor; they are tested with those (order feed, stocks, reports, Kaiten)."""


def test_every_kind_does_something() -> None:
    for kind in set(FaultKind) - ACTED_OUT_BY_METHODS:
        caller = Caller(PAGED, orders_cap=50)
        right = caller.get(SINCE)
        caller.core.arm([Fault(kind=kind)], now=BORN)
        second = f"{ORDERS}?dateFrom=2026-11-01"
        token = caller.make(type=TokenType.BASE) if kind is FaultKind.BASE_REFUSED else caller.token
        spoilt = caller.get(second, token=token)
        plain = Caller(PAGED, orders_cap=50).get(second)
        same = (spoilt.status, bytes(spoilt.body), spoilt.delivery) == (plain.status, bytes(plain.body), plain.delivery)
        assert right.status == 200
        assert not same, kind
