"""A vendor for `ingest.py`: order rows as Wildberries spells them, written to files before anybody asks, then sent by the kernel.

Usage: python -m kit.vendor ROWS gzip|plain. Serves the vendor's walk by `dateFrom` and the same pages by number, for loaders that count.
"""

from __future__ import annotations

import asyncio
import gzip
import random
import sys
import tempfile
from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from kit.children import arguments_after, tell, until_eof

PAGE = 80_000
_DAYS = 80
_PATTERNS = 4_999
_CANCELLED = 9
_PLACES = (
    ("Центральный федеральный округ", "Калужская область"),
    ("Приволжский федеральный округ", "Самарская область"),
    ("Сибирский федеральный округ", "Новосибирская область"),
    ("Уральский федеральный округ", "Свердловская область"),
)
_GOODS = (("Дом", "Светильники", "Тихий дом"), ("Одежда", "Платья", "Льняная лавка"), ("Игрушки", "Кубики", "Малыш и мяч"))
_STORES = ("Коледино", "Казань", "Электросталь", "Новосибирск", "Краснодар")


def patterns(dice: random.Random) -> Iterator[dict[str, Any]]:
    """Orders as they may be, without what tells one from another."""
    for place in range(_PATTERNS):
        okrug, region = dice.choice(_PLACES)
        category, subject, brand = dice.choice(_GOODS)
        price, discount = dice.randrange(500, 20_000), dice.randrange(5, 70)
        reduced = round(price * (100 - discount) / 100, 2)
        yield {
            "date": "",
            "lastChangeDate": "",
            "warehouseName": dice.choice(_STORES),
            "warehouseType": "Склад WB" if place % 4 else "Склад продавца",
            "countryName": "Россия",
            "oblastOkrugName": okrug,
            "regionName": region,
            "supplierArticle": f"art-{place}",
            "nmId": 100_000_000 + place,
            "barcode": f"20400{place:08}",
            "category": category,
            "subject": subject,
            "brand": brand,
            "techSize": str(40 + place % 16),
            "incomeID": place * 77,
            "isSupply": False,
            "isRealization": True,
            "totalPrice": price,
            "discountPercent": discount,
            "spp": round(dice.random() * 30, 1),
            "finishedPrice": round(reduced * 0.8, 2),
            "priceWithDisc": reduced,
            "isCancel": False,
            "cancelDate": "0001-01-01T00:00:00",
            "sticker": "",
            "gNumber": "",
            "srid": "",
        }


def rows(count: int) -> Iterator[dict[str, Any]]:
    """`count` orders, ascending by time of change, no two at one moment."""
    dice = random.Random(7)
    kinds = list(patterns(dice))
    end = datetime.now().replace(microsecond=0) - timedelta(hours=2)  # noqa: DTZ005 - the vendor's stamps have no zone
    step = timedelta(days=_DAYS) / count
    for place in range(count):
        changed = end - step * (count - place)
        stamp = changed.isoformat(timespec="milliseconds")
        row = kinds[place % _PATTERNS]
        row["date"] = (changed - timedelta(hours=1 + place % 5)).isoformat(timespec="seconds")
        row["lastChangeDate"] = stamp
        row["isCancel"] = place % _CANCELLED == 0
        row["cancelDate"] = stamp[:19] if row["isCancel"] else "0001-01-01T00:00:00"
        row["sticker"] = str(10**9 + place)
        row["gNumber"] = str(10**17 + place // 2)
        row["srid"] = f"eb.{dice.getrandbits(64):016x}{place:012x}.0.0"
        yield row  # the same objects again and again: whoever wants to keep one renders it at once


class Shelf:
    """Pages as files; `lasts` are the times of change of their last rows."""

    def __init__(self, folder: Path, *, count: int, packed: bool) -> None:
        self._folder = folder
        self.lasts: list[str] = []
        self.size = 0
        page: list[bytes] = []
        for row in rows(count):
            page.append(orjson.dumps(row))
            if len(page) == PAGE or len(self.lasts) * PAGE + len(page) == count:
                self._put(b"[" + b",".join(page) + b"]", packed=packed)
                self.lasts.append(row["lastChangeDate"])
                page.clear()

    def _put(self, body: bytes, *, packed: bool) -> None:
        path = self._folder / f"{len(self.lasts)}.json"
        path.write_bytes(body)
        if packed:
            path.with_suffix(".json.gz").write_bytes(gzip.compress(body, 1))  # FileResponse takes it for who accepts gzip
        self.size += len(body)

    async def since(self, request: web.Request) -> web.StreamResponse:
        return self._page(bisect_right(self.lasts, request.query["dateFrom"]))

    async def numbered(self, request: web.Request) -> web.StreamResponse:
        return self._page(int(request.query.get("page", "0")))

    def _page(self, number: int) -> web.StreamResponse:
        if number >= len(self.lasts):
            return web.Response(body=b"[]", content_type="application/json")
        return web.FileResponse(self._folder / f"{number}.json", headers={"Content-Type": "application/json"})


async def serve(count: int, *, packed: bool) -> None:
    """Render, listen, tell where, stay until stdin is closed."""
    with tempfile.TemporaryDirectory(prefix="mpv") as folder:
        shelf = Shelf(Path(folder), count=count, packed=packed)
        app = web.Application()
        app.router.add_get("/wb/{host}/api/v1/supplier/orders", shelf.since)
        app.router.add_get("/numbered", shelf.numbered)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            tell(url=f"http://127.0.0.1:{runner.addresses[0][1]}", bytes=shelf.size, pages=len(shelf.lasts))
            await until_eof()
        finally:
            await runner.cleanup()


if __name__ == "__main__":
    given = arguments_after(sys.argv, "rows", "packing")
    asyncio.run(serve(int(given["rows"]), packed=given["packing"] == "gzip"))
