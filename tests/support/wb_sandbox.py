"""The Wildberries source before a sandbox in memory: two readings of the vendor's contract, written apart, look each other in the eye."""

from typing import Any
from urllib.parse import urlencode

import orjson

from mpsyncd.model.errors import BadRequest, NotFound
from mpsyncd.model.page import Slice
from mpsyncd.model.request import Answer, BadRow, Document, Request
from mpsyncd.model.request import Response as Head
from mpsyncd.model.stream import Stream
from mpsyncd.sources.wildberries.source import WILDBERRIES
from support.sandbox_caller import Caller
from support.sources import ListRows, pages_of, split


class SandboxApi:
    """Sends to a sandbox in memory as transport would: signs, classifies, waits out the limits on the turned clock.

    `limit`: rows a page at most, for a vendor that gives less than it is asked for.
    """

    def __init__(self, caller: Caller, *, limit: int | None = None) -> None:
        self.caller = caller
        self.asked = 0
        self._limit = limit

    async def send(self, request: Request) -> Answer:
        self.asked += 1
        signed = WILDBERRIES.authorize(self._lowered(request), {"token": self.caller.token})
        self.caller.wait(60)
        asked_at = self.caller.now
        url = f"/wb/{signed.host}{signed.path}?{urlencode(signed.params)}"
        key = signed.headers["Authorization"]
        answer = self.caller.get(url, token=key) if signed.method == "GET" else self.caller.post(url, signed.json, token=key)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        head = Head(status=answer.status, headers=headers, body=bytes(answer.body))
        error = WILDBERRIES.classify(head, request)
        told = orjson.loads(answer.body or b"null") if error is None else None
        lacking = isinstance(error, BadRequest | NotFound) or (error is None and request.rows_at == "" and isinstance(told, dict))
        nothing = lacking and request.empty_when is not None and request.empty_when(head)
        if error is not None and not nothing:
            raise error
        rows, envelope = split(None if nothing else told, request.rows_at)
        return Answer(status=answer.status, headers=headers, envelope=envelope, rows=ListRows(rows or []), asked_at=asked_at)

    def _lowered(self, request: Request) -> Request:
        if self._limit is None:
            return request
        if "limit" in request.params:
            return request.with_params(limit=str(self._limit))
        return request.with_json({**request.json, "limit": self._limit})


async def rows_read(stream: Stream, api: SandboxApi, part: Slice) -> tuple[list[Document], int]:
    """All rows that a stream reads, cured, and the number of pages."""
    cure = stream.main.row or dict
    pages = await pages_of(stream, api, part)
    rows: list[Any] = [row for page in pages async for piece in page.rows.pieces() for row in piece]
    assert not [row for row in rows if isinstance(row, BadRow)]
    return [cure(row) for row in rows], len(pages)
