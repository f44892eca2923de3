"""The one file of a ZIP, inflated in small steps from the spooled body; nothing is unpacked to disk.

Refuses what would have to be guessed (several files, encryption, unknown methods) and what grows beyond the limit (a ZIP bomb).
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

from mpsyncd.model.errors import BODY_LIMIT, BadData, Transient
from mpsyncd.model.turns import turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from mpsyncd.transport.spool import Body

STEP = 16 << 10
"""Bytes of a file that are handed on at once: parsing them takes about a millisecond."""
_END, _ENTRY, _LOCAL = struct.Struct("<4s4H2LH"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s22x2H")
_END_MARK, _ENTRY_MARK, _LOCAL_MARK = b"PK\5\6", b"PK\1\2", b"PK\3\4"
_COMMENT_MOST = 0xFFFF
_DIRECTORY_MOST = 1 << 20
_UNTOLD = 0xFFFFFFFF
_ENCRYPTED = 0x1
_STORED, _DEFLATED = 0, 8


class Entry(NamedTuple):
    """A file as the directory of the ZIP tells it: sizes packed and unpacked, checksum, where its local header stands."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


class Member:
    """A file in a ZIP; may be read again and again."""

    def __init__(self, body: Body, entry: Entry, start: int) -> None:
        self._body = body
        self._entry = entry
        self._start = start

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content in steps of at most `STEP` bytes, with a turn of the loop between them.

        Raises:
            Transient: it ends early, or is not what its checksum says.
        """
        entry, crc, size = self._entry, 0, 0
        inflater = zlib.decompressobj(-zlib.MAX_WBITS) if entry.method == _DEFLATED else None
        try:
            for offset in range(self._start, self._start + entry.packed, STEP):
                packed = await self._body.read(offset, min(STEP, self._start + entry.packed - offset))
                for piece in (packed,) if inflater is None else _inflated(inflater, packed):
                    crc, size = zlib.crc32(piece, crc), size + len(piece)
                    if size > entry.size:
                        raise Transient(f"{entry.name!r} in the answer's ZIP is longer than it says")
                    yield piece
                    await turn()
        except zlib.error:
            raise Transient(f"{entry.name!r} in the answer's ZIP is broken") from None
        if size != entry.size or crc != entry.crc:
            raise Transient(f"{entry.name!r} in the answer's ZIP is broken or cut off")


async def member(body: Body, *, limit: int) -> Member:
    """The only file in a ZIP.

    Raises:
        Transient: no ZIP, or one that is cut off.
        BadData: no file in it or several, or one that can not be read or is larger than `limit` bytes.
    """
    head = await body.read(0, BODY_LIMIT * 4)
    if not head.startswith(b"PK"):
        raise Transient("the answer is not a ZIP", body=head.decode("utf-8", "replace"))
    files = [entry for entry in _entries(await _directory(body)) if not entry.name.endswith("/")]
    if len(files) != 1:
        raise BadData(f"the answer's ZIP holds {len(files)} files where one was promised: {', '.join(entry.name for entry in files[:5])}")
    [entry] = files
    if entry.flags & _ENCRYPTED or entry.method not in {_STORED, _DEFLATED}:
        raise BadData(f"{entry.name!r} in the answer's ZIP is encrypted or packed in an unknown way ({entry.method})")
    if _UNTOLD in {entry.packed, entry.size, entry.offset} or entry.size > limit:
        raise BadData(f"{entry.name!r} in the answer's ZIP is larger than {limit} bytes, the setting answer_limit")
    local = await body.read(entry.offset, _LOCAL.size)
    if len(local) < _LOCAL.size or not local.startswith(_LOCAL_MARK):
        raise Transient(f"the answer's ZIP is broken before {entry.name!r}")
    _, name, extra = _LOCAL.unpack(local)
    return Member(body, entry, entry.offset + _LOCAL.size + name + extra)


async def _directory(body: Body) -> bytes:
    start = max(0, body.size - _END.size - _COMMENT_MOST)
    tail = await body.read(start, body.size - start)
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        raise Transient("the answer's ZIP is cut off")
    size, offset = _END.unpack_from(tail, at)[5:7]
    if size > _DIRECTORY_MOST:
        raise BadData("the answer's ZIP has a directory of more than 1 MB")
    return await body.read(offset, size)


def _entries(directory: bytes) -> Iterator[Entry]:
    at = 0
    while at < len(directory):
        if len(directory) - at < _ENTRY.size or not directory.startswith(_ENTRY_MARK, at):
            raise Transient("the directory of the answer's ZIP is broken")
        _, _, _, flags, method, _, _, crc, packed, size, name, extra, comment, _, _, _, offset = _ENTRY.unpack_from(directory, at)
        at += _ENTRY.size
        yield Entry(directory[at : at + name].decode("utf-8", "replace"), flags, method, crc, packed, size, offset)
        at += name + extra + comment


def _inflated(inflater: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    while packed:
        yield inflater.decompress(packed, STEP)
        packed = inflater.unconsumed_tail
    while piece := inflater.decompress(b"", STEP):
        yield piece
