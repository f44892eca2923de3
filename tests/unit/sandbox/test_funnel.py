"""The sales funnel: days that fill up and settle, cards by day, sorting, periods, the week's history."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from mpsyncd.sandbox import Response
from mpsyncd.sandbox.world.funnel import SETTLED_HOURS, Funnel, Traffic, together
from support.sandbox_caller import BORN, PAGED, SMALL, Caller
from support.sandbox_shop import FUNNEL, HISTORY, funnel_of

DAY = date(2026, 11, 20)
COUNTS = ("openCount", "cartCount", "orderCount", "orderSum", "buyoutCount", "buyoutSum", "cancelCount", "cancelSum", "addToWishlist")


def selected(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = row["statistic"]["selected"]
    return found


def numbers(caller: Caller, start: str, end: str, **rest: Any) -> dict[int, dict[str, Any]]:
    return {row["product"]["nmId"]: selected(row) for row in funnel_of(caller, start, end, **rest)}


def history(caller: Caller, articles: list[int], start: str, end: str) -> Response:
    response = caller.post(HISTORY, {"selectedPeriod": {"start": start, "end": end}, "nmIds": articles})
    caller.wait(20)
    return response


def test_traffic_depends_on_seller_card_day_and_age_only() -> None:
    one, same, other = (Funnel(seed=seed) for seed in ("a", "a", "b"))
    days = range(DAY.toordinal() - 50, DAY.toordinal())

    assert [one.day(7, day, hours=5_000) for day in days] == [same.day(7, day, hours=5_000) for day in reversed(days)][::-1]
    assert [one.day(7, day, hours=5_000) for day in days] != [other.day(7, day, hours=5_000) for day in days]
    assert len({one.day(7, day, hours=5_000) for day in days}) > 40


def test_day_fills_up_and_its_orders_are_settled_within_two_weeks() -> None:
    funnel = Funnel(seed="a")
    cards = range(1, 60)

    def whole(hours: int) -> Traffic:
        return together(funnel.day(card, DAY.toordinal(), hours=hours) for card in cards)

    grown = [whole(hours) for hours in range(0, SETTLED_HOURS + 50, 6)]
    assert whole(-1) == whole(0) == Traffic()
    assert whole(24).buyouts == whole(24).cancels == 0 < whole(24).orders < whole(72).orders == whole(SETTLED_HOURS).orders
    assert all(earlier.opens <= later.opens and earlier.buyouts <= later.buyouts for earlier, later in pairwise(grown))
    assert whole(SETTLED_HOURS - 48) != whole(SETTLED_HOURS) == whole(SETTLED_HOURS + 5_000)
    for one in grown:
        assert one.opens >= one.carts >= one.orders >= one.buyouts + one.cancels
        assert one.club_orders <= one.orders


def test_numbers_stand_still_between_whole_hours_and_move_with_them() -> None:
    caller = Caller(PAGED)
    at_noon = numbers(caller, "2026-11-18", "2026-11-21")
    caller.wait(3_500 - 20)
    still = numbers(caller, "2026-11-18", "2026-11-21")
    caller.wait(100)
    later = numbers(caller, "2026-11-18", "2026-11-21")

    assert at_noon == still != later


def test_frozen_world_has_frozen_numbers() -> None:
    caller = Caller(PAGED)
    caller.bare("POST", "/_freeze")
    before = numbers(caller, "2026-11-18", "2026-11-21")
    caller.wait(timedelta(hours=7).total_seconds())

    assert numbers(caller, "2026-11-18", "2026-11-21") == before


def test_past_days_change_for_two_weeks_and_then_no_more() -> None:
    caller = Caller(PAGED)
    recent, settled = numbers(caller, "2026-11-10", "2026-11-10"), numbers(caller, "2026-11-07", "2026-11-07")
    caller.wait(timedelta(days=2).total_seconds())

    assert numbers(caller, "2026-11-10", "2026-11-10") != recent
    assert numbers(caller, "2026-11-07", "2026-11-07") == settled


def test_cards_that_were_not_made_yet_are_not_there() -> None:
    caller = Caller(PAGED)
    made = {card["nm_id"]: datetime.fromisoformat(card["created_at"]) for card in caller.truth("wb.cards")}
    day = datetime(2026, 5, 1, tzinfo=UTC)

    told = numbers(caller, "2026-05-01", "2026-05-01")

    assert told
    assert all(made[nm_id] < day + timedelta(days=1) for nm_id in told)
    assert {nm_id for nm_id, at in made.items() if at < day} <= told.keys() < made.keys()


def test_period_is_the_sum_of_its_days() -> None:
    caller = Caller(SMALL)
    week = numbers(caller, "2026-11-01", "2026-11-07")
    days = [numbers(caller, f"2026-11-0{number}", f"2026-11-0{number}") for number in range(1, 8)]

    for nm_id, one in week.items():
        for name in COUNTS:
            assert one[name] == sum(day[nm_id][name] for day in days if nm_id in day), name
        assert one["period"] == {"start": "2026-11-01", "end": "2026-11-07"}
        assert one["avgOrdersCountPerDay"] == pytest.approx(one["orderCount"] / 7, abs=0.01)
    assert sum(one["shareOrderPercent"] for one in week.values()) == pytest.approx(100, abs=0.2)


def test_cards_in_the_bin_are_told_unless_they_are_to_be_skipped() -> None:
    caller = Caller(PAGED)
    trashed = {card["nm_id"] for card in caller.truth("wb.trashed_cards")}

    assert trashed & numbers(caller, "2026-11-20", "2026-11-20").keys()
    assert not trashed & numbers(caller, "2026-11-20", "2026-11-20", skipDeletedNm=True).keys()


def test_pages_come_by_the_number_they_are_sorted_by() -> None:
    caller = Caller(PAGED)
    everything = funnel_of(caller, "2026-11-20", "2026-11-20")

    opens = [selected(row)["openCount"] for row in everything]
    assert opens == sorted(opens, reverse=True)
    assert funnel_of(caller, "2026-11-20", "2026-11-20", limit=100, offset=100) == everything[100:200]
    assert opens[-1] == opens[-2], "a tie, in which pages may shift"
    body: Any = caller.post(FUNNEL, {"selectedPeriod": {"start": "2026-11-20", "end": "2026-11-20"}}).json()
    assert len(body["data"]["products"]) == 50
    caller.wait(20)
    rising = funnel_of(caller, "2026-11-20", "2026-11-20", orderBy={"field": "wbClub.orderSum", "mode": "asc"})
    sums = [selected(row)["wbClub"]["orderSum"] for row in rising]
    assert sums == sorted(sums)
    assert sums[-1] > 0


@pytest.mark.parametrize("field", ["timeToReady", "stockWbQty", "stockMpQty", "avgPrice", "wbClub.avgOrderCountPerDay", "addToWishlist"])
def test_products_can_be_sorted_by_every_field(field: str) -> None:
    assert len(funnel_of(Caller(), "2026-11-20", "2026-11-20", orderBy={"field": field, "mode": "desc"})) >= SMALL.cards


def test_batches_by_article_need_no_offset() -> None:
    caller = Caller(PAGED)
    everything = numbers(caller, "2026-11-20", "2026-11-20")
    batch = list(everything)[100:200]

    assert numbers(caller, "2026-11-20", "2026-11-20", nmIds=batch) == {nm_id: everything[nm_id] for nm_id in batch}


def test_period_to_compare_with_is_told_beside() -> None:
    caller = Caller()
    [first, *_] = funnel_of(caller, "2026-11-20", "2026-11-20", pastPeriod={"start": "2026-11-13", "end": "2026-11-13"})

    assert first["statistic"]["past"] == numbers(caller, "2026-11-13", "2026-11-13")[first["product"]["nmId"]]


def test_stocks_beside_the_numbers_are_those_of_the_stock_reports() -> None:
    caller = Caller()
    units: dict[str, dict[int, int]] = {"wb.stocks": {}, "wb.seller_stocks": {}}
    for table, sums in units.items():
        for row in caller.truth(table):
            sums[row["nm_id"]] = sums.get(row["nm_id"], 0) + row["quantity"]

    for row in funnel_of(caller, "2026-11-20", "2026-11-20", skipDeletedNm=True):
        nm_id, told = row["product"]["nmId"], row["product"]["stocks"]
        assert (told["wb"], told["mp"]) == (units["wb.stocks"].get(nm_id, 0), units["wb.seller_stocks"].get(nm_id, 0))


PERIOD = {"start": "2026-11-20", "end": "2026-11-20"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"selectedPeriod": {"start": "2026-11-20"}},
        {"selectedPeriod": {"start": "2026-11-20", "end": "2026-11-19"}},
        {"selectedPeriod": {"start": "2025-11-20", "end": "2025-11-20"}},
        {"selectedPeriod": {"start": "2026-11-22", "end": "2026-11-22"}},
        {"selectedPeriod": {"start": "20.11.2026", "end": "20.11.2026"}},
        {"selectedPeriod": {"start": "2026-11-20T00:00:00Z", "end": "2026-11-20"}},
        {"selectedPeriod": PERIOD, "limit": 1_001},
        {"selectedPeriod": PERIOD, "nmIds": [1] * 1_001},
        {"selectedPeriod": PERIOD, "orderBy": {"field": "openCard"}},
        {"selectedPeriod": PERIOD, "orderBy": {"field": "price", "mode": "asc"}},
        {"selectedPeriod": PERIOD, "pastPeriod": {"start": "2026-11-13"}},
        {"selectedPeriod": PERIOD, "page": 1},
        b"nothing",
    ],
)
def test_misshapen_requests_are_refused(body: Any) -> None:
    response = Caller().post(FUNNEL, body)

    assert (response.status, response.content_type) == (400, "application/json")
    assert set(response.json() or ()) == {"title", "detail", "requestId", "origin"}  # type: ignore[call-overload]


def test_oldest_day_is_a_year_ago() -> None:
    caller = Caller(PAGED)

    assert caller.post(FUNNEL, {"selectedPeriod": {"start": "2025-11-21", "end": "2025-11-21"}}).status == 200


def test_history_tells_the_same_numbers_by_day() -> None:
    caller = Caller()
    articles = [row["nm_id"] for row in caller.truth("wb.cards")][:5]
    told: Any = history(caller, articles, "2026-11-14", "2026-11-20").json()

    assert {one["product"]["nmId"] for one in told} == set(articles)
    assert all(len(one["history"]) == 7 for one in told)
    for day in range(14, 21):
        right = numbers(caller, f"2026-11-{day}", f"2026-11-{day}")
        for one in told:
            row, expected = one["history"][day - 14], right[one["product"]["nmId"]]
            assert row["date"] == f"2026-11-{day}"
            assert all(row[name] == expected[name] for name in COUNTS[:6])
            assert row["buyoutPercent"] == expected["conversions"]["buyoutPercent"]
            assert row["addToCartConversion"] == expected["conversions"]["addToCartPercent"]


@pytest.mark.parametrize(
    "articles, start, end",
    [([], "2026-11-20", "2026-11-20"), ([1] * 21, "2026-11-20", "2026-11-20"), ([1], "2026-11-13", "2026-11-20"), ([1], "2026-11-20", "x")],
)
def test_history_knows_twenty_articles_and_a_week(articles: list[int], start: str, end: str) -> None:
    assert history(Caller(), articles, start, end).status == 400


def test_unknown_articles_are_left_out() -> None:
    caller = Caller()

    assert history(caller, [1], "2026-11-20", "2026-11-20").json() == []
    assert funnel_of(caller, "2026-11-20", "2026-11-20", nmIds=[1]) == []


def test_truth_has_every_day_since_a_year_ago() -> None:
    caller = Caller()
    caller.wait(timedelta(days=1).total_seconds())
    rows = caller.truth("wb.funnel")

    days = {row["day"] for row in rows}
    assert (min(days), max(days)) == ("2025-11-20", "2026-11-22")
    assert {row["day"] for row in rows if not row.get("_left")} == {day for day in days if day > "2025-11-22"}
    trashed = {row["nm_id"] for row in caller.truth("wb.trashed_cards")}
    assert all(row.get("_left") for row in rows if row["nm_id"] in trashed)
    assert BORN.date() < date.fromisoformat(max(days))
