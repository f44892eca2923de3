"""Whether a request comes from this machine, as far as one can tell. Pure."""

from __future__ import annotations

from collections.abc import Collection

from aiohttp import web

from mpsyncd.settings.http import is_loopback

_PROXIED = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip"})


def is_local(request: web.BaseRequest) -> bool:
    """Whether the connection comes from loopback and no proxy says that it speaks for somebody else."""
    names = {name.lower() for name in request.headers}
    proxied = not names.isdisjoint(_PROXIED) or any(name.startswith("x-forwarded") for name in names)
    return not proxied and is_loopback(request.remote or "")


def is_called_right(request: web.BaseRequest, *, hosts: Collection[str]) -> bool:
    """Whether the caller meant this machine: a page from elsewhere whose name was bent to loopback carries that name in Host."""
    asked = request.headers.get("Host", "").lower()
    name = asked.partition("]")[0] + "]" if asked.startswith("[") else asked.partition(":")[0]
    return is_loopback(name) or name in hosts
