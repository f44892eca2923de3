"""Questions, feedbacks, claims and returns of goods: which list tells what, how far a page reaches, what is refused."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from mpsyncd.sandbox import Category, Response, SellerSpec, TokenType
from support.sandbox_caller import BORN, Caller

FEEDBACKS_API = "/wb/feedbacks-api/api/v1"
QUESTIONS, FEEDBACKS, ARCHIVE = f"{FEEDBACKS_API}/questions", f"{FEEDBACKS_API}/feedbacks", f"{FEEDBACKS_API}/feedbacks/archive"
CLAIMS, RETURNS = "/wb/returns-api/api/v1/claims", "/wb/seller-analytics-api/api/analytics/v1/item-returns"
LOUD = SellerSpec(name="loud", title="ИП Отзывы", cards=20, trashed=0, orders=150, questions=250, feedbacks=400, claims=230, returns=120)
EVERY = {"take": 5_000, "skip": 0}
PERIOD = {"dateFrom": "2026-01-01", "dateTo": "2026-12-31"}


@pytest.fixture(scope="module")
def caller() -> Caller:
    return Caller(LOUD)


def ask(caller: Caller, url: str, **params: object) -> Response:
    caller.wait(60)
    return caller.get(f"{url}?{urlencode(params)}")


def told(caller: Caller, url: str, **params: object) -> Any:
    response = ask(caller, url, **params)
    assert response.status == 200, response.body
    body: Any = response.json()
    return body.get("data", body)


def test_questions_with_and_without_an_answer_are_all(caller: Caller) -> None:
    both = {answered: told(caller, QUESTIONS, isAnswered=answered, **EVERY) for answered in ("true", "false")}
    truth = {row["id"]: row for row in caller.truth("wb.questions")}

    for answered, data in both.items():
        rows = {row["id"]: row for row in data["questions"]}
        assert rows.keys() == {number for number, row in truth.items() if (row["state"] == "suppliersPortalSynch") == (answered == "false")}
        assert data["countUnanswered"] == len(both["false"]["questions"])
        assert data["countArchive"] == len(both["true"]["questions"])
        for number, row in rows.items():
            assert abs(datetime.fromisoformat(row["createdDate"]) - datetime.fromisoformat(truth[number]["created_date"])) < timedelta(
                microseconds=1
            )
            assert len(row["createdDate"]) == len("2022-02-01T11:18:08.769513469Z")
            assert (row["answer"], row["state"]) == (truth[number]["answer"], truth[number]["state"])
    assert {row["state"] for row in truth.values()} == {"none", "wbRu", "suppliersPortalSynch"}


@pytest.mark.parametrize("url, name", [(QUESTIONS, "questions"), (FEEDBACKS, "feedbacks")])
def test_pages_in_both_orders_and_by_time_and_card(caller: Caller, url: str, name: str) -> None:
    newest = told(caller, url, isAnswered="true", **EVERY)[name]
    oldest = told(caller, url, isAnswered="true", order="dateAsc", **EVERY)[name]
    stamps = [datetime.fromisoformat(row["createdDate"]) for row in newest]

    assert stamps == sorted(stamps, reverse=True)
    assert {row["id"] for row in newest} == {row["id"] for row in oldest}
    assert oldest[0]["createdDate"] == newest[-1]["createdDate"]
    assert told(caller, url, isAnswered="true", take=7, skip=5)[name] == newest[5:12]
    assert told(caller, url, isAnswered="true", take=7, skip=5_000)[name] == []
    first, last = int(stamps[40].timestamp()), int(stamps[20].timestamp())
    some = told(caller, url, isAnswered="true", dateFrom=first, dateTo=last, **EVERY)[name]
    assert {row["id"] for row in some} == {
        row["id"] for row, at in zip(newest, stamps, strict=True) if first <= int(at.timestamp()) <= last
    }
    card = newest[0]["productDetails"]["nmId"]
    mine = told(caller, url, isAnswered="true", nmId=card, **EVERY)[name]
    assert mine == [row for row in newest if row["productDetails"]["nmId"] == card]


def test_feedbacks_of_three_lists_are_all(caller: Caller) -> None:
    waiting = told(caller, FEEDBACKS, isAnswered="false", **EVERY)
    answered = told(caller, FEEDBACKS, isAnswered="true", **EVERY)
    archive = told(caller, ARCHIVE, **EVERY)
    names = [{row["id"] for row in data["feedbacks"]} for data in (waiting, answered, archive)]
    truth = {row["id"]: row for row in caller.truth("wb.feedbacks")}

    assert names[0] | names[1] | names[2] == truth.keys()
    assert not names[0] & names[2]
    assert names[1] < names[2], "what nobody answered in time, and what has no words, is in the archive only"
    assert (waiting["countUnanswered"], waiting["countArchive"]) == (len(names[0]), len(names[2]))
    for row in (*waiting["feedbacks"], *archive["feedbacks"]):
        known = truth[row["id"]]
        assert (row["text"], row["photoLinks"], row["video"], row["bables"]) == (
            known["text"],
            known["photo_links"],
            known["video"],
            known["bables"],
        )
        assert (row["state"] == "wbRu") == (row["answer"] is not None)
        assert datetime.fromisoformat(row["createdDate"]) == datetime.fromisoformat(known["created_date"])
    links = {(row["id"], row["childFeedbackId"]) for row in truth_rows(archive, waiting) if row["childFeedbackId"]}
    assert links
    assert links == {(row["parentFeedbackId"], row["id"]) for row in truth_rows(archive, waiting) if row["parentFeedbackId"]}


def truth_rows(*lists: Any) -> list[dict[str, Any]]:
    return [row for data in lists for row in data["feedbacks"]]


@pytest.mark.parametrize(
    "url, params",
    [
        (QUESTIONS, {"isAnswered": "true", "take": 10_001, "skip": 0}),
        (QUESTIONS, {"isAnswered": "true", "take": 5_000, "skip": 5_001}),
        (FEEDBACKS, {"isAnswered": "true", "take": 5_001, "skip": 0}),
        (FEEDBACKS, {"isAnswered": "true", "take": 10, "skip": 199_991}),
        (ARCHIVE, {"take": 5_001, "skip": 0}),
        (ARCHIVE, {"take": 5, "skip": 0, "isAnswered": "true"}),
        *(
            (url, params)
            for url in (QUESTIONS, FEEDBACKS)
            for params in (
                {"take": 5, "skip": 0},
                {"isAnswered": "true", "take": 5},
                {"isAnswered": "true", "skip": 5},
                {"isAnswered": "1", "take": 5, "skip": 0},
                {"isAnswered": "true", "take": -5, "skip": 0},
                {"isAnswered": "true", "take": 5, "skip": 0, "order": "asc"},
                {"isAnswered": "true", "take": 5, "skip": 0, "dateFrom": "2026-01-01"},
                {"isAnswered": "true", "take": 5, "skip": 0, "limit": 5},
            )
        ),
    ],
    ids=str,
)
def test_wrong_questions_are_refused(caller: Caller, url: str, params: dict[str, object]) -> None:
    refused = ask(caller, url, **params)
    body: Any = refused.json()

    assert (refused.status, body["error"], body["data"]) == (400, True, None)
    assert body["errorText"]


def test_caps_are_the_last_that_is_taken(caller: Caller) -> None:
    assert ask(caller, QUESTIONS, isAnswered="true", take=10_000, skip=0).status == 200
    assert ask(caller, FEEDBACKS, isAnswered="true", take=5_000, skip=199_990).status == 200


def test_claims_wait_or_are_decided_and_are_told_for_two_weeks(caller: Caller) -> None:
    both = {archived: told(caller, CLAIMS, is_archive=archived, limit=200) for archived in ("true", "false")}
    truth = {row["id"]: row for row in caller.truth("wb.claims")}
    told_ = {row["id"]: row for data in both.values() for row in data["claims"]}

    assert told_.keys() == {number for number, row in truth.items() if not row.get("_left")} < truth.keys()
    assert {row["status"] for row in both["false"]["claims"]} == {0}
    assert {row["status"] for row in both["true"]["claims"]} == {1, 2}
    assert all(bool(row["actions"]) == (row["status"] == 0) for row in told_.values())
    for number, row in told_.items():
        at = datetime.fromisoformat(f"{row['dt']}+03:00")
        assert at == datetime.fromisoformat(truth[number]["dt"])
        assert at > BORN - timedelta(days=14, hours=1)


def test_claims_come_in_pages_and_by_card(caller: Caller) -> None:
    every = told(caller, CLAIMS, is_archive="false", limit=200)

    assert every["total"] == len(every["claims"]) > 50
    assert len(told(caller, CLAIMS, is_archive="false")["claims"]) == 50
    assert told(caller, CLAIMS, is_archive="false", limit=7, offset=3)["claims"] == every["claims"][3:10]
    card = every["claims"][0]["nm_id"]
    mine = told(caller, CLAIMS, is_archive="false", nm_id=card, limit=200)
    assert mine["claims"] == [row for row in every["claims"] if row["nm_id"] == card]
    assert mine["total"] == len(mine["claims"])


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"is_archive": "yes"},
        {"is_archive": "true", "limit": 0},
        {"is_archive": "true", "limit": 201},
        {"is_archive": "true", "offset": -1},
        {"is_archive": "true", "nm_id": "a"},
        {"is_archive": "true", "take": 5},
    ],
    ids=str,
)
def test_wrong_questions_about_claims_are_refused(caller: Caller, params: dict[str, object]) -> None:
    refused = ask(caller, CLAIMS, **params)
    body: Any = refused.json()

    assert (refused.status, refused.content_type, body["title"]) == (400, "application/problem+json", "Invalid query params")


def test_returns_by_day_and_status(caller: Caller) -> None:
    every = told(caller, RETURNS, **PERIOD)
    truth = {row["srid"]: row for row in caller.truth("wb.item_returns")}

    assert every["count"] == len(every["report"]) == len(truth) == 120
    active, archive = (told(caller, RETURNS, status=status, **PERIOD)["report"] for status in ("active", "archive"))
    assert {row["srid"] for row in active} | {row["srid"] for row in archive} == truth.keys()
    assert all((row["completedDt"] is None) == (row in active) for row in every["report"])
    assert {row["returnStatus"] for row in every["report"]} == {"В пути в пвз", "Готов к выдаче", "Выдано"}
    assert {"returnReason" in row for row in every["report"]} == {True, False}
    assert told(caller, RETURNS, limit=10, offset=5, **PERIOD)["report"] == every["report"][5:15]
    day = every["report"][0]["orderDt"]
    assert told(caller, RETURNS, dateFrom=day, dateTo=day)["report"] == [row for row in every["report"] if row["orderDt"] == day]
    for row in every["report"]:
        assert (row["sku"], row["kiz"], row["returnStatus"]) == tuple(truth[row["srid"]][key] for key in ("sku", "kiz", "return_status"))


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"dateFrom": "2026-01-01"},
        {"dateFrom": "2026-01-02", "dateTo": "2026-01-01"},
        {"dateFrom": "yesterday", "dateTo": "2026-01-01"},
        {**PERIOD, "limit": 1_001},
        {**PERIOD, "status": "open"},
        {**PERIOD, "page": 2},
    ],
    ids=str,
)
def test_wrong_questions_about_returns_are_refused(caller: Caller, params: dict[str, object]) -> None:
    assert ask(caller, RETURNS, **params).status == 400


def test_moving_world_asks_answers_reviews_and_brings_back() -> None:
    caller = Caller(LOUD, event_rate=1.0)
    tables = ("wb.questions", "wb.feedbacks", "wb.claims", "wb.item_returns")
    keys = ("id", "id", "id", "srid")
    before = [{row[key]: row for row in caller.truth(table)} for table, key in zip(tables, keys, strict=True)]
    caller.wait(7_200)
    caller.bare("POST", "/_freeze")
    after = [{row[key]: row for row in caller.truth(table)} for table, key in zip(tables, keys, strict=True)]

    for old, new, table in zip(before, after, tables, strict=True):
        assert old.keys() < new.keys(), table
    questions, feedbacks, claims, returns = zip(before, after, strict=True)
    assert any(old["answer"] is None and questions[1][number]["answer"] for number, old in questions[0].items())
    assert any(old["child_feedback_id"] is None and feedbacks[1][number]["child_feedback_id"] for number, old in feedbacks[0].items())
    assert any(old["status"] == 0 and claims[1][number]["status"] for number, old in claims[0].items())
    assert any(old["return_status"] != returns[1][number]["return_status"] for number, old in returns[0].items())


def test_questions_and_feedbacks_share_one_bucket() -> None:
    caller = Caller(LOUD)
    urls = [f"{QUESTIONS}?isAnswered=true&take=1&skip=0", f"{FEEDBACKS}?isAnswered=true&take=1&skip=0", f"{ARCHIVE}?take=1&skip=0"]
    base = caller.make(type=TokenType.BASE)

    assert [caller.get(url).status for url in [*urls, *urls, urls[0]]] == [200] * 6 + [429]
    assert caller.get(urls[0], token=base).status == 200
    assert caller.get(urls[1], token=base).headers["X-Ratelimit-Retry"] == "720"


def test_limits_of_claims_and_returns() -> None:
    caller = Caller(LOUD)
    base = caller.make(type=TokenType.BASE)
    claims, returns = f"{CLAIMS}?is_archive=true", f"{RETURNS}?{urlencode(PERIOD)}"

    for url, header, retry, base_retry in ((claims, "X-Ratelimit-Retry", "3", "3600"), (returns, "X-RateLimit-Retry", "60", "1800")):
        assert 429 not in {caller.get(url).status for _ in range(10)}
        assert caller.get(url).headers[header] == retry
        assert caller.get(url, token=base).status == 200
        assert caller.get(url, token=base).headers[header] == base_retry


def test_tokens_without_the_category(caller: Caller) -> None:
    nobody = caller.make(categories=[Category.CONTENT])

    assert caller.get(f"{CLAIMS}?is_archive=true", token=nobody).status == 401
    assert caller.get(f"{ARCHIVE}?take=1&skip=0", token=nobody).status == 401
    assert caller.get(f"{RETURNS}?{urlencode(PERIOD)}", token=nobody).status == 403
