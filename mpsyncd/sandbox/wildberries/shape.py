"""Checks a decoded JSON body against the shape that a method expects. Stricter than the vendor: an unknown key is refused too."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias, Union

Leaf: TypeAlias = Callable[[object], bool]
Shape: TypeAlias = Mapping[str, Union[Leaf, "Shape"]]


def is_text(value: object) -> bool:
    """A string."""
    return isinstance(value, str)


def is_flag(value: object) -> bool:
    """True or false."""
    return isinstance(value, bool)


def is_whole(value: object) -> bool:
    """An integer, which true and false are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def within(low: int, high: int) -> Leaf:
    """An integer of this range, ends included."""
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def one_of(*texts: str) -> Leaf:
    """One of these strings."""
    return lambda value: value in texts


def list_of(leaf: Leaf) -> Leaf:
    """A list, every item of which is right."""
    return lambda value: isinstance(value, list) and all(map(leaf, value))


def at_most(count: int, leaf: Leaf) -> Leaf:
    """The same, a list with so many items at most."""
    return lambda value: leaf(value) and isinstance(value, list) and len(value) <= count


def faults_of(body: object, shape: Shape, *, where: str = "body") -> Iterator[str]:
    """What is wrong with the body, one sentence each; nothing when all is right. Every key may be missing."""
    if not isinstance(body, dict):
        yield f"{where}: object expected"
        return
    for key, value in body.items():
        expected = shape.get(key)
        place = f"{where}.{key}"
        if expected is None:
            yield f"{place}: unknown field"
        elif isinstance(expected, Mapping):
            yield from faults_of(value, expected, where=place)
        elif not expected(value):
            yield f"{place}: invalid value"
