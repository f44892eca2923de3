"""JSON answers, spelt alike everywhere: instants in UTC, durations in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import orjson
from aiohttp import web


def json_answer(content: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """The answer with this content."""
    body = orjson.dumps(content, default=_plain, option=orjson.OPT_UTC_Z)
    return web.Response(status=status, body=body, content_type="application/json", headers=dict(headers or {}))


def _plain(value: object) -> object:
    match value:
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return dict(value)
        case _:
            return str(value)
