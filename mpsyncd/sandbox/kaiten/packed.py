"""Pages of a company that does not move: written and compressed once, so that a benchmark's answers cost the sandbox next to nothing."""

import zlib
from collections.abc import Callable, Hashable, Iterator

from mpsyncd.sandbox.http import Response

_GZIP, _LEVEL = 31, 1


class PackedPages:
    """Pages of a company that does not move, each written once."""

    def __init__(self) -> None:
        self._pages: dict[Hashable, bytes] = {}

    def answer(self, key: Hashable, write: Callable[[], bytes]) -> Response:
        """The page with this key."""
        if key not in self._pages:
            packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
            self._pages[key] = packer.compress(write()) + packer.flush()
        packed = self._pages[key]
        return Response(gzipped=packed, stream=_unpacked(packed))


def _unpacked(packed: bytes) -> Iterator[bytes]:
    yield zlib.decompress(packed, wbits=_GZIP)
