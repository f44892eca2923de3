"""The sandbox as a process of its own, with sellers who have a thousand chats each and nothing else worth a look.

Usage: python -m kit.talk SELLERS SCALE CHATS MESSAGES
"""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime, timedelta

import structlog

from kit.children import arguments_after, tell, until_eof
from mpsyncd.sandbox import Category, SandboxOptions, SellerSpec, TokenType, make_token, serve
from mpsyncd.sandbox.wildberries.service import ENDPOINTS


async def stay(sellers: int, scale: float, *, chats: int, messages: int) -> None:
    """Listen, tell address, tokens, and of every limit the seconds between two requests and the burst; stay until stdin is closed."""
    specs = tuple(
        SellerSpec(name=f"talk-{number}", title=f"ИП Чат {number}", cards=20, trashed=0, orders=200, chats=chats, messages=messages)
        for number in range(sellers)
    )
    async with await serve(SandboxOptions(sellers=specs, limit_scale=scale, log_size=100_000)) as sandbox:
        expires = datetime.now(UTC) + timedelta(days=100)
        tokens = {
            name: make_token(sid=seller.sid, oid=seller.oid, categories={Category.CHAT}, type=TokenType.PERSONAL, expires=expires)
            for name, seller in sandbox.core.world.sellers.items()
        }
        limits = {one.gate: (one.limit.interval / scale, one.limit.burst) for one in ENDPOINTS}
        tell(url=sandbox.url, tokens=tokens, limits=limits)
        await until_eof()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    given = arguments_after(sys.argv, "sellers", "scale", "chats", "messages")
    asyncio.run(stay(int(given["sellers"]), float(given["scale"]), chats=int(given["chats"]), messages=int(given["messages"])))
