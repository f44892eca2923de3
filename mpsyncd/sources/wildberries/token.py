"""The token doctor: what a Wildberries token says of itself, read without the network. Never puts a piece of a token into a message.

A token is a JWT of three parts; its payload is public and its signature is the vendor's business (page "API information", October 2026).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mpsyncd.model.errors import Unauthorized
from mpsyncd.model.rate import Scope
from mpsyncd.model.source import Credentials, Identity
from mpsyncd.sources.wildberries.hosts import CATEGORIES, READ_ONLY_BIT
from mpsyncd.sources.wildberries.limits import BASE, PERSONAL, SERVICE

if TYPE_CHECKING:
    from mpsyncd.model.request import Request

FIELD = "token"
"""The only secret field of a shop."""

_PARTS = 3
_TEST = 2
_VARIANTS = {1: BASE, 3: PERSONAL, 4: SERVICE}
_WARN_DAYS = (1, 3, 7, 14)
_HASH_LENGTH = 16
_BASE64 = re.compile(r"[A-Za-z0-9_-]+={0,2}")
_REMEDY = "Make a new token in the seller's cabinet (Settings, API access) and copy the whole of it."
_SLOW = (
    "the token is of the base type: the vendor allows it a small part of the usual requests (orders once in 3 hours) and closes newer "
    "methods to it; a personal token is free of that"
)


def identify(credentials: Credentials, now: datetime) -> Identity:
    """Read the token.

    Raises:
        Unauthorized: it can not work: missing, cut, not a Wildberries token, expired, or for the vendor's test contour only.
    """
    claims = _claims(bare(credentials))
    kind = claims.get("acc")
    if claims.get("t") is True or kind == _TEST:
        raise _broken("is of the test type: it opens the vendor's sandbox only, never a real shop")
    expires_at = _expiry(claims)
    if expires_at <= now:
        raise _broken(f"expired on {expires_at:%Y-%m-%d %H:%M} UTC")
    seller, bits = _seller(claims), _bits(claims)
    # Tokens issued before the reform of autumn 2025 do not tell their type; they have the limits of a base one.
    variant = _VARIANTS.get(kind, BASE) if isinstance(kind, int) else BASE
    read_only = bool(bits >> READ_ONLY_BIT & 1)
    return Identity(
        scopes={Scope.SELLER: seller, Scope.TOKEN: hashlib.sha256(bare(credentials).encode()).hexdigest()[:_HASH_LENGTH]},
        variant=variant,
        lease_group=f"wildberries:{seller}",
        capabilities=frozenset(category.capability for category in CATEGORIES if bits >> category.bit & 1),
        expires_at=expires_at,
        warnings=_warnings(variant, expires_at - now, expires_at),
        facts={"sid": seller, "oid": claims.get("oid"), "token_type": variant, "read_only": read_only},
    )


def authorize(request: Request, credentials: Credentials) -> Request:
    """Add the token to a request."""
    return request.with_headers(Authorization=bare(credentials))


def bare(credentials: Credentials) -> str:
    """The token as given, without blanks around it and without the word Bearer that people copy along."""
    return credentials.get(FIELD, "").strip().removeprefix("Bearer ").strip()


def _claims(token: str) -> dict[str, Any]:
    if not token:
        raise _broken("is missing")
    parts = token.split(".")
    if len(parts) != _PARTS:
        raise _broken(f"has {len(parts)} parts between dots instead of {_PARTS}: it is cut, or not a Wildberries token")
    if not all(_BASE64.fullmatch(part) for part in parts):
        raise _broken("holds characters that no token has: it is not base64")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1].rstrip("=") + "=" * (-len(parts[1].rstrip("=")) % 4)))
    except (ValueError, RecursionError):
        raise _broken("has a middle part that is not JSON: it is cut or mistyped") from None
    if not isinstance(claims, dict):
        raise _broken("has a middle part that is not a JSON object")
    return claims


def _expiry(claims: dict[str, Any]) -> datetime:
    try:
        return datetime.fromtimestamp(claims["exp"], tz=UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise _broken("does not say when it expires (exp)") from None


def _seller(claims: dict[str, Any]) -> str:
    seller = claims.get("sid")
    if not isinstance(seller, str) or not seller.strip():
        raise _broken("does not say whose it is (sid)")
    return seller.strip().lower()


def _bits(claims: dict[str, Any]) -> int:
    bits = claims.get("s")
    if not isinstance(bits, int) or isinstance(bits, bool) or bits < 0:
        raise _broken("does not say what it may do (s)")
    return bits


def _warnings(variant: str, left: timedelta, expires_at: datetime) -> tuple[str, ...]:
    days = next((days for days in _WARN_DAYS if left <= timedelta(days=days)), None)
    expiry = () if days is None else (f"the token expires within {days} day{'s' * (days > 1)}, on {expires_at:%Y-%m-%d %H:%M} UTC",)
    return expiry + ((_SLOW,) if variant == BASE else ())


def _broken(what: str) -> Unauthorized:
    return Unauthorized(f"The Wildberries token {what}. {_REMEDY}")
