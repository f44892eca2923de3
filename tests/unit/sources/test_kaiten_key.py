"""Addresses of companies as people write them, keys as they copy them, and what refusals mean."""

from datetime import UTC, datetime, timedelta

import pytest

from mpsyncd.model.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    PaymentRequired,
    RateLimited,
    Retired,
    SourceError,
    Transient,
    Unauthorized,
)
from mpsyncd.model.rate import Scope
from mpsyncd.model.request import Request, Response
from mpsyncd.sources.kaiten.errors import classify
from mpsyncd.sources.kaiten.key import address, authorize, identify

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ASKED = Request(method="GET", host="company", path="/cards")


@pytest.mark.parametrize(
    "told, base",
    [
        ("acme.kaiten.ru", "https://acme.kaiten.ru/api/latest"),
        (" https://Acme.Kaiten.ru/ ", "https://acme.kaiten.ru/api/latest"),
        ("acme.kaiten.ru/api/latest/", "https://acme.kaiten.ru/api/latest"),
        ("https://acme.kaiten.ru/api/v1", "https://acme.kaiten.ru/api/v1"),
        ("kaiten.example:8443", "https://kaiten.example:8443/api/latest"),
        ("http://127.0.0.1:9100/kaiten/acme", "http://127.0.0.1:9100/kaiten/acme/api/latest"),
    ],
)
def test_an_address_is_understood_in_every_form(told: str, base: str) -> None:
    assert address(told) == base


@pytest.mark.parametrize(
    "told",
    ["", "acme kaiten", "ftp://acme.kaiten.ru", "https://user:pass@acme.kaiten.ru", "acme.kaiten.ru?x=1", "https://", "a/../b", "компания"],
)
def test_what_is_no_address_is_refused(told: str) -> None:
    with pytest.raises(Unauthorized, match=r"write the company's address, such as company\.kaiten\.ru"):
        address(told)


def test_a_key_tells_its_limits_and_never_itself() -> None:
    told = identify({"api_url": "acme.kaiten.ru", "api_token": " Bearer hush-hush "}, NOW)
    assert told.hosts == {"company": "https://acme.kaiten.ru/api/latest"}
    assert told.scopes[Scope.SELLER] == "acme.kaiten.ru"
    assert told.lease_group == f"kaiten:{told.scopes[Scope.TOKEN]}"
    assert "hush" not in repr(told)
    assert authorize(ASKED, {"api_token": " Bearer hush-hush "}).headers == {"Authorization": "Bearer hush-hush"}


@pytest.mark.parametrize("token", ["", " ", "two words", "ключ"])
def test_what_is_no_key_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(Unauthorized, match="api_token") as refused:
        identify({"api_url": "acme.kaiten.ru", "api_token": token}, NOW)
    assert not token.strip() or token not in str(refused.value)


@pytest.mark.parametrize(
    "status, body, kind, said",
    [
        (400, '{"message": "should NOT have additional properties"}', BadRequest, "additional properties"),
        (401, "Unauthorized", Unauthorized, "Unauthorized"),
        (402, '{"message": "Your tariff doesn\'t include this feature"}', PaymentRequired, "tariff"),
        (403, "", Forbidden, "may not see it"),
        (404, '{"message": "Not found"}', NotFound, "Not found"),
        (405, "", Retired, "does not have the method"),
        (408, "", Transient, "tried again"),
        (429, "<html>Too many requests</html>", RateLimited, "too many requests"),
        (500, "oops", Transient, "oops"),
        (503, "<html>", Transient, "tried again"),
    ],
)
def test_what_a_refusal_means(status: int, body: str, kind: type[SourceError], said: str) -> None:
    error = classify(Response(status=status, headers={"retry-after": "3"}, body=body.encode()), ASKED)
    assert type(error) is kind
    assert said in str(error)
    assert "<html>" not in str(error)
    if isinstance(error, RateLimited):
        assert error.retry_after == timedelta(seconds=3)


def test_success_and_redirects_mean_nothing_here() -> None:
    for status in (200, 204, 302):
        assert classify(Response(status=status, headers={}, body=b""), ASKED) is None


@pytest.mark.parametrize("told, seconds", [("", 1), ("soon", 1), ("0", 1), ("99999999", 3_600), ("7", 7)])
def test_how_long_a_refusal_asks_to_wait(told: str, seconds: int) -> None:
    error = classify(Response(status=429, headers={"retry-after": told}, body=b""), ASKED)
    assert isinstance(error, RateLimited)
    assert error.retry_after == timedelta(seconds=seconds)
