"""Noise makes no difference, changes do."""

import pytest

from mpsyncd.sources.content import picture, plain_text
from mpsyncd.sources.wildberries.cards import CARDS

NOISE = [
    ("Стул и стол", "Стул  и стол "),
    ("Стул и стол", "Стул<br>и<BR/>стол"),
    ("Стул и стол", "<p>Стул и</p><p>стол</p>"),
    ("Стул и стол", "Стул&nbsp;и\u00a0стол\r\n"),
    ("a & b", "a &amp; b"),
    ("тёплый", "\ufeffтёп\u00adлый\u200b"),
    ("", None),
    ("", " \n<br />"),
]
HOST = "https://basket-{}.wbbasket.example"
PATH = "/vol7/part700/700101/images/big/{}.webp"


@pytest.mark.parametrize("one, other", NOISE)
def test_markup_noise_makes_no_difference(one: str | None, other: str | None) -> None:
    assert plain_text(one) == plain_text(other)


@pytest.mark.parametrize("one, other", [("a<b", "a b"), ("стул", "стол"), ("5 < 6", "5 6"), ("a b", "ab")])
def test_words_make_a_difference(one: str, other: str) -> None:
    assert plain_text(one) != plain_text(other)


def test_only_the_path_of_a_picture_counts() -> None:
    path = PATH.format(1)
    assert {picture(HOST.format("07") + path), picture(HOST.format("31") + path + "?v=2"), picture("//cdn.example" + path)} == {path}
    assert picture(None) == picture(7) == picture("") == ""


def _tracked(**card: object) -> dict[str, object]:
    return {track.field: track.value(card) for track in CARDS.main.tracks}


def _photos(*numbers: int, host: str = "07") -> list[dict[str, str]]:
    return [{"big": HOST.format(host) + PATH.format(number), "tm": "x"} for number in numbers]


def test_a_card_that_moved_on_the_delivery_network_is_the_same() -> None:
    assert _tracked(photos=_photos(1, 2), updatedAt="a") == _tracked(photos=_photos(1, 2, host="30"), updatedAt="b")


@pytest.mark.parametrize(
    "card, changed",
    [
        ({"title": "Лампа", "photos": _photos(1, 2)}, {"title"}),
        ({"description": "Тёплый свет", "photos": _photos(1, 2)}, {"description"}),
        ({"photos": _photos(3, 2)}, {"main_photo"}),
        ({"photos": _photos(1, 2, 3)}, {"gallery"}),
        ({"photos": _photos(1)}, {"gallery"}),
        ({"photos": _photos(2, 1)}, {"main_photo", "gallery"}),
        ({"photos": None}, {"main_photo", "gallery"}),
        ({"photos": _photos(1, 2), "brand": "x", "dimensions": {}, "documents": {"overallVerdict": "ok"}}, set()),
    ],
)
def test_a_change_shows_in_the_fields_that_changed(card: dict[str, object], changed: set[str]) -> None:
    before, after = _tracked(photos=_photos(1, 2)), _tracked(**card)
    assert {field for field, value in after.items() if value != before[field]} == changed


def test_events_are_named_by_what_people_watch() -> None:
    assert {track.field: track.event for track in CARDS.main.tracks} == {
        "title": "WB_SEO_CHANGE",
        "description": "WB_SEO_CHANGE",
        "main_photo": "WB_PHOTO_CHANGE",
        "gallery": "WB_PHOTO_CHANGE",
    }
