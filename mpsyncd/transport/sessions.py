"""One aiohttp session per source over one pool of connections: its proxy, its authorities, no cookies, no redirects."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from mpsyncd.model.errors import ConfigError

if TYPE_CHECKING:
    from types import SimpleNamespace, TracebackType

    from mpsyncd.transport.options import SourceOptions, TransportOptions

_KEEP_ALIVE = 15.0
"""Shorter than any vendor's: a connection that the other side is just closing costs a try."""


class Sessions:
    """Opens sessions when they are first wanted, closes them all."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._connector: aiohttp.TCPConnector | None = None
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._authorities: dict[str, ssl.SSLContext | bool] = {}

    async def __aenter__(self) -> Self:
        self._connector = aiohttp.TCPConnector(limit=self._options.connections, keepalive_timeout=_KEEP_ALIVE)
        try:
            for name, options in self._options.sources.items():
                self._authorities[name] = await asyncio.to_thread(_authorities, name, options)
        except BaseException:
            await self._connector.close()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for session in self._sessions.values():
            await session.close()
        if self._connector is not None:
            await self._connector.close()

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
        return {
            "allow_redirects": False,
            "proxy": self._options.source(source).proxy,
            "ssl": self._authorities.get(source, True),
        }


async def _written(session: aiohttp.ClientSession, context: SimpleNamespace, event: aiohttp.TraceRequestHeadersSentParams) -> None:
    """The last instant before the head of a request goes to the wire: connected, nothing sent. Raising here sends nothing."""
    _ = session, event
    context.trace_request_ctx()


def _authorities(source: str, options: SourceOptions) -> ssl.SSLContext | bool:
    if options.ca_bundle is None:
        return True
    try:
        context = ssl.create_default_context()
        context.load_verify_locations(cafile=str(options.ca_bundle))
        return context
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or "it holds no certificates"
        raise ConfigError(f"ca_bundle of {source}, {options.ca_bundle}, can not be read: {reason}; give a PEM file") from None
