"""The token doctor: what it reads, what it warns of, what it refuses, and that it never repeats the token."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mpsyncd.model.errors import Unauthorized
from mpsyncd.model.rate import Scope
from mpsyncd.model.request import Request
from mpsyncd.model.source import Identity
from mpsyncd.sources.wildberries.token import authorize, identify

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
SID = "e8923014-e233-47f8-898e-3cc86d67ea61"
FULL_BITS = 16126  # bits 1-7 and 9-13, the vendor's own example of a token with everything


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims(**changed: object) -> dict[str, Any]:
    good = {"id": "x", "exp": int((NOW + timedelta(days=100)).timestamp()), "sid": SID, "oid": 250, "s": FULL_BITS, "t": False, "acc": 3}
    return {key: value for key, value in {**good, **changed}.items() if value is not ...}


def token(payload: object = None, **changed: object) -> str:
    return f"{part({'alg': 'ES256'})}.{part(claims(**changed) if payload is None else payload)}.{part(b'signature')}"


def read(given: str) -> Identity:
    return identify({"token": given}, NOW)


def test_a_whole_personal_token() -> None:
    identity = read(token())
    assert identity.scopes[Scope.SELLER] == SID
    assert identity.lease_group == f"wildberries:{SID}"
    assert identity.variant == "personal"
    assert identity.expires_at == NOW + timedelta(days=100)
    assert identity.warnings == ()
    assert identity.facts == {"sid": SID, "oid": 250, "token_type": "personal", "read_only": False}
    assert identity.capabilities == frozenset({
        "content", "analytics", "prices", "marketplace", "statistics", "promotion",
        "feedbacks", "buyer_chat", "supplies", "returns", "documents", "finance",
    })  # fmt: skip


@pytest.mark.parametrize(
    "bits, names", [(1 << 1, {"content"}), (1 << 5 | 1 << 30, {"statistics"}), (1 << 9, {"buyer_chat"}), (1 << 8, set()), (0, set())]
)
def test_capabilities_are_bits(bits: int, names: set[str]) -> None:
    assert read(token(s=bits)).capabilities == frozenset(names)


def test_bit_30_is_read_only_and_not_a_category() -> None:
    identity = read(token(s=FULL_BITS | 1 << 30))
    assert identity.facts["read_only"] is True
    assert identity.capabilities == read(token()).capabilities


@pytest.mark.parametrize(
    "acc, variant", [(1, "base"), (3, "personal"), (4, "service"), (..., "base"), (9, "base"), ("3", "base"), ([], "base")]
)
def test_kinds_of_token(acc: object, variant: str) -> None:
    identity = read(token(acc=acc))
    assert identity.variant == variant
    assert [warning for warning in identity.warnings if "base type" in warning] == list(identity.warnings)
    assert bool(identity.warnings) == (variant == "base")


@pytest.mark.parametrize(
    "left, said",
    [(timedelta(days=14, seconds=1), None), (timedelta(days=14), "within 14 days"), (timedelta(days=6), "within 7 days"),
     (timedelta(days=3), "within 3 days"), (timedelta(hours=1), "within 1 day,")],
)  # fmt: skip
def test_expiry_is_told_in_steps(left: timedelta, said: str | None) -> None:
    identity = read(token(exp=int((NOW + left).timestamp())))
    assert len(identity.warnings) == (said is not None)
    assert said is None or said in identity.warnings[0]


def test_blanks_and_the_word_bearer_are_taken_off() -> None:
    request = authorize(Request(method="GET", host="common-api", path="/ping"), {"token": f" Bearer {token()}\n"})
    assert request.headers == {"Authorization": token()}
    assert read(f" Bearer {token()}\n") == read(token())


def test_the_token_scope_is_a_hash_that_differs_by_token() -> None:
    one, other = read(token()), read(token(id="y"))
    assert one.scopes[Scope.TOKEN] != other.scopes[Scope.TOKEN]
    assert one.scopes[Scope.TOKEN] not in token()


@pytest.mark.parametrize(
    "given, words",
    [
        ("", "is missing"),
        ("abcdef", "has 1 parts between dots instead of 3"),
        (token().rpartition(".")[0], "has 2 parts"),
        ("a.b=c.d", "is not base64"),
        ("a.тест.c", "is not base64"),
        (token(b"\xff\xfe"), "is not JSON"),
        (token()[:60] + ".x", "is not JSON"),
        (token(b"[" * 100_000), "is not JSON"),
        (token([1]), "is not a JSON object"),
        (token(sid=...), r"whose it is \(sid\)"),
        (token(sid=" "), r"whose it is \(sid\)"),
        (token(s="all"), r"what it may do \(s\)"),
        (token(s=True), r"what it may do \(s\)"),
        (token(s=-2), r"what it may do \(s\)"),
        (token(exp=...), r"when it expires \(exp\)"),
        (token(exp=10**30), r"when it expires \(exp\)"),
        (token(exp="soon"), r"when it expires \(exp\)"),
        (token(exp=int(NOW.timestamp())), "expired on 2026-11-21 09:00 UTC"),
        (token(t=True), "test type"),
        (token(acc=2), "test type"),
    ],
)
def test_a_token_that_can_not_work_is_refused_in_words(given: str, words: str) -> None:
    with pytest.raises(Unauthorized, match=words) as caught:
        read(given)
    message = str(caught.value)
    assert "Make a new token" in message
    assert not given or given not in message
    assert not any(piece in message for piece in given.split(".") if len(piece) > 8)
    assert caught.value.__cause__ is None


def test_a_shop_without_the_field_has_no_token() -> None:
    with pytest.raises(Unauthorized, match="is missing"):
        identify({}, NOW)
