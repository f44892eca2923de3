"""Files on disk that can be fetched again: a folder a shop, bounded in size and age. Holds bytes and never looks into them.

Names are hashed, so that what a vendor calls a file never becomes a path. Not a place for what can not be fetched again.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCache:
    """Files below `folder`: not older than `keep`, not more than `most` bytes together."""

    folder: Path
    most: int
    keep: timedelta

    async def get(self, shop_id: int, name: str) -> bytes | None:
        """The file, None when it is not here."""
        return await asyncio.to_thread(self._get, shop_id, name)

    async def put(self, shop_id: int, name: str, content: bytes) -> None:
        """Keep a file, and make room for it; nothing is kept that alone is too large, or while the disk has no room."""
        if len(content) <= self.most:
            await asyncio.to_thread(self._put, shop_id, name, content)

    async def forget(self, shop_id: int, names: Collection[str]) -> int:
        """Remove files; return how many were here."""
        return await asyncio.to_thread(lambda: sum(_remove(self._path(shop_id, name)) for name in names))

    async def shops(self) -> list[int]:
        """Shops that have files here."""
        return await asyncio.to_thread(lambda: [int(path.name) for path in _entries(self.folder) if path.name.isdigit()])

    async def keep_only(self, shop_id: int, digests: Collection[str]) -> None:
        """Remove a shop's files but those whose `digest_of` their name is given."""
        known = frozenset(digests)
        await asyncio.to_thread(lambda: [_remove(path) for path in _entries(self.folder / str(shop_id)) if path.name not in known])

    async def tidy(self, now: datetime) -> None:
        """Remove what is too old, then the oldest until the rest fits."""
        await asyncio.to_thread(self._tidy, now.timestamp(), self.most)

    def _path(self, shop_id: int, name: str) -> Path:
        return self.folder / str(shop_id) / digest_of(name)

    def _get(self, shop_id: int, name: str) -> bytes | None:
        try:
            return self._path(shop_id, name).read_bytes()
        except OSError:
            return None

    def _put(self, shop_id: int, name: str, content: bytes) -> None:
        path = self._path(shop_id, name)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._tidy(None, self.most - len(content))
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(temporary).replace(path)
        except OSError:
            return

    def _tidy(self, now: float | None, most: int) -> None:
        found = []
        for shop in _entries(self.folder):
            for path in _entries(shop):
                try:
                    state = path.stat()
                except OSError:
                    continue
                found.append((state.st_mtime, state.st_size, path))
        left = sum(size for _, size, _ in found)
        for written, size, path in sorted(found):
            if left > most or (now is not None and now - written > self.keep.total_seconds()):
                _remove(path)
                left -= size


def digest_of(name: str) -> str:
    """What a file is called on disk: SHA-256 of its name, in hexadecimal digits."""
    return hashlib.sha256(name.encode()).hexdigest()


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True
