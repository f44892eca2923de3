"""How each source is reached: address, proxy, trusted certificates, limits. A new source adds one field to `SourceGroup`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, FilePath, SecretStr

from mpsyncd.settings.kinds import Duration, Group

_HOST = re.compile(r"(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*", re.ASCII)


class LimitSettings(Group):
    """What replaces a published limit; what is left out stays as published."""

    limit: int | None = Field(default=None, ge=1, examples=[10], description="Requests (or units) in each `per`")
    per: Duration | None = Field(default=None, examples=["1 min"], description="The stretch of time that `limit` counts in")
    burst: int | None = Field(
        default=None,
        ge=1,
        examples=[5],
        description="How many may go out at once; of an adaptive limit, the most that headers may raise it to",
    )


def _template(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        message = "an address begins with http:// or https://"
        raise ValueError(message)
    if value.count("{") != value.count("{host}") or value.count("}") != value.count("{host}"):
        message = "the only placeholder is {host}"
        raise ValueError(message)
    return value.rstrip("/")


def _proxy(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("http://", "https://")):
        message = "a proxy is an address that begins with http:// or https://"
        raise ValueError(message)
    return value


class SourceSettings(Group):
    """How one source is reached. Without any of these: at the vendor's addresses, inside the published limits."""

    base_url: Annotated[str, AfterValidator(_template)] | None = Field(
        default=None,
        examples=["http://127.0.0.1:9100/wb/{host}"],
        description="Where its hosts are instead of the vendor's own addresses; {host} is replaced by the short name of the host",
    )
    proxy: Annotated[SecretStr, AfterValidator(_proxy)] | None = Field(
        default=None, examples=["http://proxy.example:3128"], description="HTTP proxy for outgoing requests; may hold a user and password"
    )
    ca_bundle: FilePath | None = Field(
        default=None,
        examples=["/etc/ssl/certs/ca-certificates.crt"],
        description="PEM file of certificates to trust besides those of the system",
    )
    limits: dict[str, LimitSettings] = Field(default={}, description="Limits by the name of the rate, see the reference of streams")


def _hosts(value: tuple[str, ...]) -> tuple[str, ...]:
    for each in value:
        if not _HOST.fullmatch(each):
            message = f"{each!r} is no name of a host; write a name, or *.name for every name below it"
            raise ValueError(message)
    return value


class KaitenSettings(SourceSettings):
    """How Kaiten is reached, where every company has an address of its own."""

    hosts: Annotated[tuple[str, ...], AfterValidator(_hosts)] = Field(
        default=("*.kaiten.ru",),
        examples=[["*.kaiten.ru", "kaiten.example.com"]],
        description="Hosts that keys may be sent to: names, or *.name for every name below one; a shop with another address is refused",
    )


class SourceGroup(Group):
    """The sources by name."""

    wildberries: SourceSettings = Field(default=SourceSettings(), description="Wildberries")

    kaiten: KaitenSettings = Field(default=KaitenSettings(), description="Kaiten")

    def by_name(self) -> dict[str, SourceSettings]:
        """Settings of every source by its name."""
        return {name: getattr(self, name) for name in type(self).model_fields}
