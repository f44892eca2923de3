"""Invented tokens in the vendor's form: a JWT of three parts (wildberries.md §1). The signature only looks like ES256.

They open nothing but the sandbox, which signs and checks them with a fixed, public phrase.
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final
from uuid import UUID

import orjson

_PARTS = 3
_PHRASE: Final = b"this phrase is public: the sandbox guards nothing"
_READ_ONLY_BIT = 30


class TokenType(IntEnum):
    """Claim `acc`. A claim that is missing means a base token."""

    BASE = 1
    TEST = 2
    PERSONAL = 3
    SERVICE = 4


class Category(IntEnum):
    """Bits of claim `s`."""

    CONTENT = 1
    ANALYTICS = 2
    PRICES = 3
    MARKETPLACE = 4
    STATISTICS = 5
    PROMOTION = 6
    FEEDBACKS = 7
    CHAT = 9
    SUPPLIES = 10
    RETURNS = 11
    DOCUMENTS = 12
    FINANCE = 13
    USERS = 16


EVERY_CATEGORY: Final = frozenset(Category) - {Category.USERS}
"""What a whole token of the cabinet holds: bits 1-7 and 9-13."""


class MalformedTokenError(Exception):
    """The text is no token of this sandbox; the message is the vendor's detail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token says. `expires` in unix seconds."""

    token_id: str
    sid: str
    categories: int
    type: TokenType
    expires: int
    read_only: bool
    test: bool

    def holds(self, category: Category | None) -> bool:
        """Whether the token has this category; None is a method that any token may call."""
        return category is None or bool(self.categories >> category & 1)


def make_token(
    *,
    sid: str,
    oid: int = 0,
    categories: Iterable[Category] = EVERY_CATEGORY,
    type: TokenType | None = TokenType.PERSONAL,  # noqa: A002 - the claim's own word
    expires: datetime,
    read_only: bool = False,
    test: bool = False,
) -> str:
    """A signed token. `type=None` leaves `acc` out, as in tokens issued before autumn 2025."""
    bits = sum(1 << category for category in set(categories)) | (1 << _READ_ONLY_BIT if read_only else 0)
    claims: dict[str, object] = {
        "ent": 1,
        "exp": int(expires.timestamp()),
        "iid": 50_000_000 + oid,
        "oid": oid,
        "s": bits,
        "sid": sid,
        "t": test,
        "uid": 50_000_000 + oid,
    }
    if type is not None:
        claims["acc"] = int(type)
    if type is TokenType.PERSONAL:
        claims["for"] = "self"
    if type is TokenType.SERVICE:
        claims["for"] = "asid:00000000-0000-4000-8000-000000000001"
    claims["id"] = str(UUID(bytes=hashlib.sha256(orjson.dumps(claims)).digest()[:16], version=4))
    head = _encode(orjson.dumps({"alg": "ES256", "kid": "20260101v1", "typ": "JWT"}))
    signed = f"{head}.{_encode(orjson.dumps(claims))}"
    return f"{signed}.{_signature(signed)}"


def read_token(header: str) -> Claims:
    """The claims of an Authorization header, with or without the word Bearer. Neither expiry nor scope is judged here.

    Raises:
        MalformedTokenError: not three parts, not base64, not JSON, or not signed by the sandbox.
    """
    token = header.removeprefix("Bearer ").strip()
    parts = token.split(".")
    if len(parts) != _PARTS:
        raise MalformedTokenError(f"token problem; token is malformed: token contains {len(parts)} segments")
    claims = _decode_claims(parts[1])
    if parts[2] != _signature(f"{parts[0]}.{parts[1]}"):
        raise MalformedTokenError("token problem; token signature is invalid")
    bits = int(claims["s"])
    return Claims(
        token_id=str(claims["id"]),
        sid=str(claims["sid"]),
        categories=bits & ~(1 << _READ_ONLY_BIT),
        type=TokenType(int(claims.get("acc", TokenType.BASE))),
        expires=int(claims["exp"]),
        read_only=bool(bits >> _READ_ONLY_BIT & 1),
        test=bool(claims["t"]),
    )


def _decode_claims(part: str) -> dict[str, int | str | bool]:
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        raise MalformedTokenError("token problem; token is malformed: could not decode claims") from None
    if not isinstance(claims, dict):
        raise MalformedTokenError("token problem; token is malformed: claims are no object")
    return claims


def _signature(signed: str) -> str:
    return _encode(hashlib.sha512(_PHRASE + signed.encode()).digest())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
