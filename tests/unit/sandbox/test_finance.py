"""Reports, their rows, the cost of taking payments, the balance: pages, periods, corrections, refusals, limits."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from mpsyncd.sandbox import Category, Fault, FaultKind, SellerSpec, TokenType
from mpsyncd.sandbox.world.finance_book import FinanceBook
from support.sandbox_caller import BORN, Caller

API = "/wb/finance-api/api/finance/v1"
REPORTS, DETAILED = f"{API}/sales-reports/list", f"{API}/sales-reports/detailed"
ACQUIRING, ACQUIRING_ROWS = f"{API}/acquiring/list", f"{API}/acquiring/detailed"
BALANCE = "/wb/finance-api/api/v1/account/balance"
EVER = {"dateFrom": "2024-01-29", "dateTo": "2026-12-31"}
TEN_WEEKS = SellerSpec(name="ten", title="ИП Десять Недель", cards=15, trashed=0, orders=120, weeks=10, operations=45)
METHODS = [REPORTS, DETAILED, f"{DETAILED}/1", ACQUIRING, ACQUIRING_ROWS, f"{ACQUIRING_ROWS}/1"]


def pages(caller: Caller, url: str = DETAILED, **more: Any) -> Iterator[list[dict[str, Any]]]:
    """Pages as the vendor tells to read them: the number of the last row is sent back until 204."""
    after = 0
    while True:
        response = caller.post(url, {**({} if url[-1].isdigit() else EVER), **more, "rrdId": after})
        caller.wait(60)
        if response.status == 204:
            assert response.body == b""
            return
        page: Any = response.json()
        yield page
        after = page[-1]["rrdId"]


def asked(caller: Caller, url: str, body: Any) -> Any:
    response = caller.post(url, body)
    caller.wait(60)
    return response.json() if response.status == 200 else response.status


@pytest.mark.parametrize("cap", [7, 100, 500, 100_000])
def test_walk_by_the_last_row_gives_every_row_once(cap: int) -> None:
    caller = Caller(TEN_WEEKS, finance_cap=cap)
    read = list(pages(caller))

    rows = [row["rrdId"] for page in read for row in page]
    assert len(rows) == len(set(rows)) > 400
    assert sorted(rows) == sorted(row["rrd_id"] for row in caller.truth("wb.finance"))
    assert all(len(page) == cap for page in read[:-1])
    assert rows != sorted(rows)


def test_last_row_of_a_page_is_mostly_not_the_largest() -> None:
    read = list(pages(Caller(TEN_WEEKS, finance_cap=20)))

    wrong_turns = [page for page in read if page[-1]["rrdId"] != max(row["rrdId"] for row in page)]
    assert len(wrong_turns) > len(read) // 2


def test_who_takes_the_largest_number_for_the_cursor_loses_or_repeats_rows() -> None:
    caller = Caller(TEN_WEEKS, finance_cap=20)
    after, seen = 0, []
    for _ in range(100):
        page: Any = asked(caller, DETAILED, {**EVER, "rrdId": after})
        if page == 204:
            break
        seen += [row["rrdId"] for row in page]
        after = max(row["rrdId"] for row in page)

    assert sorted(seen) != sorted(row["rrd_id"] for row in caller.truth("wb.finance"))


def test_limit_is_kept_below_the_cap() -> None:
    caller = Caller(TEN_WEEKS, finance_cap=50)

    assert len(asked(caller, DETAILED, {**EVER, "limit": 3})) == 3
    assert len(asked(caller, DETAILED, {**EVER, "limit": 100_000})) == 50


def test_only_the_fields_that_were_asked_for() -> None:
    row = asked(Caller(TEN_WEEKS), DETAILED, {**EVER, "limit": 1, "fields": ["rrdId", "srid", "currency"]})[0]

    assert row.keys() == {"rrdId", "srid", "currency"}


def test_sums_are_texts_and_percents_numbers() -> None:
    caller = Caller(TEN_WEEKS, finance_cap=100_000)
    rows = asked(caller, DETAILED, EVER)

    for key in ("retailPrice", "forPay", "deliveryService", "penalty", "paidStorage", "vw", "cashbackAmount"):
        assert all(isinstance(row[key], str) for row in rows), key
        assert any(float(row[key]) for row in rows), key
    for key in ("spp", "kvw", "commissionPercent", "sellerPromo", "acquiringPercent"):
        assert all(isinstance(row[key], int | float) for row in rows), key
    assert not any(row["forPay"].endswith("0") and "." in row["forPay"] for row in rows)
    assert {row["fixTariffDateFrom"] == "" for row in rows} == {True, False}
    assert {"kiz" in row for row in rows} == {"bonusTypeName" in row for row in rows} == {True, False}


def test_every_kind_of_operation_is_there_and_an_order_has_several_rows() -> None:
    caller = Caller(TEN_WEEKS, finance_cap=100_000)
    rows = asked(caller, DETAILED, EVER)

    bases = {row["sellerOperName"] for row in rows}
    assert bases >= {"Продажа", "Возврат", "Логистика", "Штраф", "Хранение", "Удержание", "Возмещение за выдачу и возврат товаров на ПВЗ"}
    orders = {order["srid"] for order in caller.truth("wb.orders")}
    mine = [row["srid"] for row in rows if row["srid"] in orders]
    assert len(mine) > len(set(mine)) > 10


def test_period_takes_every_report_that_it_overlaps() -> None:
    caller = Caller(TEN_WEEKS, finance_cap=100_000)
    week = [row for row in asked(caller, DETAILED, EVER) if row["dateFrom"] == "2026-11-02"]

    for first, last in [("2026-11-02", "2026-11-08"), ("2026-11-05", "2026-11-05"), ("2026-11-08T23:59:59", "2026-11-08T23:59:59.5")]:
        assert asked(caller, DETAILED, {"dateFrom": first, "dateTo": last}) == week
    assert asked(caller, DETAILED, {"dateFrom": "2026-11-08T22:00:00Z", "dateTo": "2026-11-09"})[0]["dateFrom"] == "2026-11-09"
    assert asked(caller, DETAILED, {"dateFrom": "2020-01-01", "dateTo": "2020-12-31"}) == 204


def test_report_by_its_number() -> None:
    caller = Caller(TEN_WEEKS, finance_cap=10)
    heads = asked(caller, REPORTS, EVER)
    wanted = heads[3]["reportId"]
    rows = [row for page in pages(caller, f"{DETAILED}/{wanted}") for row in page]

    assert {row["reportId"] for row in rows} == {wanted}
    assert [row for page in pages(caller) for row in page if row["reportId"] == wanted] == rows


def test_unknown_report_is_404_and_a_word_is_400() -> None:
    caller = Caller(TEN_WEEKS)

    for url in (DETAILED, ACQUIRING_ROWS):
        assert asked(caller, f"{url}/5", {}) == 404
        assert asked(caller, f"{url}/five", {}) == 400


def test_list_has_weeks_from_monday_to_sunday_and_pages_by_offset() -> None:
    caller = Caller(TEN_WEEKS)
    heads = asked(caller, REPORTS, EVER)

    assert len(heads) > 10, "some weeks have a second report"
    assert {head["reportType"] for head in heads} == {1, 2}
    for head in heads:
        first, last, made = (date.fromisoformat(head[key]) for key in ("dateFrom", "dateTo", "createDate"))
        assert (first.weekday(), (last - first).days, (made - last).days) == (0, 6, 1)
    assert asked(caller, REPORTS, {**EVER, "limit": 4, "offset": 2}) == heads[2:6]
    assert asked(caller, REPORTS, {**EVER, "offset": len(heads)}) == 204


def test_lists_are_cut_at_the_cap() -> None:
    caller = Caller(TEN_WEEKS, reports_cap=3)

    assert len(asked(caller, REPORTS, EVER)) == len(asked(caller, ACQUIRING, EVER)) == 3


def test_sums_of_a_report_are_those_of_its_rows() -> None:
    caller = Caller(TEN_WEEKS, finance_cap=100_000)
    head = asked(caller, REPORTS, EVER)[0]
    rows = asked(caller, f"{DETAILED}/{head['reportId']}", {})

    def total(key: str) -> float:
        return round(sum((-1 if row["docTypeName"] == "Возврат" else 1) * float(row[key]) for row in rows), 2)

    assert float(head["forPaySum"]) == total("forPay")
    assert float(head["retailAmountSum"]) == total("retailAmount")
    assert float(head["deliveryServiceSum"]) == total("deliveryService")
    assert float(head["paidStorageSum"]) == total("paidStorage") > 0


def test_daily_reports_have_long_numbers_and_today_has_none() -> None:
    caller = Caller(TEN_WEEKS, finance_cap=100_000)
    heads = asked(caller, REPORTS, {**EVER, "period": "daily"})

    assert heads[-1]["dateFrom"] == heads[-1]["dateTo"] == "2026-11-20"
    assert all(2**53 < head["reportId"] < 2**63 for head in heads)
    weekly = {row["rrdId"] for row in asked(caller, DETAILED, EVER)}
    daily = {row["rrdId"] for row in asked(caller, DETAILED, {**EVER, "period": "daily"})}
    assert daily > weekly, "the days of this week have no weekly report yet"


def test_new_report_appears_on_monday() -> None:
    caller = Caller(TEN_WEEKS, finance_cap=100_000)
    before = asked(caller, REPORTS, EVER)
    rows = {row["rrdId"]: row for row in asked(caller, DETAILED, EVER)}
    caller.now = datetime.fromisoformat("2026-11-23T05:59:00+03:00")
    assert asked(caller, REPORTS, EVER) == before
    after = asked(caller, REPORTS, EVER)

    assert after[: len(before)] == before
    assert {(head["dateFrom"], head["createDate"]) for head in after[len(before) :]} == {("2026-11-16", "2026-11-23")}
    now = {row["rrdId"]: row for row in asked(caller, DETAILED, EVER)}
    assert {number: now[number] for number in rows} == rows
    assert len(now) > len(rows)


def test_frozen_world_makes_no_new_report() -> None:
    caller = Caller(TEN_WEEKS)
    before = asked(caller, REPORTS, EVER)
    caller.bare("POST", "/_freeze")
    caller.wait(14 * 86_400)

    assert asked(caller, REPORTS, EVER) == before


def test_corrections_change_add_and_take_rows_of_the_last_weeks() -> None:
    caller = Caller(TEN_WEEKS, finance_cap=100_000, event_rate=1.0)
    before = {row["rrdId"]: row for row in asked(caller, DETAILED, EVER)}
    caller.wait(7_200)
    caller.bare("POST", "/_freeze")
    after = {row["rrdId"]: row for row in asked(caller, DETAILED, EVER)}

    touched = [before[number] for number in before if before[number] != after.get(number)]
    assert [number for number in after if number not in before], "added"
    assert [row for row in touched if row["rrdId"] not in after], "taken away"
    assert [row for row in touched if row["rrdId"] in after], "changed"
    assert {row["dateFrom"] for row in touched} <= {"2026-11-02", "2026-11-09"}
    truth = {row["rrd_id"]: row["deleted"] for row in caller.truth("wb.finance")}
    assert {number for number, gone in truth.items() if not gone} == after.keys()
    assert {number for number, gone in truth.items() if gone} >= before.keys() - after.keys()


def test_walk_goes_on_from_a_row_that_was_taken_away_meanwhile() -> None:
    caller = Caller(TEN_WEEKS, finance_cap=100_000, event_rate=1.0)
    caller.wait(7_200)
    caller.bare("POST", "/_freeze")
    rows = [row["rrdId"] for row in asked(caller, DETAILED, EVER)]
    book = caller.core.world.sellers["ten"].finance
    assert isinstance(book, FinanceBook)
    shown = [row for one in book.statements(caller.now) for row in book.operations(one)]
    gone = next(row for row in shown if row.gone)
    rest = [row.number for row in shown[shown.index(gone) :] if not row.gone]

    assert [row["rrdId"] for row in asked(caller, DETAILED, {**EVER, "rrdId": gone.number})] == rest == rows[-len(rest) :]


def test_acquiring_reports_come_nine_days_after_their_week() -> None:
    caller = Caller(TEN_WEEKS)
    heads = asked(caller, ACQUIRING, EVER)

    assert [(head["dateFrom"], head["createDate"]) for head in heads][-1] == ("2026-11-02", "2026-11-17")
    rows = [row for page in pages(Caller(TEN_WEEKS, finance_cap=9), ACQUIRING_ROWS) for row in page]
    assert sorted(row["rrdId"] for row in rows) == sorted(row["rrd_id"] for row in caller.truth("wb.acquiring"))
    one = asked(caller, f"{ACQUIRING_ROWS}/{heads[0]['reportId']}", {})
    assert float(heads[0]["acquiringFeeSum"]) == round(sum(float(row["acquiringFee"]) for row in one), 2) > 0


def test_balance_is_in_numbers_and_moves() -> None:
    caller = Caller(TEN_WEEKS, event_rate=1.0)
    before: Any = caller.get(BALANCE).json()
    caller.wait(3_600)
    after: Any = caller.get(BALANCE).json()

    assert before.keys() == {"currency", "current", "for_withdraw"}
    assert isinstance(before["current"], int | float)
    assert before != after


WRONG: list[Any] = [
    b"[]",
    b"{",
    {},
    {"dateFrom": "2026-11-01"},
    {"dateTo": "2026-11-01"},
    {"dateFrom": "01.11.2026", "dateTo": "2026-11-02"},
    {"dateFrom": "2026-11-31", "dateTo": "2026-12-02"},
    {"dateFrom": 20261101, "dateTo": "2026-11-02"},
    {"dateFrom": "2026-11-03", "dateTo": "2026-11-02"},
    {**EVER, "limit": 0},
    {**EVER, "limit": 100_001},
    {**EVER, "limit": "10"},
    {**EVER, "page": 1},
]
WRONG_ROWS: list[Any] = [
    {**EVER, "rrdid": 0},
    {**EVER, "rrdId": "0"},
    {**EVER, "rrdId": -1},
    {**EVER, "rrdId": 5},
    {**EVER, "fields": "rrdId"},
    {**EVER, "fields": ["rrd_id"]},
    {**EVER, "offset": 0},
]


@pytest.mark.parametrize("url", [REPORTS, DETAILED, ACQUIRING, ACQUIRING_ROWS])
def test_wrong_bodies_are_refused(url: str) -> None:
    caller = Caller(TEN_WEEKS)
    more = WRONG_ROWS if "detailed" in url else [{**EVER, "rrdId": 0}, {**EVER, "offset": -1}, {**EVER, "limit": 1_001}]

    for body in [*WRONG, *more]:
        response = caller.post(url, body)
        caller.wait(60)
        assert (response.status, response.content_type) == (400, "application/problem+json"), body
        told: Any = response.json()
        assert told.keys() == {"status", "title", "detail", "requestId", "origin"}


@pytest.mark.parametrize("url", [ACQUIRING, ACQUIRING_ROWS])
def test_acquiring_knows_no_periods(url: str) -> None:
    assert asked(Caller(TEN_WEEKS), url, {**EVER, "period": "weekly"}) == 400


@pytest.mark.parametrize("url", METHODS)
def test_each_method_has_a_bucket_of_one_a_minute(url: str) -> None:
    caller = Caller(TEN_WEEKS)
    caller.post(url, EVER)
    refused = caller.post(url, EVER)

    assert (refused.status, refused.headers["X-RateLimit-Retry"], refused.headers["X-RateLimit-Remaining"]) == (429, "60", "0")
    others = [caller.post(other, EVER).status for other in METHODS if other != url]
    assert 429 not in others


def test_base_tokens_may_read_rows_twice_a_day_and_the_balance_once() -> None:
    caller = Caller(TEN_WEEKS)
    base = caller.make(type=TokenType.BASE)

    assert caller.post(DETAILED, EVER, token=base).status == 200
    assert caller.post(DETAILED, EVER, token=base).headers["X-RateLimit-Retry"] == "43200"
    assert caller.get(BALANCE, token=base).status == 200
    assert caller.get(BALANCE, token=base).headers["X-RateLimit-Retry"] == "86400"
    for url in (REPORTS, f"{DETAILED}/1", ACQUIRING, ACQUIRING_ROWS, f"{ACQUIRING_ROWS}/1"):
        refused = caller.post(url, EVER, token=base)
        told: Any = refused.json()
        assert (refused.status, told["detail"]) == (403, "base token is not allowed")


def test_token_without_finance_is_403_at_the_new_gateway() -> None:
    caller = Caller(TEN_WEEKS)
    told: Any = caller.post(DETAILED, EVER, token=caller.make(categories=[Category.STATISTICS])).json()

    assert (told["status"], told["detail"]) == (403, "scope is not allowed for this resource")


def test_204_where_there_was_data_in_the_morning() -> None:
    caller = Caller(TEN_WEEKS)
    assert len(asked(caller, DETAILED, EVER)) > 0
    caller.core.arm([Fault(kind=FaultKind.NO_CONTENT, path="/api/finance/v1/sales-reports/detailed", count=1)], now=caller.now)

    assert asked(caller, DETAILED, EVER) == 204
    assert len(asked(caller, DETAILED, EVER)) > 0


def test_changed_types_leave_the_number_to_read_on_from() -> None:
    caller = Caller(TEN_WEEKS)
    caller.core.arm([Fault(kind=FaultKind.CHANGED_TYPES, count=1)], now=caller.now)
    row = asked(caller, DETAILED, EVER)[-1]

    assert isinstance(row["nmId"], str)
    assert asked(caller, DETAILED, {**EVER, "rrdId": row["rrdId"], "limit": 1}) != 400


def test_large_seller_has_its_pages_ready() -> None:
    spec = SellerSpec(name="large", title="x", cards=9, trashed=0, orders=40, large=True, weeks=7, operations=300)
    caller = Caller(spec, finance_cap=500)
    rows = [row for page in pages(caller) for row in page]

    assert len(rows) == len({row["rrdId"] for row in rows}) == 2_100
    assert rows[499]["rrdId"] < max(row["rrdId"] for row in rows[:500])
    truth = {row["rrd_id"]: row for row in caller.truth("wb.finance")}
    assert truth.keys() == {row["rrdId"] for row in rows}
    for row in rows[::97]:
        known = truth[row["rrdId"]]
        assert (known["srid"], known["report_id"], known["rr_date"]) == (row["srid"], row["reportId"], row["rrDate"])
        assert datetime.fromisoformat(known["sale_dt"]) == datetime.fromisoformat(row["saleDt"])
        assert (float(known["for_pay"]), known["title"], known["shk_id"]) == (float(row["forPay"]), row["title"], row["shkId"])
    assert asked(caller, DETAILED, {**EVER, "limit": 1, "fields": ["rrdId"]}) == [{"rrdId": rows[0]["rrdId"]}]
    assert asked(caller, DETAILED, {**EVER, "rrdId": 5}) == 400
    heads = asked(caller, REPORTS, EVER)
    first = [row for row in rows if row["reportId"] == heads[0]["reportId"]]
    assert float(heads[0]["penaltySum"]) == round(sum(float(row["penalty"]) for row in first), 2)
    assert asked(caller, ACQUIRING, EVER) == 204


def test_seller_without_history_has_none() -> None:
    caller = Caller(SellerSpec(name="new", title="x", cards=3, trashed=0, orders=0, weeks=0))

    assert [asked(caller, url, EVER) for url in (REPORTS, DETAILED, ACQUIRING, ACQUIRING_ROWS)] == [204] * 4
    assert asked(caller, DETAILED, {**EVER, "period": "daily"}) == 204


def test_same_seed_gives_the_same_reports() -> None:
    one, two = (Caller(TEN_WEEKS, event_rate=0.5) for _ in range(2))
    two.truth("wb.finance")
    for caller in (one, two):
        caller.now = BORN + timedelta(hours=1)

    assert one.truth("wb.finance") == two.truth("wb.finance")
    assert one.truth("wb.finance_reports") == two.truth("wb.finance_reports")
