"""Cards and the bin of the content host: paging both ways over ties, filters, bad bodies."""

from itertools import pairwise
from typing import Any

import pytest

from support.sandbox_caller import CARDS, PAGED, TRASH, Caller

Settings = dict[str, Any]


@pytest.fixture
def caller() -> Caller:
    return Caller(PAGED)


def ask(caller: Caller, url: str = CARDS, **settings: Any) -> Any:
    caller.wait(1)
    response = caller.post(url, {"settings": settings})
    assert response.status == 200
    return response.json()


@pytest.mark.parametrize("url, count", [(CARDS, PAGED.cards), (TRASH, PAGED.trashed)])
@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("limit", [100, 7])
def test_walk_gives_every_card_once(caller: Caller, url: str, count: int, ascending: bool, limit: int) -> None:
    pages = list(caller.card_pages(url, ascending=ascending, limit=limit))

    articles = [card["nmID"] for page in pages for card in page]
    assert len(articles) == len(set(articles)) == count
    assert [len(page) for page in pages[:-1]] == [limit] * (count // limit)


@pytest.mark.parametrize("url, field", [(CARDS, "updatedAt"), (TRASH, "trashedAt")])
@pytest.mark.parametrize("ascending", [True, False])
def test_there_are_two_full_pages_with_a_tie_on_every_border(caller: Caller, url: str, field: str, ascending: bool) -> None:
    pages = list(caller.card_pages(url, ascending=ascending))

    assert len(pages) == 3
    for page, following in pairwise(pages):
        assert page[-1][field] == following[0][field]


def test_default_page_is_ten_cards_newest_first(caller: Caller) -> None:
    body: Any = caller.post(CARDS, {}).json()

    moments = [card["updatedAt"] for card in body["cards"]]
    assert len(moments) == 10
    assert moments == sorted(moments, reverse=True)
    assert body["cursor"] == {"updatedAt": moments[-1], "nmID": body["cards"][-1]["nmID"], "total": 10}


def test_saved_cursor_finds_only_what_changed_later(caller: Caller) -> None:
    last = list(caller.card_pages())[-1][-1]
    cursor = {"limit": 100, "updatedAt": last["updatedAt"], "nmID": last["nmID"]}
    assert ask(caller, sort={"ascending": True}, cursor=cursor) == {"cards": [], "cursor": {"total": 0}}

    moving = Caller(PAGED, event_rate=1.0)
    moving.wait(600)
    changed = ask(moving, sort={"ascending": True}, cursor=cursor)["cards"]

    assert changed
    assert all(card["updatedAt"] > "2026-11-21T09" for card in changed)


def test_with_photo_hides_nothing_by_default(caller: Caller) -> None:
    def count(**wanted: Any) -> int:
        articles: list[int] = []
        cursor: Settings = {"limit": 100}
        while True:
            body = ask(caller, filter=wanted, cursor=cursor)
            articles += [card["nmID"] for card in body["cards"]]
            if body["cursor"]["total"] < 100:
                return len(articles)
            cursor = {"limit": 100, "updatedAt": body["cursor"]["updatedAt"], "nmID": body["cursor"]["nmID"]}

    assert count() == count(withPhoto=0) == count(withPhoto=-1) == PAGED.cards
    with_photo, without = count(withPhoto=1), count(withPhoto=2)
    assert 0 < without < with_photo
    assert with_photo + without == PAGED.cards


def test_filters_pick_the_cards_they_name(caller: Caller) -> None:
    card = ask(caller, cursor={"limit": 1})["cards"][0]
    sku = card["sizes"][0]["skus"][0]

    for text in (card["vendorCode"], str(card["nmID"]), sku):
        assert card["nmID"] in {one["nmID"] for one in ask(caller, filter={"textSearch": text})["cards"]}
    assert {one["brand"] for one in ask(caller, filter={"brands": [card["brand"]]})["cards"]} == {card["brand"]}
    assert {one["subjectID"] for one in ask(caller, filter={"objectIDs": [card["subjectID"]]})["cards"]} == {card["subjectID"]}
    assert {one["imtID"] for one in ask(caller, filter={"imtID": card["imtID"]})["cards"]} == {card["imtID"]}
    assert ask(caller, filter={"tagIDs": [1]})["cards"] == []


@pytest.mark.parametrize(
    "settings",
    [
        {"cursor": {"limit": 101}},
        {"cursor": {"limit": 0}},
        {"cursor": {"limit": "100"}},
        {"cursor": {"limit": True}},
        {"cursor": {"limit": 10.5}},
        {"cursor": {"nmID": "1"}},
        {"cursor": {"updatedAt": "yesterday"}},
        {"cursor": {"updatedAt": "2026-01-01T00:00:00"}},
        {"cursor": {"updatedAt": 5}},
        {"cursor": {"trashedAt": "2026-01-01T00:00:00Z"}},
        {"cursor": []},
        {"sort": {"ascending": "true"}},
        {"sort": {"descending": True}},
        {"filter": {"withPhoto": 3}},
        {"filter": {"tagIDs": 5}},
        {"filter": {"brands": [1]}},
        {"filters": {}},
    ],
)
def test_bad_settings_are_400_in_the_shape_of_content(caller: Caller, settings: Settings) -> None:
    response = caller.post(CARDS, {"settings": settings})

    body: Any = response.json()
    assert (response.status, response.content_type) == (400, "application/json")
    assert set(body) == {"data", "error", "errorText", "additionalErrors"}
    assert body["error"] is True
    assert "settings" in body["errorText"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff"])
def test_body_that_is_no_object_is_400_in_plain_text(caller: Caller, raw: bytes) -> None:
    response = caller.post(CARDS, raw)

    assert response.status == 400
    assert response.content_type.startswith("text/plain")


@pytest.mark.parametrize("query, status", [("?locale=ru", 200), ("?locale=en", 200), ("?locale=fr", 400), ("?lang=ru", 400)])
def test_locale_is_the_only_parameter(caller: Caller, query: str, status: int) -> None:
    assert caller.post(f"{CARDS}{query}", {}).status == status


def test_bin_knows_no_filter_by_photo(caller: Caller) -> None:
    assert caller.post(TRASH, {"settings": {"filter": {"withPhoto": -1}}}).status == 400


def test_cards_carry_the_spellings_that_clients_stumble_over(caller: Caller) -> None:
    cards = [card for page in caller.card_pages() for card in page]

    values = [one["value"] for card in cards for one in card["characteristics"]]
    assert {type(value) for value in values} == {int, float, str, list}
    assert {"" if "wbSize" in size else None for card in cards for size in card["sizes"] if not size.get("wbSize")} == {"", None}
    assert any("video" not in card for card in cards)
    assert any(sku.startswith("0") for card in cards for size in card["sizes"] for sku in size["skus"])
    assert len({len(card["updatedAt"]) for card in cards}) > 1, "trailing zeros of a fraction are cut"
