"""One method of the vendor as a value, and what is handed to it. Token, limit and faults are dealt with before and around it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import Request, Response
from mpsyncd.sandbox.options import SandboxOptions
from mpsyncd.sandbox.wildberries.large_orders import LargePages
from mpsyncd.sandbox.wildberries.tokens import Category, TokenType
from mpsyncd.sandbox.world.seller import Seller

EVERY_TYPE = frozenset(TokenType)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that passed the gate. `now` is the clock, `moment` the world's own time (they differ while it is frozen)."""

    request: Request
    seller: Seller
    now: datetime
    moment: datetime
    options: SandboxOptions
    pages: Mapping[str, LargePages]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A method of one host.

    category "host": the host's own; None: any token. gate: name of its bucket, shared by the methods that name the same.
    limit, base_limit: the published rows for personal and service tokens, and for base tokens (None: the same row).
    types: token types that may call it. cursor: what of a request says where it reads, for the log of requests.
    empty: the body of a page without rows.
    """

    method: str
    host: str
    path: str
    gate: str
    limit: Limit
    answer: Callable[[Call], Response]
    category: Category | Literal["host"] | None = "host"
    base_limit: Limit | None = None
    types: frozenset[TokenType] = EVERY_TYPE
    cursor: Callable[[Request], object] | None = None
    empty: bytes = b"null"

    def limit_for(self, kind: TokenType) -> Limit:
        """The row of the published table for a token type."""
        return self.base_limit if kind is TokenType.BASE and self.base_limit else self.limit
