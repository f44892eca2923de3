"""Bodies on their way in: small ones stay in memory, big ones go to a temporary file that has no name and vanishes with its last handle."""

from __future__ import annotations

import asyncio
import os
import tempfile
from typing import IO, TYPE_CHECKING, Protocol, TypeVar

from mpsyncd.model.turns import turn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Result = TypeVar("Result")

_NOWAIT: int | None = getattr(os, "RWF_NOWAIT", None)
"""Linux alone can tell what it has in memory."""


class Body(Protocol):
    """A complete decoded body."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    async def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`, with a turn of the loop; fewer at the end only."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class MemoryBody:
    """A body of at most the spool threshold."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    async def read(self, offset: int, size: int) -> bytes:
        await turn()
        return self._data[offset : offset + size]

    def close(self) -> None:
        self._data = b""


class FileBody:
    """A spooled body. What the system still has in memory is read at once, the rest in a thread: a disk may take its time."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._size = size

    @property
    def size(self) -> int:
        return self._size

    async def read(self, offset: int, size: int) -> bytes:
        # Room made in the loop's thread: what other threads allocate stays in an arena of each (5 MB after a million rows).
        room = bytearray(min(size, max(0, self._size - offset)))
        if _cached(self._file, room, offset):
            await turn()
            return bytes(room)
        told = await _in_thread(lambda: os.preadv(self._file.fileno(), [room], offset))
        return bytes(memoryview(room)[:told])

    def close(self) -> None:
        self._file.close()

    def __del__(self) -> None:
        # A page that was dropped with its task: the file goes too, without a warning.
        self._file.close()


class Spool:
    """Collects a body; `finish` gives it out, `close` throws it away."""

    def __init__(self, *, threshold: int, directory: Path | None) -> None:
        self._threshold = threshold
        self._directory = directory
        self._pending = bytearray()
        self._file: IO[bytes] | None = None
        self.size = 0

    async def write(self, data: bytes) -> None:
        """Add a piece.

        Raises:
            OSError: the disk is full or the directory can not be written.
        """
        self._pending += data
        self.size += len(data)
        if len(self._pending) > self._threshold:
            await self._flush()

    async def _flush(self) -> None:
        pending, self._pending = self._pending, bytearray()
        file = self._file
        if file is None:
            file = self._file = await _in_thread(lambda: _nameless(self._directory))
        await _in_thread(lambda: _write_all(file, pending))

    async def finish(self) -> Body:
        """The whole body."""
        if self._file is None:
            data = bytes(self._pending)
            self._pending = bytearray()
            return MemoryBody(data)
        await self._flush()
        file, self._file = self._file, None
        return FileBody(file, self.size)

    def close(self) -> None:
        """Throw away what was collected; nothing is left after `finish`."""
        self._pending = bytearray()
        if self._file is not None:
            self._file.close()
            self._file = None


async def _in_thread(work: Callable[[], Result]) -> Result:
    """Run in a thread and, when cancelled, wait for its end: nobody may close a file that a thread is using."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        running.exception()
        raise


def _cached(file: IO[bytes], room: bytearray, offset: int) -> bool:
    """Fill the room without waiting for a disk; False where that can not be done."""
    if _NOWAIT is None:
        return False
    try:
        return os.preadv(file.fileno(), [room], offset, _NOWAIT) == len(room)
    except OSError:  # not in memory, or a file system that does not know how to tell
        return False


def _nameless(directory: Path | None) -> IO[bytes]:
    return tempfile.TemporaryFile(buffering=0, prefix="mpsyncd-", dir=directory)


def _write_all(file: IO[bytes], data: bytearray) -> None:
    """Unbuffered files may take less than they are given."""
    with memoryview(data) as view:
        done = 0
        while done < len(view):
            done += file.write(view[done:])
