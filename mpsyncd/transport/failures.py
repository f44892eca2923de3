"""Network failures in words. An exception of the HTTP library is never shown or chained: its text may hold the request with its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from mpsyncd.transport.options import TransportOptions


def told(error: Exception, options: TransportOptions) -> str:  # noqa: PLR0911 - one word for each
    """What happened, without addresses of proxies, headers or bodies."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            return f"no connection within {options.connect_timeout.total_seconds():g} s"
        case aiohttp.SocketTimeoutError():
            return f"nothing came for {options.read_timeout.total_seconds():g} s"
        case TimeoutError():
            return f"no complete answer within {options.answer_timeout.total_seconds():g} s"
        case aiohttp.ClientConnectorCertificateError():
            return "the certificate can not be verified; a ca_bundle may be missing"
        case aiohttp.ClientConnectorDNSError():
            return "the name of the host can not be resolved"
        case aiohttp.ClientConnectorError():
            return f"can not connect: {error.os_error.strerror or type(error.os_error).__name__}"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy refuses with {error.status}"
        case aiohttp.ClientPayloadError():
            return "the answer is cut off"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | ConnectionError():
            return "the connection was dropped"
        case _:
            return f"the connection failed ({type(error).__name__})"
