"""What one place gives of the settings, and how several places make one whole. Knows no place and no setting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Given:
    """What one place gives: a tree of tables, and the name of the place for each value in it."""

    tree: dict[str, Any]
    origins: dict[tuple[str, ...], str]


def together(places: Iterable[Given]) -> Given:
    """The later place wins, value by value."""
    tree: dict[str, Any] = {}
    origins: dict[tuple[str, ...], str] = {}
    for each in places:
        tree = merged(tree, each.tree)
        origins |= each.origins
    return Given(tree, origins)


def nested(path: tuple[str, ...], value: object) -> dict[str, Any]:
    """The tree in which this value stands at this path."""
    for part in reversed(path):
        value = {part: value}
    return value if isinstance(value, dict) else {}


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both trees in one; where they have the same value, that of `over`."""
    result = dict(base)
    for name, value in over.items():
        below = result.get(name)
        result[name] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result
