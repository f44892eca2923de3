"""Campaigns, their figures, bills, top-ups, account and budgets: what is told, what is refused, what moves."""

from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from mpsyncd.sandbox import Category, Fault, FaultKind, Response, SellerSpec, TokenType
from mpsyncd.sandbox.world.campaigns import Stage
from support.sandbox_caller import BORN, Caller

API = "/wb/advert-api"
COUNT, ADVERTS, BUDGET = f"{API}/adv/v1/promotion/count", f"{API}/api/advert/v2/adverts", f"{API}/api/advert/v2/budget"
STATS, UPD, PAYMENTS, BALANCE = f"{API}/adv/v3/fullstats", f"{API}/adv/v1/upd", f"{API}/adv/v1/payments", f"{API}/adv/v1/balance"
BUSY = SellerSpec(name="busy", title="ИП Реклама", cards=20, trashed=0, orders=30, campaigns=130, advert_history=timedelta(days=90))
QUIET = SellerSpec(name="quiet", title="ИП Без Рекламы", cards=5, trashed=0, orders=5, campaigns=0)
MONTH = {"beginDate": "2026-10-21", "endDate": "2026-11-20"}


@pytest.fixture
def caller() -> Caller:
    return Caller(BUSY)


def ask(caller: Caller, url: str, **params: object) -> Response:
    caller.wait(20)
    return caller.get(f"{url}?{urlencode(params)}" if params else url)


def told(caller: Caller, url: str, **params: object) -> Any:
    response = ask(caller, url, **params)
    assert response.status == 200, response.body
    return response.json()


def listed(caller: Caller) -> dict[int, tuple[int, int]]:
    """Type and status of every campaign."""
    groups = told(caller, COUNT)["adverts"]
    return {line["advertId"]: (group["type"], group["status"]) for group in groups for line in group["advert_list"]}


def with_status(caller: Caller, *statuses: int) -> list[int]:
    return [number for number, (kind, status) in listed(caller).items() if status in statuses and kind == 9]


def csv(numbers: list[int]) -> str:
    return ",".join(map(str, numbers))


def test_list_groups_every_campaign_by_type_and_status(caller: Caller) -> None:
    body = told(caller, COUNT)
    groups = {(group["type"], group["status"]): group for group in body["adverts"]}

    assert body["all"] == 130 == sum(group["count"] for group in groups.values())
    assert all(group["count"] == len(group["advert_list"]) for group in groups.values())
    assert {status for _, status in groups} == {-1, 4, 7, 8, 9, 11}
    assert {kind for kind, _ in groups} == {8, 9}
    assert all(line["changeTime"].endswith("+03:00") for group in groups.values() for line in group["advert_list"])


def test_seller_without_campaigns_is_told_null() -> None:
    quiet = Caller(QUIET, event_rate=2.0)
    quiet.wait(3_600)

    assert told(quiet, COUNT) == {"adverts": None, "all": 0}
    assert told(quiet, ADVERTS) == {"adverts": []}
    assert ask(quiet, PAYMENTS, **{"from": "2026-10-22", "to": "2026-11-21"}).status == 204
    assert told(quiet, UPD, **{"from": "2026-10-22", "to": "2026-11-21"}) == []


def test_campaigns_by_fifty_ids(caller: Caller) -> None:
    numbers = list(listed(caller))
    found = [one for start in range(0, 130, 50) for one in told(caller, ADVERTS, ids=csv(numbers[start : start + 50]))["adverts"]]

    assert {one["id"] for one in found} == {number for number, (kind, _) in listed(caller).items() if kind == 9}
    assert Counter(one["nm_settings"] is None for one in found).keys() == {True, False}
    assert {one["bid_type"] for one in found} == {"unified", "manual"}
    assert {one["settings"]["payment_type"] for one in found} == {"cpm", "cpc"}
    assert {one["timestamps"]["started"] is None for one in found} == {True, False}
    for one in found:
        assert (one["timestamps"]["deleted"] == "2100-01-01T00:00:00+03:00") == (one["status"] != -1)
    assert ask(caller, ADVERTS, ids=csv(numbers[:51])).status == 400


def test_campaigns_by_status_and_payment(caller: Caller) -> None:
    every = told(caller, ADVERTS)["adverts"]

    assert told(caller, ADVERTS, statuses="-1,8")["adverts"] == [one for one in every if one["status"] in {-1, 8}]
    assert told(caller, ADVERTS, payment_type="cpc")["adverts"] == [one for one in every if one["settings"]["payment_type"] == "cpc"]
    assert told(caller, ADVERTS, ids="5")["adverts"] == []


@pytest.mark.parametrize(
    "params", [{"ids": "a"}, {"ids": ""}, {"statuses": "5"}, {"payment_type": "cpa"}, {"id": "5"}, {"ids": "5", "limit": 3}], ids=str
)
def test_wrong_questions_about_campaigns_are_refused(caller: Caller, params: dict[str, object]) -> None:
    refused = ask(caller, ADVERTS, **params)

    assert refused.status == 400
    assert refused.json().keys() == {"detail", "origin", "request_id", "status", "title"}  # type: ignore[attr-defined]


def figures(caller: Caller, numbers: list[int], **params: object) -> list[dict[str, Any]]:
    return [one for start in range(0, len(numbers), 50) for one in told(caller, STATS, ids=csv(numbers[start : start + 50]), **params)]


def test_figures_add_up_and_silent_campaigns_are_missing(caller: Caller) -> None:
    numbers = with_status(caller, 7, 9, 11)
    found = figures(caller, numbers, **MONTH)

    assert 0 < len(found) < len(numbers)
    assert {one["advertId"] for one in found} < set(numbers)
    for one in found:
        for key in ("views", "clicks", "atbs", "orders", "shks", "canceled", "sum", "sum_price"):
            days = sum(Decimal(str(day[key])) for day in one["days"])
            apps = sum(Decimal(str(app[key])) for day in one["days"] for app in day["apps"])
            cards = sum(Decimal(str(card[key])) for day in one["days"] for app in day["apps"] for card in app["nms"])
            assert Decimal(str(one[key])) == days == apps == cards, key
    told_days = [date.fromisoformat(day["date"].removesuffix("T00:00:00Z")) for one in found for day in one["days"]]
    assert (min(told_days), max(told_days)) == (date(2026, 10, 21), date(2026, 11, 20))
    assert {app["appType"] for one in found for day in one["days"] for app in day["apps"]} == {1, 32, 64}
    assert {"boosterStats" in one for one in found} == {True, False}
    assert any([day["date"] for day in one["days"]] != sorted(day["date"] for day in one["days"]) for one in found)


def test_one_wrong_id_spoils_the_whole_batch(caller: Caller) -> None:
    right = with_status(caller, 9)[:3]
    wrong = [with_status(caller, status)[0] for status in (-1, 4, 8)]

    for number in (*wrong, 999):
        refused: Any = ask(caller, STATS, ids=csv([*right, number]), **MONTH)
        assert (refused.status, refused.json()["detail"]) == (400, "invalid ids")
    assert told(caller, STATS, ids=csv(right), **MONTH)


def test_nothing_has_three_shapes(caller: Caller) -> None:
    shapes = set()
    for number in with_status(caller, 7, 11):
        for back in range(3, 90, 29):
            day = f"{date(2026, 11, 20) - timedelta(days=back):%Y-%m-%d}"
            response = ask(caller, STATS, ids=number, beginDate=day, endDate=day)
            body: Any = response.json()
            if not isinstance(body, list):
                shapes.add((int(response.status), None if body is None else body["detail"]))

    nothing = "there are no statistics for this advertising period"
    assert shapes == {(400, nothing), (200, nothing), (200, None)}


def test_today_alone_is_refused_and_has_no_figures(caller: Caller) -> None:
    numbers = csv(with_status(caller, 9)[:20])
    refused: Any = ask(caller, STATS, ids=numbers, beginDate="2026-11-21", endDate="2026-11-21")
    found = told(caller, STATS, ids=numbers, beginDate="2026-11-20", endDate="2026-11-21")

    assert (refused.status, refused.json()["detail"]) == (400, "there are no statistics for this advertising period")
    assert {day["date"] for one in found for day in one["days"]} == {"2026-11-20T00:00:00Z"}


@pytest.mark.parametrize(
    "params",
    [
        {"ids": "1,a", **MONTH},
        {"ids": "", **MONTH},
        MONTH,
        {"ids": "7,7", **MONTH},
        {"ids": csv(list(range(51))), **MONTH},
        {"ids": "1", "beginDate": "2026-10-20", "endDate": "2026-11-20"},
        {"ids": "1", "beginDate": "2026-11-20", "endDate": "2026-11-19"},
        {"ids": "1", "beginDate": "2026-11-20", "endDate": "2026-11-22"},
        {"ids": "1", "beginDate": "20.11.2026", "endDate": "2026-11-20"},
        {"ids": "1", "beginDate": "2026-11-20"},
        {"ids": "1", "dateFrom": "2026-11-20", "dateTo": "2026-11-20"},
    ],
    ids=str,
)
def test_wrong_questions_about_figures_are_refused(caller: Caller, params: dict[str, object]) -> None:
    refused = ask(caller, STATS, **params)

    assert (refused.status, refused.content_type) == (400, "application/json")


def test_thirty_one_days_are_the_most(caller: Caller) -> None:
    number = with_status(caller, 9)[0]
    refused: Any = ask(caller, STATS, ids=number, beginDate="2026-10-20", endDate="2026-11-20").json()

    assert refused["errors"] == [{"detail": "max date range 31 days", "field": "begin and end"}]
    assert ask(caller, STATS, ids=number, **MONTH).status != 400


def test_heavy_batches_fail_until_they_are_split(caller: Caller) -> None:
    numbers = with_status(caller, 9)[:11]
    caller.core.arm([Fault(kind=FaultKind.HEAVY_BATCH)], now=caller.now)
    failed: Any = ask(caller, STATS, ids=csv(numbers), **MONTH)

    assert failed.status == 500
    assert "DeadlineExceeded" in failed.json()["detail"]
    assert ask(caller, STATS, ids=csv(numbers[:10]), **MONTH).status == 200


def test_last_days_still_move_and_older_ones_stand(caller: Caller) -> None:
    numbers = with_status(caller, 9)[:30]
    before = {(one["advertId"], day["date"]): day for one in told(caller, STATS, ids=csv(numbers), **MONTH) for day in one["days"]}
    caller.wait(30 * 3_600)
    after = {(one["advertId"], day["date"]): day for one in told(caller, STATS, ids=csv(numbers), **MONTH) for day in one["days"]}

    moved = {key[1] for key in before if before[key] != after[key]}
    assert before.keys() == after.keys()
    assert {"2026-11-20T00:00:00Z"} <= moved <= {f"2026-11-{day}T00:00:00Z" for day in (18, 19, 20)}
    assert all((before[key]["views"], before[key]["sum"]) == (after[key]["views"], after[key]["sum"]) for key in before)


def test_bills_are_those_of_the_figures(caller: Caller) -> None:
    bills = told(caller, UPD, **{"from": "2026-10-21", "to": "2026-11-20"})
    figures_ = figures(caller, with_status(caller, 7, 9, 11), beginDate="2026-10-20", endDate="2026-11-19")
    costs = {one["advertId"]: sum(int(day["sum"]) for day in one["days"]) for one in figures_}
    charged: Counter[int] = Counter()
    for bill in bills:
        if bill["paymentType"] != "Кэшбэк" or bill["updNum"]:
            charged[bill["advertId"]] += bill["updSum"]

    assert {number for number, cost in costs.items() if cost} == charged.keys()
    assert all(charged[number] <= costs[number] + len(bills) for number in charged)


def test_bills_have_no_name_and_may_be_twice(caller: Caller) -> None:
    bills = told(caller, UPD, **{"from": "2026-10-22", "to": "2026-11-21"})
    met = Counter(str(sorted(bill.items(), key=str)) for bill in bills)

    assert max(met.values()) == 2
    assert sum(bill["updNum"] == 0 for bill in bills) > len(bills) / 2
    assert {bill["updTime"] is None for bill in bills} == {True, False}
    assert {bill["paymentType"] for bill in bills} == {"Баланс", "Бонусы", "Счет", "Кэшбэк"}
    timed = [datetime.fromisoformat(bill["updTime"]) for bill in bills if bill["updTime"]]
    assert all("2026-10-22" <= f"{moment:%Y-%m-%d}" <= "2026-11-21" for moment in timed)


def test_bills_of_days_put_together_are_those_of_the_month(caller: Caller) -> None:
    whole = told(caller, UPD, **{"from": "2026-11-01", "to": "2026-11-10"})
    parts = [bill for day in range(1, 11) for bill in told(caller, UPD, **{"from": f"2026-11-{day:02}", "to": f"2026-11-{day:02}"})]

    assert parts == whole


def test_top_ups_by_every_means(caller: Caller) -> None:
    paid = [
        one
        for first, last in [("2026-08-25", "2026-09-24"), ("2026-09-25", "2026-10-25"), ("2026-10-26", "2026-11-21")]
        for one in told(caller, PAYMENTS, **{"from": first, "to": last})
    ]

    assert {one["type"] for one in paid} == {0, 1, 3}
    assert len({(one["type"], one["id"]) for one in paid}) == len(paid) == len(caller.truth("wb.campaign_payments"))
    assert len({one["id"] for one in paid}) < len(paid), "numbers are counted apart for each means"
    for one in paid:
        assert (one["cardStatus"] != "") == (one["type"] == 3) == (not one["date"].endswith("Z"))
        assert one["statusId"] == int(one["cardStatus"] in {"", "success"})


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"from": "2026-11-01"},
        {"from": "2026-11-02", "to": "2026-11-01"},
        {"from": "2026-10-21", "to": "2026-11-21"},
        {"from": "01.11.2026", "to": "2026-11-02"},
        {"from": "2026-11-01", "to": "2026-11-02", "id": "5"},
    ],
    ids=str,
)
def test_wrong_periods_are_refused_in_bare_words(caller: Caller, params: dict[str, object]) -> None:
    plain, bare = ask(caller, UPD, **params), ask(caller, PAYMENTS, **params)

    assert (plain.status, plain.content_type) == (400, "text/plain; charset=utf-8")
    assert (bare.status, bare.content_type) == (400, "application/json")
    assert bare.json() == bytes(plain.body).decode()


def test_budgets_of_campaigns_that_have_one(caller: Caller) -> None:
    mine, others = with_status(caller, 4, 9, 11)[:20], with_status(caller, 7, 8, -1)[:20]
    body: Any = caller.post(BUDGET, {"advertIds": [*mine, *others, 999]}).json()

    assert [one["advertId"] for one in body["adverts"]] == mine
    assert all(one.keys() == {"advertId", "currency", "total"} for one in body["adverts"])
    assert caller.post(BUDGET, {"advertIds": others}).json() == {"adverts": None}


@pytest.mark.parametrize(
    "body", [b"", {}, {"advertIds": []}, {"advertIds": ["1"]}, {"advertIds": list(range(51))}, {"ids": [1]}, [1]], ids=str
)
def test_wrong_questions_about_budgets_are_refused(caller: Caller, body: object) -> None:
    assert caller.post(BUDGET, body).status == 400


def test_account_has_whole_numbers_and_bonuses_with_an_end(caller: Caller) -> None:
    body = told(caller, BALANCE)

    assert body.keys() == {"balance", "net", "currency", "bonus", "cashbacks"}
    assert all(isinstance(body[key], int) for key in ("balance", "net", "bonus"))
    assert all(one.keys() == {"sum", "percent", "expiration_date"} for one in body["cashbacks"])


def test_events_move_campaigns_through_their_lives() -> None:
    caller = Caller(BUSY, event_rate=1.0)
    book = caller.core.world.sellers["busy"].adverts
    before = {one.number: one for one in book.every()}
    caller.wait(2 * 3_600)
    now = listed(caller)
    after = {one.number: one for one in book.every()}

    both = [(before[number], after[number]) for number in before]
    assert any(old.stage is Stage.RUNNING and new.stage is Stage.PAUSED for old, new in both)
    assert any(old.stage is Stage.READY and len(new.spans) > len(old.spans) for old, new in both)
    assert any(old.stage is Stage.PAUSED and len(new.spans) > len(old.spans) for old, new in both)
    assert after.keys() > before.keys() > now.keys() & before.keys(), "some are new, some are gone"
    for field in ("goods", "name", "budget"):
        assert any(getattr(old, field) != getattr(new, field) for old, new in both), field
    assert all(new.changed_at > old.changed_at for old, new in both if old.stage is not new.stage)


def test_past_days_do_not_change_with_the_campaign() -> None:
    still, moving = Caller(BUSY), Caller(BUSY, event_rate=1.0)
    for caller in (still, moving):
        caller.wait(2 * 3_600)

    def days(caller: Caller) -> dict[tuple[int, str], Any]:
        return {(row["advert_id"], row["date"]): (row["views"], row["sum"]) for row in caller.truth("wb.campaign_days")}

    assert days(still) == days(moving)
    assert [row["upd_sum"] for row in still.truth("wb.campaign_spend")] == [row["upd_sum"] for row in moving.truth("wb.campaign_spend")]


def test_deleted_campaign_is_shown_for_ten_minutes(caller: Caller) -> None:
    numbers = with_status(caller, -1)
    caller.now = BORN + timedelta(minutes=11)

    assert numbers
    assert not set(numbers) & listed(caller).keys()
    left = {row["id"]: row for row in caller.truth("wb.campaigns") if row.get("_left")}
    assert left.keys() == set(numbers)
    assert all(row["deleted"] for row in left.values())


def test_unknown_status_is_a_fault(caller: Caller) -> None:
    caller.core.arm([Fault(kind=FaultKind.UNKNOWN_VALUES, path="/api/advert/v2/adverts", count=1)], now=caller.now)

    assert {one["status"] for one in told(caller, ADVERTS)["adverts"]} == {99}
    assert 99 not in {one["status"] for one in told(caller, ADVERTS)["adverts"]}


LIMITS = [
    (COUNT, 5, "1", 900),
    (ADVERTS, 5, "1", 3_600),
    (f"{STATS}?ids=1&beginDate=2026-11-01&endDate=2026-11-02", 1, "20", 3_600),
    (f"{UPD}?from=2026-11-01&to=2026-11-02", 5, "1", 3_600),
    (f"{PAYMENTS}?from=2026-11-01&to=2026-11-02", 5, "1", 3_600),
    (BALANCE, 5, "1", 1_800),
]


@pytest.mark.parametrize("url, burst, retry, base_retry", LIMITS)
def test_limits_by_kind_of_token(caller: Caller, url: str, burst: int, retry: str, base_retry: int) -> None:
    base = caller.make(type=TokenType.BASE)

    assert 429 not in {caller.get(url).status for _ in range(burst)}
    refused = caller.get(url)
    assert (refused.status, refused.headers["X-Ratelimit-Retry"]) == (429, retry)
    assert caller.get(url, token=base).status != 429
    assert caller.get(url, token=base).headers["X-Ratelimit-Retry"] == str(base_retry)


def test_limit_of_budgets(caller: Caller) -> None:
    answers = [caller.post(BUDGET, {"advertIds": [1]}) for _ in range(5)]

    assert [answer.status for answer in answers] == [200] * 4 + [429]
    assert answers[-1].headers["X-Ratelimit-Retry"] == "3"


def test_token_without_promotion_is_401_at_the_old_gateway(caller: Caller) -> None:
    assert caller.get(COUNT, token=caller.make(categories=[Category.FINANCE])).status == 401


def test_large_seller_has_figures_for_every_campaign_and_day() -> None:
    spec = SellerSpec(name="large", title="x", cards=9, trashed=0, orders=40, large=True, campaigns=60, advert_history=timedelta(days=40))
    caller = Caller(spec)
    numbers = with_status(caller, 9)
    found = figures(caller, numbers, **MONTH)
    again = figures(caller, numbers, **MONTH)

    assert len(numbers) == len(found) == 60
    assert found == again
    days = {(row["advert_id"], f"{row['date']}T00:00:00Z"): row for row in caller.truth("wb.campaign_days")}
    assert all(days[one["advertId"], day["date"]]["views"] == day["views"] for one in found for day in one["days"])
    assert sum(len(one["days"]) for one in found) > 60 * 31 * 0.85
