"""The order feed: statuses, snapshots, pages that shift, periods, filters."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from mpsyncd.sandbox import DEMO_SELLERS, Fault, FaultKind, Response, SellerSpec
from support.sandbox_caller import PAGED, SMALL, Caller
from support.sandbox_shop import ORDER_FEED, feed_pages

LARGE = SellerSpec(name="large", title="ООО Большой", cards=20, trashed=0, orders=3_000, large=True)


LATELY = {"start": "2026-11-01T00:00:00+03:00"}


def ask(caller: Caller, **body: Any) -> Response:
    response = caller.post(ORDER_FEED, {"selectedPeriod": LATELY, **body})
    caller.wait(60)
    return response


def orders_in(response: Response) -> list[dict[str, Any]]:
    body: Any = response.json()
    found: list[dict[str, Any]] = body["data"]["orders"]
    return found


def refusal(response: Response) -> str:
    body: Any = response.json()
    assert (response.status, response.content_type) == (400, "application/json")
    assert set(body) == {"title", "detail", "requestId", "origin"}
    return str(body["detail"])


def test_pages_of_one_snapshot_give_every_order_once_from_the_newest() -> None:
    caller = Caller(PAGED, event_rate=1.0)
    caller.bare("POST", "/_freeze")
    truth = {row["srid"] for row in caller.truth("wb.order_feed") if not row.get("_left")}

    rows = [row for page in feed_pages(caller, limit=20) for row in page]

    seen = Counter(row["srid"] for row in rows)
    assert max(seen.values()) == 1
    assert seen.keys() >= truth
    stamps = [row["updatedAt"] for row in rows]
    assert stamps == sorted(stamps, reverse=True)
    assert {row["status"] for row in rows} == {"created", "buyout", "cancel", "return", "returnDefective"}


def test_pages_without_the_snapshot_shift_when_the_world_moves() -> None:
    caller = Caller(PAGED, event_rate=0.1)

    shifted = Counter(row["srid"] for page in feed_pages(caller, limit=20, snapshot=False) for row in page)
    steady = Counter(row["srid"] for page in feed_pages(caller, limit=20) for row in page)

    assert max(shifted.values()) > 1
    assert max(steady.values()) == 1


def test_demo_has_ties_on_the_borders_of_pages() -> None:
    caller = Caller(DEMO_SELLERS[0])
    pages = list(feed_pages(caller, limit=100))

    ties = [page[-1]["updatedAt"] == following[0]["updatedAt"] for page, following in pairwise(pages)]
    assert len(pages) > 10
    assert sum(ties) >= 2


def test_feed_knows_orders_that_statistics_do_not() -> None:
    caller = Caller(PAGED, event_rate=1.0)
    caller.wait(7_200)
    caller.bare("POST", "/_freeze")
    feed = {row["srid"]: row for row in caller.truth("wb.order_feed")}
    known = {row["srid"] for row in caller.truth("wb.orders")}

    assert known < feed.keys()
    assert {feed[srid]["status"] for srid in feed.keys() - known} == {"created", "cancel"}


def test_late_payment_brings_an_order_into_statistics_and_leaves_the_feed_alone() -> None:
    caller = Caller(PAGED, event_rate=1.0)
    before = {row["srid"]: row for row in caller.truth("wb.order_feed")}
    unknown = before.keys() - {row["srid"] for row in caller.truth("wb.orders")}
    caller.wait(7_200)
    caller.bare("POST", "/_freeze")

    paid = unknown & {row["srid"] for row in caller.truth("wb.orders")}
    after = {row["srid"]: row for row in caller.truth("wb.order_feed")}

    assert paid
    assert any(after[srid] == before[srid] for srid in paid)


def test_status_says_what_became_of_the_order() -> None:
    caller = Caller(PAGED)
    sales = {row["srid"]: row for row in sorted(caller.truth("wb.sales"), key=lambda row: str(row["date"]))}
    cancelled = {row["srid"]: row["cancel_date"] for row in caller.truth("wb.orders") if row["is_cancel"]}

    for row in caller.truth("wb.order_feed"):
        match row["status"]:
            case "cancel" if row["srid"] in cancelled:
                assert row["updated_at"] == cancelled[row["srid"]]
            case "buyout" | "return" | "returnDefective":
                assert row["updated_at"] == sales[row["srid"]]["date"]
                assert (row["status"] == "buyout") == sales[row["srid"]]["sale_id"].startswith("S")
            case "created":
                assert row["updated_at"] == row["created_at"]
            case status:
                assert status == "cancel", "cancelled before it was ever known to the statistics"
        assert (row["cancel_type"] is None) == (row["status"] != "cancel")


def test_default_page_has_fifty_orders() -> None:
    assert len(orders_in(ask(Caller(PAGED)))) == 50


def test_period_is_of_the_time_of_the_status() -> None:
    caller = Caller(PAGED)
    period = {"start": "2026-11-10T00:00:00+03:00", "end": "2026-11-12T00:00:00Z"}
    rows = orders_in(ask(caller, selectedPeriod=period, pagination={"limit": 10_000}))

    start, end = (datetime.fromisoformat(period[name]) for name in ("start", "end"))
    assert rows
    assert all(start <= datetime.fromisoformat(row["updatedAt"]) <= end for row in rows)
    expected = {row["srid"] for row in caller.truth("wb.order_feed") if start <= datetime.fromisoformat(row["updated_at"]) <= end}
    assert {row["srid"] for row in rows} == expected


def test_filters_are_all_to_be_met() -> None:
    caller = Caller(PAGED)
    everything = orders_in(ask(caller, pagination={"limit": 10_000}))
    cards = {card["nm_id"]: card for card in caller.truth("wb.cards")}
    first = cards[everything[0]["nmId"]]

    wanted = orders_in(
        ask(caller, brandNames=[first["brand"]], subjectIds=[first["subject_id"]], nmIds=[], tagIds=[], pagination={"limit": 10_000})
    )

    alike = [
        row for row in everything if (card := cards[row["nmId"]])["brand"] == first["brand"] and card["subject_id"] == first["subject_id"]
    ]
    assert wanted == alike
    assert orders_in(ask(caller, nmIds=[first["nm_id"]])) == [row for row in everything if row["nmId"] == first["nm_id"]]
    assert orders_in(ask(caller, tagIds=[1])) == []


@pytest.mark.parametrize(
    "body",
    [
        {"selectedPeriod": {}},
        {"selectedPeriod": {"end": "2026-11-20T00:00:00+03:00"}},
        {"selectedPeriod": {"start": "2026-11-20"}},
        {"selectedPeriod": {"start": "2026-11-20T00:00:00"}},
        {"selectedPeriod": {"start": "2026-10-20T23:59:59+03:00"}},
        {"selectedPeriod": {"start": "2026-11-20T00:00:00+03:00", "end": "2026-11-19T00:00:00+03:00"}},
        {"selectedPeriod": {"start": "2027-01-01T00:00:00+03:00"}},
        {"pagination": {"limit": 10_001}},
        {"pagination": {"limit": "50"}},
        {"pagination": {"offset": -1}},
        {"pagination": {"snapshotTime": "2026-11-20T00:00:00Z", "offset": 50}},
        {"nmIds": list(range(1_001))},
        {"subjectIds": list(range(51))},
        {"brandNames": [1]},
        {"nmIds": ["1"]},
        {"orderBy": "date"},
    ],
)
def test_misshapen_requests_are_refused(body: dict[str, Any]) -> None:
    assert refusal(ask(Caller(), **body))


@pytest.mark.parametrize("body", [b"{", b"[]", None])
def test_bodies_that_are_no_object_are_refused(body: object) -> None:
    assert refusal(Caller().post(ORDER_FEED, body))


def first_page(caller: Caller) -> dict[str, Any]:
    body: Any = ask(caller, pagination={"limit": 5}).json()
    return {"limit": 5, "offset": 5, "snapshotTime": body["data"]["snapshotTime"]}


def test_snapshot_belongs_to_its_period_and_filter() -> None:
    caller = Caller(PAGED)
    paging = first_page(caller)

    assert "another period" in refusal(ask(caller, nmIds=[1], pagination=paging))
    assert len(orders_in(ask(caller, pagination=paging))) == 5


def test_snapshot_ages() -> None:
    caller = Caller(PAGED)
    paging = first_page(caller)
    caller.wait(timedelta(hours=11).total_seconds())
    assert ask(caller, pagination=paging).status == 200

    caller.wait(timedelta(hours=1).total_seconds())

    assert "no such snapshot" in refusal(ask(caller, pagination=paging))


def test_snapshot_may_be_lost_by_fault() -> None:
    caller = Caller(PAGED)
    paging = first_page(caller)
    caller.core.arm([Fault(kind=FaultKind.SNAPSHOT_EXPIRED, count=1)], now=caller.now)

    assert ask(caller).status == 200, "a first page has no snapshot to lose"
    assert "no such snapshot" in refusal(ask(caller, pagination=paging))
    assert ask(caller, pagination=paging).status == 200
    assert caller.stats()["sellers"]["paged"]["faults"] == {"snapshot_expired": 1}


def test_snapshots_belong_to_their_seller() -> None:
    caller = Caller(PAGED, SMALL)
    paging = first_page(caller)

    assert "no such snapshot" in refusal(
        caller.post(ORDER_FEED, {"selectedPeriod": LATELY, "pagination": paging}, token=caller.make("small"))
    )


def test_unknown_statuses_by_fault() -> None:
    rows = orders_in(ask(Caller(PAGED, faults=(Fault(kind=FaultKind.UNKNOWN_VALUES),))))

    assert {row["status"] for row in rows} == {"futureValue"}


def test_large_seller_gives_its_month_once() -> None:
    caller = Caller(LARGE)
    truth = {row["srid"]: row for row in caller.truth("wb.order_feed")}

    rows = [row for page in feed_pages(caller, limit=300) for row in page]

    stamps = [row["updatedAt"] for row in rows]
    assert stamps == sorted(stamps, reverse=True)
    seen = {row["srid"]: row for row in rows}
    assert len(seen) == len(rows)
    assert seen.keys() >= {srid for srid, row in truth.items() if not row.get("_left")}
    assert all(seen[srid]["status"] == truth[srid]["status"] for srid in seen)
    assert {row["status"] for row in rows} == {"created", "buyout", "cancel"}
