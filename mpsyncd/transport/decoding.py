"""From a complete body to the envelope and the rows of an answer, as the request declares them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from mpsyncd.model.errors import BODY_LIMIT, BadData, Transient
from mpsyncd.transport.archive import member
from mpsyncd.transport.cutting import PIECE, cut
from mpsyncd.transport.locate import locate
from mpsyncd.transport.rows import FewRows, ManyRows, decode
from mpsyncd.transport.separated import separated, whole

if TYPE_CHECKING:
    from mpsyncd.model.request import Request, Rows
    from mpsyncd.transport.spool import Body

_NO_CONTENT = 204
_BEGINNINGS = frozenset(b'{["-0123456789tfn')


async def opened(body: Body, request: Request, *, status: int, limit: int) -> tuple[Any, Rows]:
    """The envelope and the rows; the body belongs to the rows when they are many or no JSON, else it is closed.

    `limit`: bytes to which a packed file may grow.

    Raises:
        Transient: no JSON (CSV, ZIP), or one that is cut off or broken.
        BadData: it has another shape than the request declares.
    """
    rows_at = request.rows_at
    if status == _NO_CONTENT or (body.size == 0 and rows_at is None):
        body.close()
        return None, FewRows([])
    if request.rows_format == "file":
        content = await body.read(0, body.size)
        body.close()
        return content, FewRows([])
    if rows_at is not None and request.rows_format == "csv":
        return None, await separated(body, partial(whole, body))
    if rows_at is not None and request.rows_format == "zip+csv":
        return None, await separated(body, (await member(body, limit=limit)).chunks)
    await _check_begin(body)
    if rows_at is not None and body.size > PIECE:
        start = await locate(body, rows_at)
        if start is not None:
            return await _many(body, start)
    document = _loads(await body.read(0, body.size))
    body.close()
    return (document, FewRows([])) if rows_at is None else _few(document, rows_at)


async def _many(body: Body, start: int) -> tuple[Any, Rows]:
    pieces, end = await cut(body, start)
    head = await body.read(0, start)
    tail = await body.read(end, body.size - end)
    envelope = _loads(head + tail)
    last = (await decode(body, pieces, len(pieces) - 1))[-1] if pieces and pieces[-1].rows else None
    return envelope, ManyRows(body, pieces, last=last)


def _few(document: Any, rows_at: str) -> tuple[Any, Rows]:
    """Take the list out of a decoded document and leave an empty one in its place."""
    if not rows_at:
        if document is None:
            return None, FewRows([])
        return [], FewRows(_objects(document, rows_at))
    *parents, name = rows_at.split(".")
    holder = document
    for part in parents:
        if holder is None:
            return document, FewRows([])
        holder = _member(holder, part, rows_at)
    if holder is None:
        return document, FewRows([])
    rows = _member(holder, name, rows_at)
    if rows is None:
        return document, FewRows([])
    objects = _objects(rows, rows_at)
    holder[name] = []
    return document, FewRows(objects)


def _member(holder: Any, name: str, rows_at: str) -> Any:
    if not isinstance(holder, dict) or name not in holder:
        raise BadData(f"the answer has no {rows_at!r}")
    return holder[name]


def _objects(rows: Any, rows_at: str) -> list[dict[str, Any]]:
    if not isinstance(rows, list):
        raise BadData(f"the answer has {type(rows).__name__} at {rows_at!r} where a list was promised")
    if not all(type(row) is dict for row in rows):
        raise BadData(f"the list at {rows_at!r} holds something else than objects")
    return rows


async def _check_begin(body: Body) -> None:
    head = (await body.read(0, BODY_LIMIT * 4)).lstrip()
    if not head:
        raise Transient("the answer is empty where JSON was promised")
    if head[0] not in _BEGINNINGS:
        raise Transient("the answer is not JSON", body=head.decode("utf-8", "replace"))


def _loads(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        shown = text[:BODY_LIMIT].decode("utf-8", "replace")
        raise Transient(f"the answer is broken or cut off JSON: {error.msg} at byte {error.pos}", body=shown) from None
