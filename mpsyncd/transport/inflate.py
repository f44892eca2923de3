"""Decompression in small steps, with an end that is checked: a gzip body that stops early is an error, not a short answer."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from mpsyncd.model.errors import BadData

if TYPE_CHECKING:
    from collections.abc import Iterator

STEP = 256 << 10
_GZIP = 16 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS


class Inflater:
    """Takes a body in pieces as it comes over the wire, yields it decoded, at most `STEP` bytes at a time."""

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise BadData(f"the answer is encoded as {encoding!r}, which was not asked for")
        self._plain = encoding in {"", "identity"}
        self._deflate = encoding == "deflate"
        self._inside: zlib._Decompress | None = None
        self._fresh = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode what came.

        Raises:
            zlib.error: it is not what the header said.
        """
        if self._plain:
            if data:
                yield data
            return
        while data:
            if self._inside is None:
                self._inside = self._begin(data)
            piece = self._inside.decompress(data, STEP)
            if piece:
                yield piece
            data = self._inside.unconsumed_tail
            if self._inside.eof:  # gzip allows one member after the other
                data = self._inside.unused_data
                self._inside = None
            elif not data:
                yield from self._rest()

    def _rest(self) -> Iterator[bytes]:
        """What the decompressor still holds although it has eaten everything."""
        while self._inside is not None and (piece := self._inside.decompress(b"", STEP)):
            yield piece

    def _begin(self, data: bytes) -> zlib._Decompress:
        self._fresh = False
        if not self._deflate:
            return zlib.decompressobj(_GZIP)
        # "deflate" means zlib, and some servers send it without its header.
        return zlib.decompressobj(zlib.MAX_WBITS if data[0] & 0x0F == zlib.DEFLATED else _RAW)

    @property
    def complete(self) -> bool:
        """Whether the body may end here (an empty body may)."""
        return self._plain or self._fresh or self._inside is None
