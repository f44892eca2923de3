"""Buyer chats: the stream of events with its borders, chats that are not listed, files under moderation, limits."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mpsyncd.sandbox import Category, Fault, FaultKind, SellerSpec, TokenType
from support.sandbox_caller import BORN, Caller

API = "/wb/buyer-chat-api/api/v1/seller"
CHATS, EVENTS = f"{API}/chats", f"{API}/events"
TALKATIVE = SellerSpec(name="chats", title="ИП Разговоры", cards=20, trashed=0, orders=120, chats=60, messages=12)


@pytest.fixture
def caller() -> Caller:
    return Caller(TALKATIVE)


def page(caller: Caller, position: int | None = None) -> Any:
    caller.wait(1)
    response = caller.get(EVENTS if position is None else f"{EVENTS}?next={position}")
    assert response.status == 200, response.body
    body: Any = response.json()
    assert body["errors"] is None
    return body["result"]


def stream(caller: Caller, position: int | None = None) -> list[dict[str, Any]]:
    """Pages as the vendor tells to read them: from the beginning until one has no events."""
    pages = [page(caller, position)]
    while pages[-1]["totalEvents"]:
        pages.append(page(caller, pages[-1]["next"]))
    return pages


@pytest.mark.parametrize("size", [50, 1_000])
def test_stream_has_every_event_from_the_oldest_to_the_newest(size: int) -> None:
    caller = Caller(TALKATIVE, events_cap=size)
    pages = stream(caller)
    stamps = [event["addTimestamp"] for one in pages for event in one["events"]]

    assert {event["eventID"] for one in pages for event in one["events"]} == {row["event_id"] for row in caller.truth("wb.chat_events")}
    assert all(one["totalEvents"] == len(one["events"]) for one in pages)
    assert all(len(one["events"]) == size for one in pages[:-2])
    assert len(pages) > (10 if size == 50 else 1)
    for one in pages:
        here = [event["addTimestamp"] for event in one["events"]]
        assert here == sorted(here)
    assert min(stamps) == stamps[0]


def test_events_of_one_moment_come_twice_at_borders_of_pages_and_never_get_lost(caller: Caller) -> None:
    pages = stream(caller)
    met = Counter(event["eventID"] for one in pages for event in one["events"])

    assert max(met.values()) == 2
    for one in pages[:-1]:
        newest = one["events"][-1]["addTimestamp"]
        assert one["next"] in {newest, newest - 1}
        assert datetime.fromisoformat(one["newestEventTime"]) == datetime.fromtimestamp(newest / 1_000, UTC)


def test_last_page_is_empty_and_keeps_its_position(caller: Caller) -> None:
    last = stream(caller)[-1]
    again = page(caller, last["next"])

    assert last == again == {"next": last["next"], "totalEvents": 0, "events": []}


def test_stream_goes_on_with_what_arrives_later() -> None:
    caller = Caller(TALKATIVE, event_rate=1.0)
    caller.bare("POST", "/_freeze")
    known = {row["event_id"] for row in caller.truth("wb.chat_events")}
    position = stream(caller)[-1]["next"]
    caller.bare("POST", "/_thaw")
    caller.wait(3_600)
    caller.bare("POST", "/_freeze")
    fresh = {event["eventID"] for one in stream(caller, position) for event in one["events"]}

    assert fresh
    assert fresh == {row["event_id"] for row in caller.truth("wb.chat_events")} - known


def test_messages_that_arrive_while_the_stream_is_read_are_read_too() -> None:
    caller = Caller(TALKATIVE, event_rate=2.0)
    pages = [page(caller)]
    while pages[-1]["totalEvents"]:
        caller.wait(60 if len(pages) < 20 else 0)
        if len(pages) == 20:
            caller.bare("POST", "/_freeze")
        pages.append(page(caller, pages[-1]["next"]))

    read = {event["eventID"] for one in pages for event in one["events"]}
    assert read == {row["event_id"] for row in caller.truth("wb.chat_events")}
    assert any(event["addTimestamp"] > BORN.timestamp() * 1_000 for one in pages for event in one["events"])


def test_tie_that_fills_a_page_is_not_cut() -> None:
    caller = Caller(TALKATIVE, events_cap=1)
    pages = stream(caller)

    assert {event["eventID"] for one in pages for event in one["events"]} == {row["event_id"] for row in caller.truth("wb.chat_events")}
    assert max(one["totalEvents"] for one in pages) > 1


@pytest.mark.parametrize("position", ["0", "-1", "abc", "1.5", "", "5", "1698045576", "99999999999999", f"{10**20}"])
def test_wrong_positions_are_refused(caller: Caller, position: str) -> None:
    refused = caller.get(f"{EVENTS}?next={position}")
    body: Any = refused.json()

    assert (refused.status, body["origin"], body["error"]) == (400, "proxy-chats", body["detail"])
    assert body["detail"] in {"Invalid number", 'Invalid value for "next"'}


def test_unknown_parameters_are_refused(caller: Caller) -> None:
    assert caller.get(f"{EVENTS}?limit=5").status == caller.get(f"{CHATS}?next=5").status == 400


def test_events_know_chats_that_are_not_listed(caller: Caller) -> None:
    body: Any = caller.get(CHATS).json()
    listed = {chat["chatID"]: chat for chat in body["result"]}
    events = [event for one in stream(caller) for event in one["events"]]

    assert body["errors"] is None
    assert listed.keys() < {event["chatID"] for event in events}
    opened = [event for event in events if event.get("isNewChat")]
    assert {event["chatID"] for event in opened} == {event["chatID"] for event in events}
    assert all(("replySign" in event) == bool(event.get("isNewChat")) for event in events)
    for chat in listed.values():
        mine = [event for event in events if event["chatID"] == chat["chatID"] and "message" in event]
        assert chat["lastMessage"] == {"text": mine[-1]["message"].get("text", ""), "addTimestamp": mine[-1]["addTimestamp"]}


def test_events_without_words_and_without_any_message(caller: Caller) -> None:
    events = [event for one in stream(caller) for event in one["events"]]
    messages = [event["message"] for event in events if "message" in event]

    assert {event["sender"] for event in events if "message" not in event} == {"wb"}
    assert any("text" not in message and message["attachments"] for message in messages)
    assert any("attachments" not in message for message in messages)
    shown = [message["attachments"] for message in messages if "attachments" in message]
    assert {key for one in shown for key in one} == {"goodCard", "files", "images"}
    orders = {row["srid"] for row in caller.truth("wb.orders")}
    assert {one["goodCard"]["rid"] for one in shown if "goodCard" in one} <= orders


def test_closed_chats_leave_the_list_and_come_back() -> None:
    caller = Caller(TALKATIVE, event_rate=2.0)

    def listed() -> set[str]:
        body: Any = caller.get(CHATS).json()
        return {chat["chatID"] for chat in body["result"]}

    before = listed()
    caller.wait(7_200)
    after = listed()

    assert before - after, "closed"
    assert after - before, "new or open again"


def test_list_seen_empty_while_there_are_events(caller: Caller) -> None:
    caller.core.arm([Fault(kind=FaultKind.EMPTY_PAGE, path="/api/v1/seller/chats", count=1)], now=caller.now)

    assert caller.get(CHATS).json() == {"result": [], "errors": None}
    assert page(caller)["totalEvents"]


def test_seller_without_chats_has_an_empty_stream() -> None:
    caller = Caller(SellerSpec(name="mute", title="x", cards=5, trashed=0, orders=5, chats=0), event_rate=1.0)
    caller.wait(3_600)
    first = page(caller)

    assert caller.get(CHATS).json() == {"result": [], "errors": None}
    assert first["totalEvents"] == 0
    assert page(caller, first["next"]) == first


def files(caller: Caller) -> list[dict[str, Any]]:
    return [
        {"contentType": None, "size": None, **one}
        for each in stream(caller)
        for event in each["events"]
        for kind in ("files", "images")
        for one in event.get("message", {}).get("attachments", {}).get(kind, ())
    ]


def test_files_are_bytes_or_refused_for_good(caller: Caller) -> None:
    answers: Counter[int] = Counter()
    for one in files(caller):
        caller.wait(1)
        response = caller.get(f"{API}/download/{one['downloadID']}")
        answers[int(response.status)] += 1
        if response.status == 200:
            head = {"image/jpeg": b"\xff\xd8", "image/png": b"\x89PNG", "application/pdf": b"%PDF"}[response.content_type]
            assert bytes(response.body).startswith(head)
            assert one["size"] in {None, len(response.body)}
            assert one["contentType"] in {None, response.content_type}
        else:
            body: Any = response.json()
            assert (response.content_type, body["detail"]) == ("application/problem+json", "moderation error")
    assert answers.keys() == {200, 451}


def test_fresh_file_is_moderated_for_some_minutes() -> None:
    caller = Caller(TALKATIVE, event_rate=2.0)
    position = stream(caller)[-1]["next"]
    caller.wait(240)
    caller.bare("POST", "/_freeze")
    fresh = [
        one["downloadID"]
        for each in stream(caller, position)
        for event in each["events"]
        for one in event.get("message", {}).get("attachments", {}).get("images", ())
    ]
    answers = {}
    for number in fresh:
        caller.wait(1)
        answers[number] = caller.get(f"{API}/download/{number}")
    waiting = [number for number, answer in answers.items() if answer.status == 202]

    assert waiting
    assert answers[waiting[0]].json() == {"moderationState": "pending", "retrySeconds": 30}
    caller.bare("POST", "/_thaw")
    caller.wait(600)
    assert caller.get(f"{API}/download/{waiting[0]}").status == 200


def test_unknown_file_is_400(caller: Caller) -> None:
    refused: Any = caller.get(f"{API}/download/none").json()

    assert (refused["status"], refused["detail"]) == (400, "invalid fileID")


def test_limits_by_kind_of_token(caller: Caller) -> None:
    base = caller.make(type=TokenType.BASE)

    for url in (CHATS, EVENTS, f"{API}/download/x"):
        assert 429 not in {caller.get(url).status for _ in range(10)}
        assert caller.get(url).headers["X-Ratelimit-Retry"] == "1"
    for url, retry in ((CHATS, "3600"), (EVENTS, "3600"), (f"{API}/download/x", "360")):
        assert caller.get(url, token=base).status != 429
        assert caller.get(url, token=base).headers["X-Ratelimit-Retry"] == retry


def test_token_without_chats_is_401(caller: Caller) -> None:
    assert caller.get(CHATS, token=caller.make(categories=[Category.FEEDBACKS])).status == 401


def test_same_seed_gives_the_same_chats() -> None:
    one, two = (Caller(TALKATIVE, event_rate=0.5) for _ in range(2))
    for caller in (one, two):
        caller.now = BORN + timedelta(hours=1)

    assert one.truth("wb.chat_events") == two.truth("wb.chat_events")
    assert one.truth("wb.chats") == two.truth("wb.chats")
