"""On which line of a TOML file a key stands: the parser of the standard library does not tell. Reads no file and judges nothing."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

_KEY = re.compile(r"""\s*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*(\.?)""")
_BLANK = re.compile(r"(?:\s|#[^\n]*)+")
_PART = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\[{]|[\]}]|\n|[^\"'#\[\]{}\n]+",
    flags=re.DOTALL,
)


def lines_of(text: str) -> dict[tuple[str, ...], int]:
    """Path of every table, entry of an array of tables and key -> its line, the first being 1. The text must be TOML that parses.

    The second entry of `[[shops]]` is `("shops", "1")`. What stands inside an inline value has the line of its key.
    """
    found: dict[tuple[str, ...], int] = {}
    for path, at in _statements(text):
        found.setdefault(path, text.count("\n", 0, at) + 1)
    return found


def place(file: Path, lines: Mapping[tuple[str, ...], int], path: tuple[str, ...]) -> str:
    """File and line of a key, or of what it stands in: "mpsyncd.toml:12"."""
    line = next((lines[path[:length]] for length in range(len(path), 0, -1) if path[:length] in lines), None)
    return str(file) if line is None else f"{file}:{line}"


def _statements(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Path and place of every header and key."""
    entries: Counter[tuple[str, ...]] = Counter()
    table: tuple[str, ...] = ()
    at = 0
    while at < len(text):
        if blank := _BLANK.match(text, at):
            at = blank.end()
            continue
        if text[at] != "[":
            path, end = _key(text, at)
            yield table + path, at
            at = _value_end(text, end + 1)  # behind "="
            continue
        begin, repeated = at, text.startswith("[[", at)
        path, at = _key(text, at + 1 + repeated)
        if repeated:
            entries[path] += 1
        table = _entered(path, entries)
        yield table, begin
        at = text.index("]", at) + 1 + repeated


def _key(text: str, at: int) -> tuple[tuple[str, ...], int]:
    """A dotted key and where it ends: at its "=" or "]"."""
    parts: list[str] = []
    while found := _KEY.match(text, at):
        parts.append(tomllib.loads(f"k = {found[1]}")["k"] if found[1][0] in "\"'" else found[1])
        at = found.end()
        if not found[2]:
            break
    return tuple(parts), at


def _entered(path: tuple[str, ...], entries: Counter[tuple[str, ...]]) -> tuple[str, ...]:
    """The path with the number of the entry behind every array of tables on its way."""
    whole: tuple[str, ...] = ()
    for length, part in enumerate(path, start=1):
        number = entries[path[:length]]
        whole += (part, str(number - 1)) if number else (part,)
    return whole


def _value_end(text: str, at: int) -> int:
    depth = 0
    while found := _PART.match(text, at):
        at = found.end()
        depth += (found[0] in "[{") - (found[0] in "]}")
        if found[0] == "\n" and depth == 0:
            break
    return at
