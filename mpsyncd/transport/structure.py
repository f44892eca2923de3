"""The bracket structure of JSON at the speed of `bytes.translate`: which rows end where, without decoding anything.

A block is reduced to its brackets and quotes. Without escapes, a string that holds no bracket leaves two quotes side by side; when every
run of quotes is of even length, every bracket stands outside of strings, which is the normal case and is proven by two passes in C.
Otherwise (a bracket inside a string) the strings are taken out one by one. Both ways are exact; neither checks that the JSON is valid,
the decoder does that later.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEPT = b'{}[]"'
_DROPPED = bytes(sorted(set(range(256)) - set(_KEPT)))
_FINE = 2 << 10
_OPENING = frozenset(b"{[")
_STRINGS = re.compile(rb'"[^"]*"')
# A string may be cut off by the end of the block, even in the middle of an escape.
_TOKENS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)


class State(NamedTuple):
    """Where a block begins: depth of brackets (0 between the rows), inside a string, behind a backslash."""

    depth: int = 0
    in_string: bool = False
    escaped: bool = False


class Scan(NamedTuple):
    """What a block holds: the state behind it, how many rows end in it, whether the list of rows ends in it."""

    after: State
    ended: int
    closed: bool


def scan(block: bytes, state: State) -> Scan:
    """Read one block."""
    text = _resumed(block, state)
    backslashes = len(text) - len(text.rstrip(b"\\"))
    escaped = backslashes % 2 == 1
    if escaped:
        text = text[:-1]
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    skeleton = text.translate(None, _DROPPED)
    in_string = skeleton.count(b'"') % 2 == 1
    if in_string:
        skeleton += b'"'
    brackets = skeleton.replace(b'""', b"")
    if b'"' in brackets:
        brackets = _STRINGS.sub(b"", skeleton)
    depth, ended, closed = state.depth, 0, False
    for bracket in brackets:
        if bracket in _OPENING:
            depth += 1
            continue
        depth -= 1
        if depth == 0:
            ended += 1
        elif depth < 0:
            closed = True
            break
    return Scan(State(depth, in_string, escaped), ended, closed)


def last_border(block: bytes, state: State) -> int:
    """Offset behind the last row that ends in the block; there must be one."""
    found = (0, b"", state)
    for start in range(0, len(block), _FINE):
        part = block[start : start + _FINE]
        seen = scan(part, state)
        if seen.ended:
            found = (start, part, state)
        state = seen.after
    start, part, state = found
    ends = [offset for offset, depth in _walk(part, state) if depth == 0 and part[offset] not in _OPENING]
    return start + ends[-1] + 1


def closing(block: bytes, state: State) -> int:
    """Offset of the bracket that ends the list of rows; it must be in the block."""
    return next(offset for offset, depth in _walk(block, state) if depth < 0)


def _walk(block: bytes, state: State) -> Iterator[tuple[int, int]]:
    """Each bracket with the depth behind it."""
    depth = state.depth
    for offset in _brackets(block, state):
        depth += 1 if block[offset] in _OPENING else -1
        yield offset, depth


def _brackets(block: bytes, state: State) -> Iterator[int]:
    """Offsets of the brackets that stand outside of strings."""
    shift = len(_resumed(b"", state))
    for token in _TOKENS.finditer(_resumed(block, state)):
        if token.end() - token.start() == 1 and token[0] != b'"':
            yield token.start() - shift


def _resumed(block: bytes, state: State) -> bytes:
    """The block with what it needs in front of it to be read from its beginning."""
    if not state.in_string:
        return block
    return (b'"\\' if state.escaped else b'"') + block
