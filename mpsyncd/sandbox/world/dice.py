"""Seeded randomness: the same label always gives the same rolls."""

from hashlib import blake2b
from random import Random


def dice(*label: object) -> Random:
    """A generator that depends on the label only. Never a source of secrets."""
    return Random("/".join(map(str, label)))  # noqa: S311 - a repeatable world is the point


def rolled(label: str) -> bytes:
    """Sixteen bytes that depend on the label only: for worlds too big to be kept, where every number is worked out when asked for."""
    return blake2b(label.encode(), digest_size=16).digest()
