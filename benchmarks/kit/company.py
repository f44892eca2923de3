"""The sandbox as a process of its own, with one Kaiten company that stands still, at the limits that were measured at the vendor.

Usage: python -m kit.company CARDS
"""

from __future__ import annotations

import asyncio
import logging
import sys

import structlog

from kit.children import arguments_after, tell, until_eof
from mpsyncd.sandbox import CompanySpec, SandboxOptions, serve

COMPANY = "bench"


async def stay(cards: int) -> None:
    """Listen, tell the address and the key, stay until stdin is closed."""
    spec = CompanySpec(name=COMPANY, title="ООО Замер", spaces=3, boards=6, users=20, tags=10, selects=2, cards=cards, archived=20)
    async with await serve(SandboxOptions(sellers=(), companies=(spec,))) as sandbox:
        [shop] = sandbox.demo_shops()
        tell(url=sandbox.url, base_url=shop.base_url, token=shop.token)
        await until_eof()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(stay(int(arguments_after(sys.argv, "cards")["cards"])))
