"""One method of the vendor as a value, and what is handed to it. Token, limit and faults are dealt with before and around it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mpsyncd.sandbox.bucket import Limit
from mpsyncd.sandbox.http import JSON, Request, Response
from mpsyncd.sandbox.keep import Keep
from mpsyncd.sandbox.options import FaultKind, SandboxOptions
from mpsyncd.sandbox.wildberries.large_pages import LargePages
from mpsyncd.sandbox.wildberries.tokens import Category, TokenType
from mpsyncd.sandbox.world.seller import Seller

EVERY_TYPE = frozenset(TokenType)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that passed the gate. `now` is the clock, `moment` the world's own time (they differ while it is frozen).

    keep: what is remembered of the seller. struck: whether a fault of a kind that only a method can act out hits the request.
    """

    request: Request
    seller: Seller
    now: datetime
    moment: datetime
    options: SandboxOptions
    pages: Mapping[str, LargePages]
    keep: Keep
    struck: Callable[[FaultKind], bool]

    def unhurried(self, make: Callable[[], Response], *, content_type: str = JSON) -> Response:
        """An answer with 200 that may take seconds: of a large seller, whom no event touches, it is worked out in a thread."""
        return Response(content_type=content_type, later=make) if self.seller.spec.large else make()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A method of one host. The last step of `path` may be a name in braces, which any text fits.

    category "host": the host's own; None: any token. gate: name of its bucket, shared by the methods that name the same.
    limit, base_limit: the published rows for personal and service tokens, and for base tokens (None: the same row).
    types: token types that may call it. cursor: what of a request says where it reads, for the log of requests.
    empty: the body of a page without rows. no_content: whether the method may answer 204 instead.
    refusal_cost: requests that an answer 4XX counts for. enums: keys of its rows whose values the vendor lists, and may add to.
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
    no_content: bool = False
    refusal_cost: int = 1
    enums: frozenset[str] = frozenset()

    def limit_for(self, kind: TokenType) -> Limit:
        """The row of the published table for a token type."""
        return self.base_limit if kind is TokenType.BASE and self.base_limit else self.limit
