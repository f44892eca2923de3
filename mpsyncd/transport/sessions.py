"""One aiohttp session per source over one pool of connections: its proxy, its authorities, no cookies, no redirects."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from mpsyncd.model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import SimpleNamespace

    from mpsyncd.transport.options import SourceOptions, TransportOptions

_KEEP_ALIVE = 15.0
"""Shorter than any vendor's: a connection that the other side is just closing costs a try."""


@dataclass(frozen=True, slots=True)
class Authorities:
    """Whom a source's connections trust. `digest` is that of the bundle's content, which may change under its name."""

    context: ssl.SSLContext | bool
    digest: str


class Sessions:
    """Opens sessions when they are first wanted, closes them all."""

    def __init__(self, options: TransportOptions, trusted: Mapping[str, Authorities]) -> None:
        self._options = options
        self._trusted = trusted
        self._connector = aiohttp.TCPConnector(limit=options.connections, keepalive_timeout=_KEEP_ALIVE)
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def close(self) -> None:
        """Close every connection; requests under way break."""
        for session in self._sessions.values():
            await session.close()
        await self._connector.close()

    def serves(self, options: TransportOptions, trusted: Mapping[str, Authorities]) -> bool:
        """Whether nothing that these sessions were opened with is different."""
        return _facts(self._options, self._trusted) == _facts(options, trusted)

    def session(self, source: str) -> aiohttp.ClientSession:
        """The session of a source."""
        if source not in self._sessions:
            traces = aiohttp.TraceConfig()
            traces.on_request_headers_sent.append(_written)
            options = self._options
            self._sessions[source] = aiohttp.ClientSession(
                connector=self._connector,
                connector_owner=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": options.user_agent, "Accept": "application/json", "Accept-Encoding": "gzip"},
                timeout=aiohttp.ClientTimeout(
                    total=options.answer_timeout.total_seconds(),
                    connect=options.connect_timeout.total_seconds(),
                    sock_read=options.read_timeout.total_seconds(),
                ),
                auto_decompress=False,
                trace_configs=[traces],
            )
        return self._sessions[source]

    def how(self, source: str) -> dict[str, Any]:
        """What every request of a source needs to be told."""
        trusted = self._trusted.get(source)
        return {
            "allow_redirects": False,
            "proxy": self._options.source(source).proxy,
            "ssl": True if trusted is None else trusted.context,
        }


async def authorities(options: TransportOptions) -> Mapping[str, Authorities]:
    """Whom to trust, by source.

    Raises:
        ConfigError: a bundle can not be read.
    """
    return {name: await asyncio.to_thread(_authorities, name, each) for name, each in options.sources.items()}


def _facts(options: TransportOptions, trusted: Mapping[str, Authorities]) -> tuple[object, ...]:
    proxies = {name: each.proxy for name, each in options.sources.items()}
    digests = {name: each.digest for name, each in trusted.items()}
    return proxies, digests, options.connections, options.connect_timeout, options.read_timeout, options.answer_timeout, options.user_agent


async def _written(session: aiohttp.ClientSession, context: SimpleNamespace, event: aiohttp.TraceRequestHeadersSentParams) -> None:
    """The last instant before the head of a request goes to the wire: connected, nothing sent. Raising here sends nothing."""
    _ = session, event
    context.trace_request_ctx()


def _authorities(source: str, options: SourceOptions) -> Authorities:
    if options.ca_bundle is None:
        return Authorities(context=True, digest="")
    try:
        content = options.ca_bundle.read_bytes()
        context = ssl.create_default_context()
        context.load_verify_locations(cafile=str(options.ca_bundle))
        return Authorities(context=context, digest=hashlib.sha256(content).hexdigest())
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or "it holds no certificates"
        raise ConfigError(f"ca_bundle of {source}, {options.ca_bundle}, can not be read: {reason}; give a PEM file") from None
