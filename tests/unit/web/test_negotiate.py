"""What callers would like."""

import pytest

from mpsyncd.web.negotiate import preferred
from mpsyncd.web.words import LANGUAGES, WORDS

KINDS = ("application/json", "text/html")


@pytest.mark.parametrize(
    "header, kind",
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("application/json", "application/json"),
        ("text/*", "text/html"),
        ("text/html;q=0.2, application/json;q=0.1", "text/html"),
        ("text/html;q=0", "application/json"),
        ("text/html;q=x", "application/json"),
        ("image/png", "application/json"),
        (",;,", "application/json"),
    ],
)
def test_kind(header: str, kind: str) -> None:
    assert preferred(header, KINDS, default="application/json") == kind


@pytest.mark.parametrize(
    "header, language",
    [
        ("", "en"),
        ("ru", "ru"),
        ("ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", "ru"),
        ("de, ru;q=0.5", "ru"),
        ("en, ru", "en"),
        ("de", "en"),
        ("*", "en"),
    ],
)
def test_language(header: str, language: str) -> None:
    assert preferred(header, LANGUAGES, default="en") == language


def test_both_languages_have_the_same_words() -> None:
    assert WORDS["en"].keys() == WORDS["ru"].keys()
    assert all(words for language in LANGUAGES for words in WORDS[language].values())
