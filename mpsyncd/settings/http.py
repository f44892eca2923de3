"""The group of the HTTP server: where it listens, and who needs no access token."""

from __future__ import annotations

import ipaddress
import re

from pydantic import Field, ValidationInfo, field_validator

from mpsyncd.settings.kinds import Group

_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")


def is_loopback(host: str) -> bool:
    """Whether a name or an address means this machine and no other."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


class HttpSettings(Group):
    """The small server of health, status, metrics and control. Who may do what there: docs/howto/access-tokens.md."""

    allow_remote: bool = Field(default=False, description="Whether `host` may be reachable from other machines")
    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one")
    public_url: str | None = Field(
        default=None,
        examples=["https://sync.example.com"],
        description="Address of this server from outside, by a proxy or a tunnel; part of the addresses that vendors send webhooks to",
    )
    body_limit: int = Field(default=65536, ge=1024, le=16_777_216, description="Bytes of a request's body at most")
    local_reads: bool = Field(
        default=True,
        description="Whether programs on this machine read without an access token; false behind a proxy that adds no X-Forwarded-For",
    )
    open_probes: bool = Field(
        default=False, description="Whether /healthz, /readyz and /metrics answer other machines without an access token"
    )
    hosts: tuple[str, ...] = Field(
        default=(), examples=[["sync.lan"]], description="Names besides localhost by which this machine's own programs may call the server"
    )

    @field_validator("host")
    @classmethod
    def _stays_at_home(cls, value: str, info: ValidationInfo) -> str:
        if not info.data.get("allow_remote") and not is_loopback(value):
            message = f"{value!r} is reachable from other machines; put a proxy in front, or set http.allow_remote = true"
            raise ValueError(message)
        return value

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            message = "an address begins with https://"
            raise ValueError(message)
        return None if value is None else value.rstrip("/")

    @field_validator("hosts")
    @classmethod
    def _names_only(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(name.strip().lower() for name in value)
        wrong = [name for name in names if not _NAME.fullmatch(name)]
        if wrong:
            message = f"{wrong[0]!r} is no name of a host; write it without address scheme, port and path, as in sync.lan"
            raise ValueError(message)
        return names
