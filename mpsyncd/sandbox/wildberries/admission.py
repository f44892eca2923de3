"""Whether a token is let in at a host and a method (wildberries.md §1). Limits are no business of this module."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from mpsyncd.sandbox.http import Request, Response
from mpsyncd.sandbox.wildberries import problems
from mpsyncd.sandbox.wildberries.endpoint import Endpoint
from mpsyncd.sandbox.wildberries.hosts import Host
from mpsyncd.sandbox.wildberries.tokens import Claims, MalformedTokenError, TokenType, read_token
from mpsyncd.sandbox.world.seller import Seller
from mpsyncd.sandbox.world.world import World


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, with what rights."""

    seller: Seller
    claims: Claims


def recognise(request: Request, *, host: Host, world: World, revoked: Collection[str], now: datetime) -> Visitor | Response:
    """The seller behind the Authorization header, or the 401 that the header deserves."""
    header = request.headers.get("authorization", "")
    if not header:
        return problems.unauthorized(host, detail="empty Authorization header", now=now)
    try:
        claims = read_token(header)
    except MalformedTokenError as error:
        return problems.unauthorized(host, detail=str(error), now=now)
    seller = world.find(claims.sid)
    if seller is None:
        return problems.unauthorized(host, detail="token problem; no such seller", now=now)
    if claims.token_id in revoked:
        return problems.unauthorized(host, detail="token withdrawn", now=now)
    if claims.expires <= now.timestamp():
        return problems.unauthorized(host, detail="token expired", now=now)
    return Visitor(seller, claims)


def refuse(visitor: Visitor, *, host: Host, endpoint: Endpoint, now: datetime) -> Response | None:
    """The refusal for a test token, a missing category or a token type that the method does not take; None lets in."""
    claims = visitor.claims
    if claims.test or claims.type is TokenType.TEST:
        return problems.unauthorized(host, detail="token scope not allowed", now=now)
    category = host.category if endpoint.category == "host" else endpoint.category
    if not claims.holds(category):
        return problems.scope_missing(host, now=now)
    if claims.type not in endpoint.types:
        return problems.base_refused(host, now=now)
    return None
