"""A sandbox with one Kaiten company, as a process of its own. Arguments: spaces boards users tags selects live archived large old scale."""

from __future__ import annotations

import asyncio
import logging
import sys

import structlog

from kit.children import arguments_after, tell, until_eof
from mpsyncd.sandbox import CompanySpec, SandboxOptions, serve

_NAMES = ("spaces", "boards", "users", "tags", "selects", "cards", "archived", "large", "old_headers", "limit_scale")


async def _serve(**given: str) -> None:
    scale = float(given.pop("limit_scale"))
    flags = {name: given.pop(name) == "1" for name in ("large", "old_headers")}
    company = CompanySpec(name="acme", title="ООО Акме", imported=0, **{name: int(value) for name, value in given.items()}, **flags)
    options = SandboxOptions(sellers=(), companies=(company,), limit_scale=scale, log_size=1_000_000)
    async with await serve(options) as sandbox:
        [shop] = sandbox.demo_shops()
        tell(url=sandbox.url, address=shop.base_url, token=shop.token)
        await until_eof()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(_serve(**arguments_after(sys.argv, *_NAMES)))
