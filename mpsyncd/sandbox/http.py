"""Requests and responses as plain values, so that the whole sandbox runs without a socket.

Knows nothing of aiohttp: the shell turns a socket's request into :class:`Request` and carries out a :class:`Response`,
faulty delivery included.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self
from urllib.parse import parse_qsl, urlsplit

import orjson

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
NDJSON = "application/x-ndjson"
PLAIN_TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"


class Manner(StrEnum):
    """How the shell puts the response on the wire."""

    WHOLE = "whole"
    RESET = "reset"
    STALL = "stall"
    TRUNCATED = "truncated"
    TRICKLE = "trickle"


@dataclass(frozen=True, slots=True)
class Delivery:
    """`pause` is in seconds: the length of a stall, or the wait between the pieces of a trickle."""

    manner: Manner = Manner.WHOLE
    pause: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Header names are lower case; the query keeps repeated names."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def to(cls, method: str, url: str, *, token: str | None = None, body: object = None) -> Self:
        """A request from a path with an optional query; `body` is sent as JSON, or as it is when it is bytes."""
        parts = urlsplit(url)
        match body:
            case None:
                raw = b""
            case bytes():
                raw = body
            case _:
                raw = orjson.dumps(body)
        return cls(
            method=method,
            path=parts.path,
            query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
            headers={} if token is None else {"authorization": token},
            body=raw,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """`gzipped` is a prepared compressed twin of the body; `stream`, when set, is sent instead of `body` to who does not take the twin.

    `later`, when set, works out the body; it may take seconds and belongs into a thread. Status, headers and delivery are this one's.
    """

    status: int = 200
    body: bytes | memoryview = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    gzipped: bytes | memoryview | None = None
    stream: Iterator[bytes] | None = None
    later: Callable[[], "Response"] | None = None
    delivery: Delivery = Delivery()

    def ready(self) -> "Response":
        """The same response with its body worked out."""
        if self.later is None:
            return self
        made = self.later()
        return replace(self, body=made.body, gzipped=made.gzipped, stream=made.stream, later=None)

    def json(self) -> object:
        """The decoded body, for callers in memory."""
        whole = self.ready()
        decoded: object = orjson.loads(whole.body if whole.stream is None else b"".join(whole.stream))
        return decoded


def json_response(value: object, *, status: int = 200, content_type: str = JSON) -> Response:
    """A response with `value` as JSON; what JSON has no spelling for is written with `str`."""
    return Response(status=status, body=orjson.dumps(value, default=str), content_type=content_type)
