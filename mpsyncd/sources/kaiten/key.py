"""What a Kaiten company's address and key say of themselves, read without the network. Never puts a piece of the key into a message."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mpsyncd.model.errors import Unauthorized
from mpsyncd.model.rate import Scope
from mpsyncd.model.source import Credentials, Identity

if TYPE_CHECKING:
    from datetime import datetime

    from mpsyncd.model.request import Request

URL, TOKEN = "api_url", "api_token"
"""The fields of a shop."""
HOST = "company"
"""The short name of the one host that a company has."""

_HASH = 16
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*", re.ASCII)
_VERSIONS = ("/api/latest", "/api/v1")
_FORMS = "write the company's address, such as company.kaiten.ru or https://company.kaiten.ru/api/latest"


def identify(credentials: Credentials, now: datetime) -> Identity:
    """Read address and key; a key says nothing of itself, so all of it is asked of the vendor.

    Raises:
        Unauthorized: it can not work: the address is none, the key is missing or broken.
    """
    _ = now
    base = address(credentials.get(URL, ""))
    token = bare(credentials)
    if not token:
        raise Unauthorized(f"The Kaiten key is missing ({TOKEN}): copy it from the profile of the person whose rights it has")
    if not token.isascii() or any(sign.isspace() for sign in token):
        raise Unauthorized(f"The Kaiten key ({TOKEN}) holds blanks or letters that no key has: copy it again, whole and alone")
    digest = hashlib.sha256(token.encode()).hexdigest()[:_HASH]
    return Identity(
        scopes={Scope.TOKEN: digest, Scope.SELLER: urlsplit(base).netloc},
        variant="",
        lease_group=f"kaiten:{digest}",
        hosts={HOST: base},
        facts={"address": base},
    )


def address(text: str) -> str:
    """The base address of the API: scheme, host and path without a trailing slash.

    Raises:
        Unauthorized: it is no address.
    """
    told = text.strip()
    try:
        parts = urlsplit(told if "://" in told else f"https://{told}")
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise _broken(told) from None
    plain = not (parts.query or parts.fragment or parts.username or parts.password) and parts.scheme in {"https", "http"}
    if not plain or not _NAME.fullmatch(host) or ".." in parts.path or "//" in parts.path:
        raise _broken(told)
    path = parts.path.rstrip("/")
    where = f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")
    return where + path + ("" if path.endswith(_VERSIONS) else _VERSIONS[0])


def authorize(request: Request, credentials: Credentials) -> Request:
    """Add the key to a request."""
    return request.with_headers(Authorization=f"Bearer {bare(credentials)}")


def bare(credentials: Credentials) -> str:
    """The key as given, without blanks around it and without the word Bearer that people copy along."""
    return credentials.get(TOKEN, "").strip().removeprefix("Bearer ").strip()


def _broken(told: str) -> Unauthorized:
    what = "is missing" if not told else "is no address of a company"
    return Unauthorized(f"The address of the Kaiten company ({URL}) {what}: {_FORMS}")
