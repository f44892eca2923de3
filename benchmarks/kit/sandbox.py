"""The sandbox as a process of its own, with as many sellers as a benchmark wants.

Usage: python -m kit.sandbox SELLERS ORDERS large|small. Large: the orders are rendered once and cut where the real vendor cuts.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime, timedelta

import structlog

from kit.children import arguments_after, tell, until_eof
from mpsyncd.sandbox import EVERY_CATEGORY, VENDOR_ORDERS_CAP, SandboxOptions, SellerSpec, TokenType, make_token, serve

QUICKEST = 10_000


async def stay(sellers: int, orders: int, *, large: bool) -> None:
    """Listen, tell the address and the tokens, stay until stdin is closed."""
    specs = tuple(
        SellerSpec(name=f"bench-{number}", title=f"ИП Замер {number}", cards=20, trashed=2, orders=orders, large=large)
        for number in range(sellers)
    )
    async with await serve(SandboxOptions(sellers=specs, limit_scale=QUICKEST, orders_cap=VENDOR_ORDERS_CAP)) as sandbox:
        expires = datetime.now(UTC) + timedelta(days=100)
        tokens = {
            name: make_token(sid=seller.sid, oid=seller.oid, categories=EVERY_CATEGORY, type=TokenType.PERSONAL, expires=expires)
            for name, seller in sandbox.core.world.sellers.items()
        }
        tell(url=sandbox.url, tokens=tokens)
        await until_eof()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    given = arguments_after(sys.argv, "sellers", "orders", "size")
    asyncio.run(stay(int(given["sellers"]), int(given["orders"]), large=given["size"] == "large"))
