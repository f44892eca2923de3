"""Files and pictures of chats (vendor's page "Buyers chat", read October 2026), fetched one by one when somebody wants to see them."""

from __future__ import annotations

import json
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from mpsyncd.model.attachment import NotYet
from mpsyncd.model.errors import BadData
from mpsyncd.model.request import Request

if TYPE_CHECKING:
    from mpsyncd.model.request import Api

# The vendor takes 5 MB from a seller and does not say how much from a buyer.
LONGEST = 32 << 20
_WAIT, _WAIT_MOST = 30, 3600


async def fetch_attachment(api: Api, download_id: str) -> bytes | NotYet:
    """The bytes of a file.

    Raises:
        NotFound: it did not pass the moderation (451).
        BadRequest: there is no such file.
        BadData: it is empty, or longer than `LONGEST`.
        SourceError, Snooze: as `Api.send`.
    """
    asked = Request(
        method="GET",
        host="buyer-chat-api",
        path=f"/api/v1/seller/download/{quote(download_id, safe='')}",
        rows_at=None,
        rows_format="file",
        longest=LONGEST,
        limits=("chat.download",),
    )
    answer = await api.send(asked)
    content = answer.envelope
    if answer.status == HTTPStatus.ACCEPTED:
        return NotYet(until=answer.asked_at + timedelta(seconds=_seconds(content)))
    if not isinstance(content, bytes) or not content:
        raise BadData(f"the file {download_id} came empty")
    return content


def _seconds(content: object) -> int:
    """How long the vendor wants to be left in peace; half a minute when it does not say so in a way that makes sense."""
    try:
        told = json.loads(content if isinstance(content, bytes) else b"{}")
    except ValueError:
        return _WAIT
    seconds = told.get("retrySeconds") if isinstance(told, dict) else None
    return min(seconds, _WAIT_MOST) if isinstance(seconds, int) and seconds > 0 else _WAIT
