"""Reads the body of an answer: decoded in small steps, spooled when big, refused when it is cut off or larger than anybody wants."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from mpsyncd.model.errors import BadData, Transient
from mpsyncd.model.turns import turn
from mpsyncd.transport.inflate import STEP, Inflater
from mpsyncd.transport.spool import Spool

if TYPE_CHECKING:
    import aiohttp

    from mpsyncd.transport.options import TransportOptions
    from mpsyncd.transport.spool import Body

HEAD = 64 << 10
"""Bytes of a body that `Source.classify` may see."""


async def whole(response: aiohttp.ClientResponse, options: TransportOptions, *, longest: int | None = None) -> Body:
    """The complete decoded body.

    Raises:
        aiohttp.ClientPayloadError: fewer bytes came than the answer promised.
        Transient: the compressed body is broken or ends early; the disk has no room for it.
        BadData: it is larger than the setting allows, or than `longest` bytes.
    """
    spool = Spool(threshold=options.spool_threshold, directory=options.spool_directory)
    inflater = Inflater(response.headers.get("Content-Encoding", ""))
    try:
        async for chunk in response.content.iter_any():
            for piece in inflater.feed(chunk):
                await spool.write(piece)
                if longest is not None and spool.size > longest:
                    raise BadData(f"the answer is larger than {longest} bytes, which is the most that is taken of it")
                if spool.size > options.answer_limit:
                    raise BadData(f"the answer is larger than {options.answer_limit} bytes, the setting answer_limit")
                if len(piece) >= STEP:
                    await turn()
        if not inflater.complete:
            raise Transient("the answer is cut off inside its compressed body", status=response.status)
        return await spool.finish()
    except zlib.error:
        raise Transient("the answer's compressed body is broken", status=response.status) from None
    except OSError as error:
        if isinstance(error, TimeoutError | ConnectionError) or error.errno is None:
            raise
        where = options.spool_directory or "the system's temporary directory"
        raise Transient(f"the answer can not be spooled to {where}: {error.strerror}; make room there") from None
    finally:
        spool.close()


async def head(response: aiohttp.ClientResponse) -> bytes:
    """The first bytes of an error's body; what can be read of it, for it is only shown and classified."""
    seen = bytearray()
    try:
        inflater = Inflater(response.headers.get("Content-Encoding", ""))
        async for chunk in response.content.iter_any():
            for piece in inflater.feed(chunk):
                seen += piece
                if len(seen) >= HEAD:
                    response.close()
                    return bytes(seen[:HEAD])
    except (zlib.error, BadData):
        pass
    return bytes(seen)
