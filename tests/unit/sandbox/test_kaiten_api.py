"""The sandbox's Kaiten as a client meets it: keys, limits, pages, refusals, the two passes over cards."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpsyncd.sandbox import Fault, FaultKind, Manner, Request
from mpsyncd.sandbox.kaiten.endpoints import ENDPOINTS
from mpsyncd.sandbox.kaiten.world.records import Condition
from support.kaiten_caller import ACME, KaitenCaller


@pytest.fixture
def caller() -> KaitenCaller:
    return KaitenCaller()


@pytest.mark.parametrize("key", ["", "Bearer wrong", "wrong"])
def test_a_wrong_key_is_refused_with_a_bare_word(caller: KaitenCaller, key: str) -> None:
    refused = caller.ask("/users/current", token=key)

    assert (refused.status, bytes(refused.body)) == (401, b"Unauthorized")
    assert "json" not in refused.content_type


def test_a_revoked_key_is_refused(caller: KaitenCaller) -> None:
    assert caller.bare("POST", "/_revoke", {"token": caller.company.token}) == {"revoked": True}
    assert caller.ask("/users/current").status == 401


def test_both_bases_and_no_other_company(caller: KaitenCaller) -> None:
    assert caller.ask("/users/current", base="/api/v1").status == 200
    assert caller.ask("/users/current", base="/api/v2").status == 404
    assert caller.core.handle(Request.to("GET", "/kaiten/other/api/latest/users"), caller.now).status == 404


def test_the_limit_is_a_sliding_second_of_fifty(caller: KaitenCaller) -> None:
    path = "/kaiten/acme/api/latest/users/current"
    request = Request.to("GET", path, token=f"Bearer {caller.company.token}")
    answers = [caller.core.handle(request, caller.now) for _ in range(52)]

    assert [one.status for one in answers] == [200] * 50 + [429] * 2
    assert [one.headers["x-ratelimit-limit"] for one in answers[:2]] == ["50", "50"]
    assert [one.headers["x-ratelimit-remaining"] for one in (answers[0], answers[49])] == ["49", "0"]
    assert answers[50].headers["Retry-After"] == "1"
    assert answers[50].content_type.startswith("text/html")
    assert caller.core.handle(request, caller.now + timedelta(seconds=0.99)).status == 429
    assert caller.core.handle(request, caller.now + timedelta(seconds=1)).status == 200
    assert caller.bare("GET", "/_stats")["throttled"] == 3


def test_older_headers_tell_no_limit() -> None:
    caller = KaitenCaller(replace(ACME, old_headers=True))
    request = Request.to("GET", "/kaiten/acme/api/latest/users", token=f"Bearer {caller.company.token}")
    answers = [caller.core.handle(request, caller.now) for _ in range(6)]

    assert [one.status for one in answers] == [200] * 5 + [429]
    assert set(answers[0].headers) == {"X-RateLimit-Remaining", "X-RateLimit-Reset"}


def test_lists_are_cut_at_their_own_most(caller: KaitenCaller) -> None:
    assert len(caller.rows("/cards", limit=1_000)) == 100
    assert len(caller.rows("/cards", limit=7, offset=3)) == 7
    assert caller.rows("/cards", limit=2, offset=5) == caller.rows("/cards", limit=10)[5:7]
    assert caller.rows("/cards", offset=100_000) == []
    assert caller.rows("/cards", search="nothing of this kind") == caller.rows("/cards")
    assert len(caller.rows("/company/custom-properties", limit=1_000)) == len(caller.company.properties)


def test_live_and_archived_cards_are_apart(caller: KaitenCaller) -> None:
    live = {card["id"] for card in caller.walk("/cards", relations="none")}
    archived = {card["id"] for card in caller.walk("/cards", archived="true", relations="none")}

    assert (len(live), len(archived)) == (ACME.cards, ACME.archived)
    assert not live & archived
    assert archived == {card["id"] for card in caller.walk("/cards", condition=2)}
    assert caller.rows("/cards", condition=1, archived="true") == []
    assert caller.ask("/cards", condition=3).status == 400


def test_updated_after_includes_its_moment_and_orders(caller: KaitenCaller) -> None:
    every = list(caller.walk("/cards", order_by="updated", order_direction="asc", relations="none"))
    stamps = [card["updated"] for card in every]
    border = stamps[150]
    later = list(caller.walk("/cards", order_by="updated", order_direction="asc", updated_after=border, relations="none"))

    assert stamps == sorted(stamps)
    assert later == [card for card in every if card["updated"] >= border]
    assert [card["updated"] for card in caller.walk("/cards", order_by="updated,id", order_direction="desc,asc")] == stamps[::-1]
    assert {card["id"] for card in caller.walk("/cards", updated_after=border)} == {card["id"] for card in later}


def test_filters_narrow(caller: KaitenCaller) -> None:
    every = list(caller.walk("/cards"))
    one = next(card for card in every if card["members"] and card.get("tags"))
    for name, value, fits in (
        ("board_id", one["board_id"], lambda card: card["board_id"] == one["board_id"]),
        ("column_ids", one["column_id"], lambda card: card["column_id"] == one["column_id"]),
        ("owner_id", one["owner_id"], lambda card: card["owner_id"] == one["owner_id"]),
        ("tag_ids", one["tag_ids"][0], lambda card: one["tag_ids"][0] in (card["tag_ids"] or ())),
        ("member_ids", one["members"][0]["id"], lambda card: one["members"][0]["id"] in [user["id"] for user in card["members"]]),
        ("states", "1,3", lambda card: card["state"] in {1, 3}),
    ):
        assert list(caller.walk("/cards", **{name: value})) == [card for card in every if fits(card)], name


def test_relations_are_left_out_when_asked_and_optional_keys_are_absent(caller: KaitenCaller) -> None:
    bare, full = list(caller.walk("/cards", relations="none")), list(caller.walk("/cards"))

    assert not {"owner", "board", "column", "lane", "type", "members", "path_data", "tags"} & set(bare[0])
    assert {"tag_ids", "properties", "description"} <= set(bare[0])
    for key in ("tags", "checklists", "files", "parents", "children"):
        assert {bool(card[key]) for card in full if key in card} == {True}, key
        assert any(key not in card for card in full), key
    assert {"type" in one for card in full for one in card["members"]} == {True, False}
    assert {card["path_data"]["subcolumn"] is None for card in full} == {True, False}


def test_one_card_and_what_hangs_on_it(caller: KaitenCaller) -> None:
    known = caller.company.cards.values()
    card = next(one for one in known if one.members and one.tags and one.files and caller.company.comments.get(one.id))
    told: Any = caller.ask(f"/cards/{card.id}").json()

    assert {"key", "slas", "blockers"} <= set(told)
    assert [one["type"] in {1, 2} for one in caller.rows(f"/cards/{card.id}/members")] == [True] * len(card.members)
    assert [one["tag_id"] for one in caller.rows(f"/cards/{card.id}/tags")] == list(card.tags)
    assert len(caller.rows(f"/cards/{card.id}/comments")) == told["comments_total"] > 0
    assert [one["id"] for one in caller.rows(f"/cards/{card.id}/files")] == [one.id for one in card.files]
    assert caller.ask(f"/cards/{card.id}/checklists").status == 405


def test_children_are_more_than_a_card_counts(caller: KaitenCaller) -> None:
    card = next(one for one in caller.company.cards.values() if one.hidden_children)

    assert len(caller.rows(f"/cards/{card.id}/children")) > caller.ask(f"/cards/{card.id}").json()["children_count"]  # type: ignore[index]


def test_a_deleted_card_is_gone_everywhere() -> None:
    caller = KaitenCaller(event_rate=5.0)
    caller.wait(300)
    caller.bare("POST", "/_freeze")
    lost = set(caller.company.lost)
    seen = {card["id"] for archived in ("false", "true") for card in caller.walk("/cards", archived=archived)}

    assert lost
    assert not seen & lost
    assert seen == set(caller.company.cards)
    assert [caller.ask(f"/cards/{min(lost)}{rest}").status for rest in ("", "/comments", "/members")] == [404] * 3


def test_tags_that_no_card_has_are_not_listed(caller: KaitenCaller) -> None:
    listed = {one["id"] for one in caller.walk("/tags")}

    assert listed == caller.company.used_tags() < set(caller.company.tags)


def test_users_are_those_that_are_listed(caller: KaitenCaller) -> None:
    active = {one["id"] for one in caller.walk("/users")}
    every = {one["id"] for one in caller.walk("/users", include_inactive="true")}

    assert active < every < set(caller.company.people)
    assert caller.ask("/company/users").status == 403


def test_select_values_come_with_deleted_ones_unless_searched(caller: KaitenCaller) -> None:
    select = next(one.id for one in caller.company.properties.values() if one.kind == "select")
    path = f"/company/custom-properties/{select}/select-values"

    assert {one["deleted"] for one in caller.rows(path, limit=1)} == {True, False}
    assert {one["deleted"] for one in caller.rows(path, v2_select_search="true")} == {False}
    assert len(caller.rows(path, v2_select_search="true", limit=1)) == 1


def test_structure_hides_what_can_not_be_seen(caller: KaitenCaller) -> None:
    company = caller.company
    spaces = caller.rows("/spaces")
    boards = {board["id"] for space in spaces for board in caller.rows(f"/spaces/{space['id']}/boards")}
    hidden = next(number for number in company.boards if not company.seen(number))
    bare = next(number for number in company.boards if not company.columns_of(number))

    assert boards == set(company.boards) - {hidden, bare}
    assert {board["id"] for space in spaces for board in space["boards"]} == boards
    assert caller.ask(f"/boards/{hidden}/columns").status == 404
    assert caller.ask(f"/spaces/{company.boards[hidden].places[0].space_id}/boards").status == 404
    board = min(boards)
    assert [len(caller.rows(f"/boards/{board}/lanes", condition=one)) for one in (1, 2, 3)] == [2, 1, 1]
    assert sum(len(one["subcolumns"]) for one in caller.rows(f"/boards/{board}/columns")) == 2
    whole: Any = caller.ask(f"/boards/{board}").json()
    assert {card["condition"] for card in whole["cards"]} == {1, 2}


@pytest.mark.parametrize("path, status", [("/cards/removed", 405), ("/boards/removed", 405), ("/sprints", 403), ("/nothing", 404)])
def test_paths_that_refuse(caller: KaitenCaller, path: str, status: int) -> None:
    assert caller.ask(path).status == status


def test_other_verbs_and_silent_refusals(caller: KaitenCaller) -> None:
    assert caller.ask("/cards", method="POST").status == 405
    assert bytes(caller.ask("/audit-logs").body) == b""


@pytest.mark.parametrize(
    "kind, status, body",
    [
        (FaultKind.EMPTY_BODY, 200, b""),
        (FaultKind.EMPTY_PAGE, 200, b"[]"),
        (FaultKind.NOT_IN_TARIFF, 402, b"""{"message":"Your tariff doesn't include 'tags' feature"}"""),
        (FaultKind.REVOKED, 401, b"Unauthorized"),
    ],
)
def test_faults_answer_in_place(caller: KaitenCaller, kind: FaultKind, status: int, body: bytes) -> None:
    right = caller.rows("/tags")
    caller.arm(Fault(kind=kind, path="/tags", count=1))
    struck = caller.ask("/tags")

    assert (struck.status, bytes(struck.body)) == (status, body)
    assert caller.rows("/tags") == right


def test_faults_strike_as_everywhere(caller: KaitenCaller) -> None:
    caller.arm(Fault(kind=FaultKind.TOO_MANY, count=1), Fault(kind=FaultKind.SERVER_ERROR, status=502, count=1))
    assert [caller.ask("/users").status for _ in range(3)] == [429, 502, 200]
    first = caller.rows("/users", limit=5)
    caller.arm(*(Fault(kind=kind, count=1) for kind in (FaultKind.RESET, FaultKind.REPEATED_PAGE, FaultKind.UNKNOWN_FIELDS)))

    assert caller.ask("/users", limit=5).delivery.manner is Manner.RESET
    assert caller.rows("/users", limit=5, offset=5) == first
    assert "futureFlag" in caller.rows("/users", limit=5)[0]
    assert caller.bare("GET", "/_stats")["sellers"]["acme"]["faults"]["too_many"] == 1


def test_a_client_that_walks_sees_the_truth(caller: KaitenCaller) -> None:
    """Cards alone: other tables have the tests of the client."""
    read = {card["id"]: card for archived in ("false", "true") for card in caller.walk("/cards", archived=archived)}
    true = {row["id"]: row for row in caller.truth("kaiten.cards") if "_left" not in row}

    assert read.keys() == true.keys()
    for number, row in true.items():
        told = read[number] | {"space_id": read[number]["path_data"]["space"]["id"]}
        assert {column: told[column] for column in row if not column.startswith("_")} == {
            column: value for column, value in row.items() if not column.startswith("_")
        }
    members = {(row["card_id"], row["user_id"]) for row in caller.truth("kaiten.card_members")}
    assert members == {(card["id"], one["user_id"]) for card in read.values() for one in card["members"]}


ASKED = KaitenCaller(replace(ACME, cards=20, archived=10))
NAMES = ("offset", "limit", "updated_after", "archived", "condition", "order_by", "order_direction", "board_id", "states", "ids", "x")
VALUES = st.sampled_from(
    ["0", "-1", "1", "100000", "true", "maybe", "2026-11-01", "9999-12-31T23:59:59-12:00", "²", "1,2", "asc", "updated,x"]
) | st.text(max_size=4)


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from([one.path for one in ENDPOINTS]), number=VALUES, params=st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_nothing_that_is_asked_breaks_a_method(path: str, number: str, params: dict[str, str]) -> None:
    ASKED.wait(1)
    known = str(min(ASKED.company.cards)) if number == "1" else number
    url = f"/kaiten/acme/api/latest{path.replace('{id}', known)}"
    headers = {"authorization": f"Bearer {ASKED.company.token}"}
    answer = ASKED.core.handle(Request(method="GET", path=url, query=tuple(params.items()), headers=headers), ASKED.now)

    assert answer.status in {200, 400, 403, 404, 405}


def test_archive_by_age_takes_the_oldest_done_card() -> None:
    caller = KaitenCaller(event_rate=5.0)
    before = dict(caller.company.cards)
    caller.wait(400)
    caller.ask("/users")
    now = caller.company.cards
    gone = [
        old
        for number, old in before.items()
        if number in now and old.condition is Condition.LIVE and now[number].condition is not Condition.LIVE
    ]

    assert gone
