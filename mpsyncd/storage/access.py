"""Access tokens: made once and shown once, stored as digests, recognised in constant time. Knows no HTTP.

A token is `mps_`, a public id by which it is found, and 256 random bits. Its digest covers all of it, and 256 random bits need no salt.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import asyncpg

from mpsyncd.model.access import Role, Visitor
from mpsyncd.model.errors import NotThere, Refused
from mpsyncd.storage.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from mpsyncd.storage.pool import Connection, Record

_FORM = re.compile(r"mps_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_ID_BYTES, _SECRET_BYTES = 6, 32
_NO_DIGEST = bytes(hashlib.sha256().digest_size)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token as people see it: everything but the secret. `bound`: it sees only `customers` and `shops` (by their numbers)."""

    token_id: str
    name: str
    role: Role
    bound: bool
    customers: tuple[int, ...]
    shops: tuple[int, ...]
    state: Literal["good", "expired", "revoked"]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


_COLUMNS = """
token_id, name, role, bound, customers, shops, created_at, last_used_at, expires_at, revoked_at,
CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at <= now() THEN 'expired' ELSE 'good' END AS state
"""
_CREATE = """
INSERT INTO mpsync.access_tokens (token_id, digest, name, role, bound, customers, shops, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING
"""


async def create(
    connection: Connection,
    *,
    name: str,
    role: Role,
    customers: Collection[int] = (),
    shops: Collection[int] = (),
    expires_at: datetime | None = None,
) -> tuple[AccessToken, str]:
    """Make a token and return it with its text, which nobody can be shown again.

    Raises:
        Refused: the name is empty or belongs to a token that was not revoked, or the token would have expired already.
    """
    if not name.strip():
        raise Refused("An access token needs a name of at least one letter.")
    token_id = secrets.token_hex(_ID_BYTES)
    text = f"mps_{token_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    bound = bool(customers or shops)
    values = (name.strip(), role.value, bound, sorted(customers), sorted(shops), expires_at)
    async with connection.transaction():
        try:
            row = await connection.fetchrow(_CREATE + _COLUMNS, token_id, _digest(text), *values)
        except asyncpg.UniqueViolationError:
            raise Refused(f"There is an access token {name.strip()!r} already; revoke it first, or choose another name.") from None
        made = _token(row)
        if made.state != "good":
            raise Refused(f"The access token would have expired already ({expires_at:%Y-%m-%d %H:%M} UTC).")
    return made, text


# Shops of customers are looked up at each visit, so that one that is added later is seen too.
_RECOGNISE = """
SELECT t.digest, t.role, t.bound, t.customers, t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute' AS unnoted,
       ARRAY(SELECT s.shop_id FROM mpsync.shops s WHERE s.customer_id = ANY (t.customers) OR s.shop_id = ANY (t.shops)) AS shops
FROM mpsync.access_tokens t WHERE t.token_id = $1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
"""
_NOTE = """
UPDATE mpsync.access_tokens SET last_used_at = now()
WHERE token_id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
"""


async def recognise(connection: Connection, text: str) -> Visitor | None:
    """Return whom a token stands for; None when it is unknown, revoked or expired. Takes as long for an unknown one as for a wrong one."""
    token_id = public_id(text)
    if token_id is None:
        return None
    row = await connection.fetchrow(_RECOGNISE, token_id)
    right = hmac.compare_digest(_digest(text), _NO_DIGEST if row is None else row["digest"])
    if row is None or not right:
        return None
    if row["unnoted"]:
        await connection.execute(_NOTE, token_id)
    return Visitor(
        role=Role(row["role"]),
        token_id=token_id,
        customers=frozenset(row["customers"]),
        shops=frozenset(row["shops"]) if row["bound"] else None,
    )


def public_id(text: str) -> str | None:
    """The part of a token that may be logged; None when the text has not the form of a token."""
    found = _FORM.fullmatch(text)
    return found[1] if found else None


_LIST = "SELECT " + _COLUMNS + "FROM mpsync.access_tokens ORDER BY created_at, token_id"


async def list_tokens(connection: Connection) -> Sequence[AccessToken]:
    """All tokens, the newest last."""
    return [_token(row) for row in await connection.fetch(_LIST)]


_REVOKE = "UPDATE mpsync.access_tokens SET revoked_at = now() WHERE token_id = $1 RETURNING "


async def revoke(connection: Connection, named: str) -> AccessToken:
    """End a token, known by its name or its id, from the next HTTP request on; NotThere names close matches."""
    known = [token for token in await list_tokens(connection) if token.state != "revoked"]
    hit = next((token for token in known if named in {token.name, token.token_id}), None)
    if hit is None:
        raise NotThere(f"There is no access token {named!r}. {did_you_mean(named, [token.name for token in known])}")
    row = await connection.fetchrow(_REVOKE + _COLUMNS, hit.token_id)
    return _token(row)


async def forget(connection: Connection, token_id: str) -> None:
    """Remove a token that a command made for one question of its own; those of people are revoked and stay in the list."""
    await connection.execute("DELETE FROM mpsync.access_tokens WHERE token_id = $1", token_id)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _token(row: Record | None) -> AccessToken:
    assert row is not None  # noqa: S101 - tokens are never deleted
    values = dict(row)
    return AccessToken(**values | {"role": Role(values["role"]), "customers": tuple(values["customers"]), "shops": tuple(values["shops"])})
