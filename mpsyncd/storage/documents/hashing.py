"""Hashes of documents: one canonical spelling, 16 bytes of BLAKE2b, salted by how the document would be read.

The salt holds the versions of row functions and tracks and the columns of the tables, so that a change of any of them makes every document
"differ" once. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import orjson

from mpsyncd.model.errors import BadData

SIZE = 16
_PLAIN = b"\0" * SIZE


def dump(value: Any) -> bytes:
    """JSON with sorted keys, as UTF-8.

    Raises:
        BadData: a text in it is no valid Unicode (half of a surrogate pair).
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=_plain)
    except TypeError:  # an integer of more than 64 bits, or a broken text
        return _dump_slowly(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)


def _dump_slowly(value: Any) -> bytes:
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str).encode()
    except UnicodeEncodeError:
        raise BadData("holds text that is not valid Unicode") from None


def dump_anything(value: Any) -> str:
    """JSON text of whatever it is, for showing and keeping; what is not valid Unicode stays escaped."""
    try:
        return dump(value).decode()
    except BadData:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def digest(body: bytes, salt: bytes = _PLAIN) -> bytes:
    """16 bytes for a canonical body under a salt of 16 bytes."""
    return blake2b(body, digest_size=SIZE, salt=salt).digest()


def fingerprint(facts: Iterable[str]) -> bytes:
    """The salt that stands for how documents are read."""
    return digest("\n".join(facts).encode())
