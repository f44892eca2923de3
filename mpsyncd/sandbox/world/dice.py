"""Seeded randomness: the same label always gives the same rolls."""

from random import Random


def dice(*label: object) -> Random:
    """A generator that depends on the label only. Never a source of secrets."""
    return Random("/".join(map(str, label)))  # noqa: S311 - a repeatable world is the point
