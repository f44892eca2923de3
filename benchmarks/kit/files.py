"""A vendor of one large report, as CSV and in a ZIP.

Usage: python -m kit.files MEGABYTES
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import zipfile
from pathlib import Path

from aiohttp import web

from kit.children import arguments_after, tell, until_eof

HEAD = (
    b"nmID, dt, openCardCount, addToCartCount, ordersCount, ordersSumRub, buyoutsCount, buyoutsSumRub, cancelCount, cancelSumRub, "
    b"addToCartConversion, cartToOrderConversion, buyoutPercent, addToWishlist, currency\n"
)
_ROW = b"%d,2026-%02d-%02d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,RUB\n"
_MOST = (977, 97, 31, 90_001, 29, 70_001, 5, 9_001, 101, 89, 83, 41)
_BLOCK = 20_000


def lines(first: int) -> bytes:
    """A block of rows; no two of a file are alike."""
    return b"".join(
        [_ROW % (100_000_000 + n, n % 12 + 1, n % 28 + 1, *(n * 7919 % most for most in _MOST)) for n in range(first, first + _BLOCK)]
    )


def make(folder: Path, size: int) -> int:
    """Write the file both ways; its rows."""
    rows = 0
    with (
        (folder / "csv").open("wb") as plain,
        zipfile.ZipFile(folder / "zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
        packed.open("report.csv", "w") as inside,
    ):
        for out in (plain, inside):
            out.write(HEAD)
        while plain.tell() < size:
            block = lines(rows)
            rows += _BLOCK
            plain.write(block)
            inside.write(block)
    return rows


async def stay(size: int) -> None:
    """Listen, tell the address and the number of rows, stay until stdin is closed."""
    with tempfile.TemporaryDirectory(prefix="mpr") as name:
        rows = await asyncio.to_thread(make, Path(name), size)
        app = web.Application()
        app.router.add_static("/", name)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        tell(port=runner.addresses[0][1], rows=rows)
        await until_eof()
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(stay(int(arguments_after(sys.argv, "megabytes")["megabytes"]) * 1_000_000))
