"""Refusals in the vendor's words (kaiten.md §2, §3)."""

import math

from mpsyncd.sandbox.http import HTML, PLAIN_TEXT, Response, json_response
from mpsyncd.sandbox.kaiten.window import Passage

_WAIT = "1"
_MANY = "<!doctype html><html><head><title>429</title></head><body><h1>Too many requests</h1><p>Try again later.</p></body></html>"


def unauthorized() -> Response:
    """No token or an unknown one: a bare word, which is no JSON."""
    return Response(status=401, body=b"Unauthorized", content_type=PLAIN_TEXT)


def bad_request(text: str) -> Response:
    """A parameter that the method can not read."""
    return json_response({"message": text}, status=400)


def not_in_tariff(feature: str) -> Response:
    """What the company does not pay for."""
    return json_response({"message": f"Your tariff doesn't include '{feature}' feature"}, status=402)


def forbidden(*, body: bool = True) -> Response:
    """A right that the token's user does not have; the audit log says nothing besides."""
    return json_response({"message": "Forbidden"}, status=403) if body else Response(status=403)


def not_found() -> Response:
    """No such path, nothing of this number, or nothing that the token may see."""
    return json_response({"message": "Not found"}, status=404)


def method_not_allowed() -> Response:
    """The path is there and can not be asked so."""
    return json_response({"message": "Method not allowed"}, status=405)


def too_many(headers: dict[str, str]) -> Response:
    """A page for people, with the wait in its head."""
    return Response(status=429, body=_MANY.encode(), content_type=HTML, headers={**headers, "Retry-After": _WAIT})


def limit_headers(passage: Passage, *, limit: int, old: bool) -> dict[str, str]:
    """What every answer says of the limit: the measured headers, or those of the older documentation."""
    reset = str(math.ceil(passage.reset))
    if old:
        return {"X-RateLimit-Remaining": str(passage.remaining), "X-RateLimit-Reset": reset}
    return {"x-ratelimit-limit": str(limit), "x-ratelimit-remaining": str(passage.remaining), "x-ratelimit-reset": reset}
