"""The sandbox as a process of its own, with sellers who have everything at the size of a middling shop, and the vendor's own page sizes.

Usage: python -m kit.account SELLERS SCALE jam|plain FINANCE_ROWS
"""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime, timedelta

import structlog

from kit.children import arguments_after, tell, until_eof
from mpsyncd.sandbox import EVERY_CATEGORY, VENDOR_ORDERS_CAP, SandboxOptions, SellerSpec, TokenType, make_token, serve
from mpsyncd.sandbox.options import VENDOR_FINANCE_CAP
from mpsyncd.sandbox.wildberries.service import ENDPOINTS

CARDS, TRASHED, ORDERS, CAMPAIGNS = 438, 20, 50_000, 120
_WEEKS = 52


async def stay(sellers: int, scale: float, *, jam: bool, finance: int) -> None:
    """Listen, tell address, tokens, and of every limit the seconds between two requests and the burst; stay until stdin is closed."""
    specs = tuple(
        SellerSpec(
            name=f"bench-{number}",
            title=f"ИП Замер {number}",
            cards=CARDS,
            trashed=TRASHED,
            orders=ORDERS,
            large=True,
            jam=jam,
            weeks=_WEEKS,
            operations=finance // _WEEKS,
            campaigns=CAMPAIGNS,
            advert_history=timedelta(days=180),
        )
        for number in range(sellers)
    )
    options = SandboxOptions(
        sellers=specs, limit_scale=scale, orders_cap=VENDOR_ORDERS_CAP, finance_cap=VENDOR_FINANCE_CAP, log_size=100_000
    )
    async with await serve(options) as sandbox:
        expires = datetime.now(UTC) + timedelta(days=100)
        tokens = {
            name: make_token(sid=seller.sid, oid=seller.oid, categories=EVERY_CATEGORY, type=TokenType.PERSONAL, expires=expires)
            for name, seller in sandbox.core.world.sellers.items()
        }
        limits = {one.gate: (one.limit.interval / scale, one.limit.burst) for one in ENDPOINTS}
        tell(url=sandbox.url, tokens=tokens, limits=limits)
        await until_eof()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    given = arguments_after(sys.argv, "sellers", "scale", "jam", "finance")
    asyncio.run(stay(int(given["sellers"]), float(given["scale"]), jam=given["jam"] == "jam", finance=int(given["finance"])))
