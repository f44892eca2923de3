"""Who may do what over HTTP: roles, and how far a visitor may look."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a visitor may do; each role may also do what those before it may."""

    VIEWER = "viewer"
    """Reads."""
    OPERATOR = "operator"
    """Pauses and resumes shops, asks for runs and cancels them."""
    ADMIN = "admin"
    """Changes what there is: settings, shops, keys."""

    def covers(self, least: Role) -> bool:
        """Whether this role may do what `least` may."""
        ranks = tuple(Role)
        return ranks.index(self) >= ranks.index(least)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who asks, known by a token or because the request came from this machine (`token_id` None).

    shops: what may be seen, None for everything. customers: those whose shops all belong to it; `shops` has them already.
    """

    role: Role
    token_id: str | None = None
    customers: frozenset[int] = frozenset()
    shops: frozenset[int] | None = None

    def sees(self, shop_id: int) -> bool:
        """Whether answers to this visitor may speak of the shop."""
        return self.shops is None or shop_id in self.shops
