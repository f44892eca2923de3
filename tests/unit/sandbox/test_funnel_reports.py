"""CSV reports of the funnel: ordering, subscription, quota, how far they are, failures, files and their age."""

from datetime import date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from mpsyncd.sandbox import Fault, FaultKind, Response, SellerSpec, TokenType
from support.sandbox_caller import SMALL, Caller
from support.sandbox_shop import REPORTS, csv_of, funnel_of

MOSCOW = timezone(timedelta(hours=3))
JAM = SellerSpec(name="jam", title="ООО Варенье", cards=30, trashed=8, orders=10, jam=True)
NAMES = {
    "openCardCount": "openCount",
    "addToCartCount": "cartCount",
    "ordersCount": "orderCount",
    "ordersSumRub": "orderSum",
    "buyoutsCount": "buyoutCount",
    "buyoutsSumRub": "buyoutSum",
    "cancelCount": "cancelCount",
    "cancelSumRub": "cancelSum",
    "addToWishlist": "addToWishlist",
}


class Desk:
    """Orders and fetches reports as one client; minds the limit of three a minute."""

    def __init__(self, *faults: Fault, spec: SellerSpec = JAM, **options: Any) -> None:
        self.caller = Caller(spec, faults=faults, **options)
        self.number = 0

    def new_id(self) -> str:
        self.number += 1
        return str(UUID(int=self.number, version=4))

    def order(self, report_id: str | None = None, *, start: str = "2026-11-01", end: str = "2026-11-20", **params: Any) -> Response:
        body = {"id": report_id or self.new_id(), "reportType": "DETAIL_HISTORY_REPORT"}
        response = self.caller.post(REPORTS, {**body, "params": {"startDate": start, "endDate": end, **params}})
        self.caller.wait(20)
        return response

    def told(self, report_id: str) -> dict[str, Any]:
        body: Any = self.caller.get(f"{REPORTS}?filter[downloadIds]={report_id}").json()
        [row] = body["data"]
        return dict(row)

    def states(self, report_id: str, *, steps: int) -> list[str]:
        states = []
        for _ in range(steps):
            states.append(self.told(report_id)["status"])
            self.caller.wait(20)
        return states

    def file(self, report_id: str) -> Response:
        response = self.caller.get(f"{REPORTS}/file/{report_id}")
        self.caller.wait(20)
        return response


def refused(response: Response, status: int) -> str:
    body: Any = response.json()
    assert (response.status, response.content_type) == (status, "application/json")
    assert set(body) == {"title", "detail", "requestId", "origin"}
    assert body["origin"] == "analytics-open-api"
    return str(body["detail"])


def test_report_goes_through_its_states_and_becomes_a_file() -> None:
    desk = Desk()
    name = desk.new_id()
    assert desk.caller.post(REPORTS, body_of(name)).status == 200

    seen = []
    for wait in (4, 6, 15, 10):
        seen.append(desk.told(name)["status"])
        desk.caller.wait(wait)
    desk.caller.wait(60)

    assert seen == ["WAITING", "WAITING", "PROCESSING", "PROCESSING"]
    ready = desk.told(name)
    file = desk.file(name)
    assert (ready["status"], ready["createdAt"], ready["size"]) == ("SUCCESS", "2026-11-21 12:00:30", len(file.body))
    assert (ready["startDate"], ready["endDate"]) == ("2026-11-01", "2026-11-20")
    assert file.content_type == "application/zip"


def body_of(name: str, **rest: Any) -> dict[str, Any]:
    return {"id": name, "reportType": "DETAIL_HISTORY_REPORT", "params": {"startDate": "2026-11-01", "endDate": "2026-11-20"}, **rest}


def test_file_tells_the_same_numbers_as_the_pages_by_day() -> None:
    desk = Desk()
    desk.caller.bare("POST", "/_freeze")
    name = desk.new_id()
    desk.order(name, start="2026-11-18", end="2026-11-20")
    desk.caller.wait(60)
    header, *lines = csv_of(desk.file(name).body)

    keys = header.split(", ")
    rows = [dict(zip(keys, line.split(","), strict=False)) for line in lines]
    assert keys[0] == "nmID"
    assert keys[-1] == "currency"
    for day in ("2026-11-18", "2026-11-19", "2026-11-20"):
        pages = {row["product"]["nmId"]: row["statistic"]["selected"] for row in funnel_of(desk.caller, day, day)}
        of_day = {int(row["nmID"]): row for row in rows if row["dt"] == day}
        assert of_day.keys() == pages.keys()
        for nm_id, row in of_day.items():
            assert {NAMES[key]: int(row[key]) for key in NAMES} == {key: pages[nm_id][key] for key in NAMES.values()}
            assert int(row["buyoutPercent"]) == pages[nm_id]["conversions"]["buyoutPercent"]


def test_some_lines_lack_their_last_cell_and_young_cards_their_first_days() -> None:
    desk = Desk()
    name = desk.new_id()
    desk.order(name, start="2025-11-22", end="2026-11-20")
    desk.caller.wait(60)
    _, *lines = csv_of(desk.file(name).body)

    assert {line.endswith(",RUB") for line in lines} == {True, False}
    assert {line.count(",") for line in lines} == {13, 14}
    first: dict[int, str] = {}
    for line in lines:
        nm_id, day, *_ = line.split(",")
        first.setdefault(int(nm_id), day)
    made = {row["nm_id"]: datetime.fromisoformat(row["created_at"]).astimezone(MOSCOW).date() for row in desk.caller.truth("wb.cards")}
    young = {nm_id for nm_id, day in made.items() if day > date(2025, 11, 22)}
    assert young
    assert all(first[nm_id] == (made[nm_id].isoformat() if nm_id in young else "2025-11-22") for nm_id in made)


def test_report_may_be_of_some_cards_only() -> None:
    desk = Desk()
    cards = desk.caller.truth("wb.cards")
    wanted = [card["nm_id"] for card in cards if not card["deleted"]][:3]
    some, living = desk.new_id(), desk.new_id()
    desk.order(some, nmIDs=wanted)
    desk.order(living, nmIDs=[], skipDeletedNm=True)
    desk.caller.wait(60)

    def articles(name: str) -> set[int]:
        return {int(line.split(",")[0]) for line in csv_of(desk.file(name).body)[1:]}

    assert articles(some) == set(wanted)
    assert not articles(living) & {card["nm_id"] for card in cards if card["deleted"]}


def test_numbers_are_those_of_the_moment_of_the_order() -> None:
    desk = Desk()
    name = desk.new_id()
    desk.order(name, start="2026-11-21", end="2026-11-21")
    desk.caller.wait(timedelta(hours=9).total_seconds())
    late = desk.new_id()
    desk.order(late, start="2026-11-21", end="2026-11-21")
    desk.caller.wait(60)

    assert csv_of(desk.file(name).body) != csv_of(desk.file(late).body)


def test_reports_need_the_subscription() -> None:
    desk = Desk(spec=SMALL)

    assert refused(desk.order(), 403) == "Authorization error"
    assert desk.caller.get(REPORTS).json() == {"data": []}


def test_subscription_may_end_in_the_middle() -> None:
    desk = Desk()
    name = desk.new_id()
    desk.order(name)
    desk.caller.wait(60)
    desk.caller.core.arm([Fault(kind=FaultKind.JAM_LOST, path="/api/v2/nm-report/downloads/file")], now=desk.caller.now)

    assert desk.told(name)["status"] == "SUCCESS"
    refused(desk.file(name), 403)
    assert desk.order().status == 200


def test_twenty_reports_a_moscow_day() -> None:
    desk = Desk()
    assert [desk.order().status for _ in range(20)] == [200] * 20

    detail = refused(desk.order(), 429)

    assert detail == "The daily response limit has been exceeded. The maximum number is 20."
    assert desk.caller.stats()["throttled"] == 0, "no limiter refused this"
    desk.caller.wait(timedelta(hours=11, minutes=50).total_seconds())
    assert desk.order().status == 429
    desk.caller.wait(600)
    assert desk.order().status == 200


def test_scale_makes_reports_and_days_of_the_quota_faster() -> None:
    desk = Desk(limit_scale=100)
    names = [desk.new_id() for _ in range(20)]
    for name in names:
        assert desk.caller.post(REPORTS, body_of(name)).status == 200
        desk.caller.wait(0.2)

    assert desk.told(names[0])["status"] == "SUCCESS"
    desk.caller.wait(864)
    assert desk.order().status == 200


def test_wrong_orders_do_not_use_the_quota_up() -> None:
    desk = Desk()
    for _ in range(25):
        assert desk.order("no id").status == 400

    assert desk.order().status == 200


def test_id_is_taken_once() -> None:
    desk = Desk()
    name = desk.new_id()
    desk.order(name)

    assert "already" in refused(desk.order(name), 400)


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": "42"},
        {"reportType": "GROUPED_HISTORY_REPORT"},
        {"reportType": None},
        {"params": None},
        {"params": {}},
        {"params": {"startDate": "2026-11-01"}},
        {"params": {"startDate": "2026-11-02", "endDate": "2026-11-01"}},
        {"params": {"startDate": "2025-11-20", "endDate": "2026-11-01"}},
        {"params": {"startDate": "2026-11-01", "endDate": "2026-11-22"}},
        {"params": {"startDate": "2026-11-01", "endDate": "2026-11-01", "timezone": "Moscow"}},
        {"params": {"startDate": "2026-11-01", "endDate": "2026-11-01", "aggregationLevel": "hour"}},
        {"params": {"startDate": "2026-11-01", "endDate": "2026-11-01", "nmIds": [1]}},
        {"params": {"startDate": "2026-11-01", "endDate": "2026-11-01", "nmIDs": [1] * 1_001}},
        {"userReportName": "отчёт \N{GRINNING FACE}"},
        {"name": "x"},
    ],
)
def test_misshapen_orders_are_refused(change: dict[str, Any]) -> None:
    desk = Desk()
    body = {key: value for key, value in (body_of(desk.new_id()) | change).items() if value is not None}

    assert refused(desk.caller.post(REPORTS, body), 400)


def test_names_are_the_callers_when_it_gives_one() -> None:
    desk = Desk()
    name = desk.new_id()
    desk.caller.post(REPORTS, body_of(name, userReportName="Воронка за ноябрь"))

    assert desk.told(name)["name"] == "Воронка за ноябрь"


@pytest.mark.parametrize("query", ["?filter[downloadIds]=x", "?ids=1", f"?filter[downloadIds]={UUID(int=5, version=4)}"])
def test_unknown_reports_can_not_be_asked_for(query: str) -> None:
    refused(Desk().caller.get(f"{REPORTS}{query}"), 400)


def test_all_reports_are_listed_without_a_filter() -> None:
    desk = Desk()
    names = [desk.new_id() for _ in range(3)]
    for name in names:
        desk.order(name)

    listed: Any = desk.caller.get(REPORTS).json()

    assert [row["id"] for row in listed["data"]] == names
    both: Any = desk.caller.get(f"{REPORTS}?filter[downloadIds]={names[0]}&filter[downloadIds]={names[2]}").json()
    assert [row["id"] for row in both["data"]] == [names[0], names[2]]


def test_failed_report_is_made_again_on_request() -> None:
    desk = Desk(Fault(kind=FaultKind.REPORT_FAILED, count=1))
    name = desk.new_id()
    desk.order(name)
    assert desk.states(name, steps=3) == ["PROCESSING", "FAILED", "FAILED"]
    assert "not ready" in refused(desk.file(name), 400)

    again = desk.caller.post(f"{REPORTS}/retry", {"downloadId": name})

    assert again.status == 200
    assert desk.states(name, steps=3) == ["RETRY", "PROCESSING", "SUCCESS"]
    assert desk.file(name).status == 200
    assert desk.caller.stats()["sellers"]["jam"]["faults"] == {"report_failed": 1}


def test_vendor_may_need_a_second_attempt_of_its_own() -> None:
    desk = Desk(Fault(kind=FaultKind.REPORT_RETRY, count=1))
    name = desk.new_id()
    desk.order(name)

    assert desk.states(name, steps=3) == ["PROCESSING", "RETRY", "SUCCESS"]


def test_only_failed_reports_are_made_again() -> None:
    desk = Desk()
    name = desk.new_id()
    desk.order(name)

    for body in ({"downloadId": name}, {"downloadId": desk.new_id()}, {"downloadId": "x"}, {}, b"["):
        assert "invalid download id" in refused(desk.caller.post(f"{REPORTS}/retry", body), 400)
        desk.caller.wait(20)


def test_files_are_kept_for_two_days() -> None:
    desk = Desk()
    name = desk.new_id()
    desk.order(name)
    desk.caller.wait(timedelta(hours=47).total_seconds())
    assert desk.file(name).status == 200

    desk.caller.wait(timedelta(hours=1).total_seconds())

    refused(desk.file(name), 404)
    assert "check correctness" in refused(desk.file(desk.new_id()), 400)


def test_log_tells_reports_by_the_path_of_the_method() -> None:
    desk = Desk()
    desk.file(desk.new_id())

    assert desk.caller.bare("GET", "/_requests")["requests"][0]["path"] == "/api/v2/nm-report/downloads/file/{downloadId}"
    assert desk.caller.post(f"{REPORTS}/file/x", {}).status == 405
    assert desk.caller.get(f"{REPORTS}/file/x/y").status == 404


def test_base_token_orders_one_report_an_hour() -> None:
    desk = Desk()
    base = desk.caller.make(type=TokenType.BASE)

    assert desk.caller.post(REPORTS, body_of(desk.new_id()), token=base).status == 200
    late = desk.caller.post(REPORTS, body_of(desk.new_id()), token=base)
    assert (late.status, late.headers["X-RateLimit-Retry"]) == (429, "3600")
