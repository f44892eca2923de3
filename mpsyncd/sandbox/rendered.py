"""Big answers, written once: compressed into unnamed files when they are first asked for, and sent from there ever after."""

import mmap
import tempfile
import threading
import zlib
from collections.abc import Callable, Hashable, Iterable, Iterator

from mpsyncd.sandbox.http import Response

_GZIP = 31
_LEVEL = 1
_PIECE = 1 << 18


class Rendered:
    """One file for each key. Two threads that ask for the same one write it once."""

    def __init__(self) -> None:
        self._files: dict[Hashable, mmap.mmap] = {}
        self._lock = threading.Lock()

    def answer(self, key: Hashable, pieces: Callable[[], Iterable[bytes]]) -> Response:
        """The answer with this key; `pieces` make its body and are asked only the first time, when it is sent."""
        return Response(later=lambda: self._ready(key, pieces))

    def _ready(self, key: Hashable, pieces: Callable[[], Iterable[bytes]]) -> Response:
        with self._lock:
            if key not in self._files:
                self._files[key] = _packed(pieces())
        packed = memoryview(self._files[key])
        return Response(gzipped=packed, stream=_unpacked(packed))


def _packed(pieces: Iterable[bytes]) -> mmap.mmap:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    with tempfile.TemporaryFile() as file:
        for piece in pieces:
            file.write(packer.compress(piece))
        file.write(packer.flush())
        file.flush()
        return mmap.mmap(file.fileno(), file.tell(), access=mmap.ACCESS_READ)


def _unpacked(packed: memoryview) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(_GZIP)
    for place in range(0, len(packed), _PIECE):
        yield unpacker.decompress(packed[place : place + _PIECE])
    yield unpacker.flush()
