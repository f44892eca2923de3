"""From a request to the one address that it may go to. Decided before a key is attached, and checked again after.

A request names a host of its source by short name; no text of a request, an answer or a redirect can name another one.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from yarl import URL

from mpsyncd.model.errors import BadRequest, ConfigError, Unauthorized

if TYPE_CHECKING:
    from mpsyncd.model.request import Request
    from mpsyncd.model.source import Credentials, Source
    from mpsyncd.transport.options import SourceOptions

KEY_AT_LEAST = 6
"""Shorter values are no secrets, and would black out half of every text."""
_FORBIDDEN = frozenset("?#\\\r\n\t ")


def address(source: Source, request: Request, options: SourceOptions) -> URL:
    """Where the request goes.

    Raises:
        BadRequest: the host is not on the source's list, or the path tries to leave it.
        ConfigError: the configured base address can not be used.
    """
    base = _base(source, request.host, options)
    path = request.path
    if not path.startswith("/") or path.startswith("//") or _FORBIDDEN & set(path) or ".." in path.split("/"):
        raise BadRequest(f"{source.name}: the path {path!r} of a request can not be used")
    url = base.with_path(base.path.rstrip("/") + path)
    if request.params:
        url = url.with_query(dict(request.params))
    if url.origin() != base.origin():
        raise BadRequest(f"{source.name}: {request.method} {path} would leave {base.host}")
    return url


def _base(source: Source, host: str, options: SourceOptions) -> URL:
    known = source.hosts.get(host)
    if known is None:
        raise BadRequest(f"{source.name} has no host {host!r}; requests go to {', '.join(sorted(source.hosts))} only")
    text = known if options.base_url is None else options.base_url.replace("{host}", host)
    try:
        url = URL(text)
        usable = url.host is not None and not url.query_string and not url.fragment and url.user is None
    except ValueError:
        usable = False
    if not usable or url.scheme not in {"http", "https"}:
        raise ConfigError(f"base_url of {source.name} is no address: {text!r}; give one such as http://127.0.0.1:9100/wb/{{host}}")
    if url.scheme == "http" and options.base_url is None and not _loopback(url.host or ""):
        raise BadRequest(f"{source.name}: {text} is not https, a key is not sent there; set base_url if that is meant")
    return url


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def signed(source: Source, request: Request, url: URL, credentials: Credentials) -> Request:
    """The request with its key attached, by the source.

    Raises:
        BadRequest: the key got anywhere but into headers or the body.
        Unauthorized: the key can not stand in a header.
    """
    ready = source.authorize(request, credentials)
    same = (ready.method, ready.host, ready.path, dict(ready.params)) == (request.method, request.host, request.path, dict(request.params))
    text = str(url)
    if not same or any(len(secret) >= KEY_AT_LEAST and secret in text for secret in credentials.values()):
        raise BadRequest(f"{source.name}: {request.method} {request.path} would carry a key in its address")
    for name, value in ready.headers.items():
        if any(character in name + value for character in "\r\n\0"):
            raise Unauthorized(f"the key of {source.name} holds a line break: give it again, in one line", status=None)
    return ready


def scrub(text: str, credentials: Credentials) -> str:
    """The text without any key that it may echo."""
    for secret in credentials.values():
        if len(secret) >= KEY_AT_LEAST:
            text = text.replace(secret, "***")
    return text
