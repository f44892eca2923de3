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
    from mpsyncd.model.source import Credentials, Identity, Source
    from mpsyncd.transport.options import SourceOptions

KEY_AT_LEAST = 6
"""Shorter values are no secrets, and would black out half of every text."""
_FORBIDDEN = frozenset("?#\\\r\n\t ")


def address(source: Source, identity: Identity, request: Request, options: SourceOptions) -> URL:
    """Where the request goes.

    Raises:
        BadRequest: the host is not on the source's list, or the path tries to leave it.
        Unauthorized: the shop's own address is not one that keys may be sent to.
        ConfigError: the configured base address can not be used.
    """
    base = _base(source, identity, request.host, options)
    path = request.path
    if not path.startswith("/") or path.startswith("//") or _FORBIDDEN & set(path) or ".." in path.split("/"):
        raise BadRequest(f"{source.name}: the path {path!r} of a request can not be used")
    url = base.with_path(base.path.rstrip("/") + path)
    if request.params:
        url = url.with_query(dict(request.params))
    if url.origin() != base.origin():
        raise BadRequest(f"{source.name}: {request.method} {path} would leave {base.host}")
    return url


def _base(source: Source, identity: Identity, host: str, options: SourceOptions) -> URL:
    if host not in source.hosts:
        raise BadRequest(f"{source.name} has no host {host!r}; requests go to {', '.join(sorted(source.hosts))} only")
    own = identity.hosts.get(host)
    if own is not None:
        _check_own(source, URL(own), options)
    if options.base_url is None:
        text = own or source.hosts[host]
    else:
        text = options.base_url.replace("{host}", host if own is None else (URL(own).host or "").partition(".")[0])
    try:
        url = URL(text)
        usable = url.host is not None and not url.query_string and not url.fragment and url.user is None
    except ValueError:
        usable = False
    if not usable or url.scheme not in {"http", "https"} or "*" in text:
        raise ConfigError(f"base_url of {source.name} is no address: {text!r}; give one such as http://127.0.0.1:9100/wb/{{host}}")
    if url.scheme == "http" and options.base_url is None and not _loopback(url.host or ""):
        raise BadRequest(f"{source.name}: {text} is not https, a key is not sent there; set base_url if that is meant")
    return url


def _check_own(source: Source, own: URL, options: SourceOptions) -> None:
    """A shop's address came with its key: whoever may give keys could have them sent anywhere, if settings did not say where to."""
    name = own.host or ""
    if own.scheme != "https" and not _loopback(name):
        raise Unauthorized(f"{source.name}: {own} is not https, a key is not sent there; give the shop an address with https", status=None)
    if not any(name == allowed or (allowed.startswith("*.") and name.endswith(allowed[1:])) for allowed in options.hosts):
        what = f"{source.name}: keys are not sent to {name}, which is not on the list of allowed hosts"
        raise Unauthorized(f'{what}; if it is yours, add "{name}" to hosts under [sources.{source.name}] in the settings', status=None)


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
    secrets = source.confidential(credentials).values()
    if not same or any(len(secret) >= KEY_AT_LEAST and secret in text for secret in secrets):
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
