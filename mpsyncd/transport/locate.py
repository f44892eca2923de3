"""Finds the list of rows in the head of a big body, by the path that the request declares, without decoding the body."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from mpsyncd.model.errors import BadData, Transient

if TYPE_CHECKING:
    from mpsyncd.transport.spool import Body

_WINDOW = 64 << 10
_TOKENS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[{}\[\]:,]|[^\s"{}\[\]:,]++', re.DOTALL)
_OPENING = frozenset((b"{", b"["))
_CLOSING = frozenset((b"}", b"]"))


class _MoreNeeded(Exception):
    """The window ends before the list begins."""


async def locate(body: Body, path: str) -> int | None:
    """Offset just behind the opening bracket of the list at `path`; None where null stands instead.

    Raises:
        BadData: the body has another shape.
        Transient: the body ends before the list begins.
    """
    parts = tuple(path.split(".")) if path else ()
    size = _WINDOW
    while True:
        window = await body.read(0, min(size, body.size))
        try:
            return _Search(parts).run(window, whole=len(window) >= body.size)
        except _MoreNeeded:
            if len(window) >= body.size:
                raise Transient(f"the answer is cut off before its list {path!r}") from None
        size *= 4


class _Search:
    """Follows the path from key to key; `level` counts brackets inside the root, `met` the parts of the path that were entered."""

    def __init__(self, parts: tuple[str, ...]) -> None:
        self._parts = parts
        self._met = 0
        self._level = -1
        self._armed = not parts
        self._key = b""

    def run(self, window: bytes, *, whole: bool) -> int | None:
        for match in _TOKENS.finditer(window):
            token = match[0]
            if match.end() == len(window) and not whole and token not in _OPENING:
                raise _MoreNeeded
            if self._level < 0:
                if token == b"null":
                    return None
                if token != (b"{" if self._parts else b"["):
                    raise BadData(f"the answer begins with {_shown(token)} where {'an object' if self._parts else 'a list'} was promised")
                if not self._parts:
                    return match.end()
                self._level = 0
            elif self._armed:
                if token == b"[" and self._met + 1 == len(self._parts):
                    return match.end()
                if token == b"null":
                    return None
                self._enter(token)
            else:
                self._pass(token)
        raise _MoreNeeded

    def _enter(self, token: bytes) -> None:
        """A value on the path that is neither the list nor null: it must be an object with more path inside."""
        if token != b"{" or self._met + 1 == len(self._parts):
            raise BadData(f"the answer has {_shown(token)} at {'.'.join(self._parts[: self._met + 1])!r} where rows were promised")
        self._met += 1
        self._level += 1
        self._armed = False

    def _pass(self, token: bytes) -> None:
        """Anything beside the path, and the keys on it."""
        if token in _OPENING:
            self._level += 1
        elif token in _CLOSING:
            self._level -= 1
            if self._level < self._met:
                raise BadData(f"the answer has no {'.'.join(self._parts)!r}")
        elif self._level == self._met:
            if token == b":":
                self._armed = self._is(self._parts[self._met])
            else:
                self._key = token

    def _is(self, part: str) -> bool:
        try:
            return bool(orjson.loads(self._key) == part)
        except orjson.JSONDecodeError:
            raise Transient("the answer is broken JSON") from None


def _shown(token: bytes) -> str:
    return {b"{": "an object", b"[": "a list"}.get(token, "a value")
