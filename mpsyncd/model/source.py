"""A source is a value: one API family with its hosts, keys, limits, streams and first-load pipeline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from mpsyncd.model.rate import Scope

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from mpsyncd.model.attachment import NotYet
    from mpsyncd.model.errors import SourceError
    from mpsyncd.model.rate import Rate
    from mpsyncd.model.request import Api, Request, Response
    from mpsyncd.model.stream import Stream
    from mpsyncd.model.webhook import Receive

Credentials: TypeAlias = Mapping[str, str]
"""Decrypted secret fields of one shop, by name. Never logged, alive only while needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A field that a shop of this source must (or may) give. `public`: anybody may see it (an address); it is kept with the others."""

    name: str
    title: Mapping[str, str]
    required: bool = True
    public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a key says of itself without asking the vendor.

    scopes: the value of each limit scope (the seller's id…). variant: the class of key that decides rates ("personal", "base"…).
    lease_group: shops with an equal one are worked by one daemon. capabilities: what the key claims, None when it can not tell.
    facts: public facts worth showing, JSON values only. hosts: short name -> base address of hosts that belong to the shop alone.
    """

    scopes: Mapping[Scope, str]
    variant: str
    lease_group: str
    capabilities: frozenset[str] | None = None
    expires_at: datetime | None = None
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """What is stored beside the shop (`shops.identity`)."""
        return {
            "scopes": {scope.value: value for scope, value in self.scopes.items()},
            "variant": self.variant,
            "lease_group": self.lease_group,
            "capabilities": None if self.capabilities is None else sorted(self.capabilities),
            "warnings": list(self.warnings),
            "facts": dict(self.facts),
        }


def stored_identity(told: Mapping[str, Any], expires_at: datetime | None) -> Identity:
    """Read back what `Identity.as_json` wrote."""
    capabilities = told.get("capabilities")
    return Identity(
        scopes={Scope(scope): value for scope, value in told.get("scopes", {}).items()},
        variant=told.get("variant", ""),
        lease_group=told.get("lease_group", ""),
        capabilities=None if capabilities is None else frozenset(capabilities),
        expires_at=expires_at,
        warnings=tuple(told.get("warnings", ())),
        facts=told.get("facts", {}),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What opens one shop: its secret fields, and what they say of themselves."""

    credentials: Credentials = field(repr=False)
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What people see of the first load: titles by language, the streams that serve it, whether history counts towards "done"."""

    name: str
    title: Mapping[str, str]
    streams: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One API family.

    hosts: short name -> base address without a trailing slash; keys are sent to these and to no other. One with a * is a family: each shop
    has an address of its own there (`Identity.hosts`), and settings say which addresses are allowed.
    identify: credentials, now -> Identity; raises Unauthorized for a key that can not work (broken, expired), without network.
    rates: every limit that requests of a key of this identity may name. authorize: adds the key to a request.
    classify: head of an answer -> the error it means, or None for success. probes: capability -> the cheapest request that proves it.
    name_shop: asks the vendor for the shop's name. attachment: fetches the bytes of an attachment by the vendor's id of it.
    analytics: streams of numbers by product, which people ask for out of turn.
    zone: the source's calendar ("today" is taken here). receive: what the body of a webhook touches; None where the vendor sends none.
    """

    name: str
    hosts: Mapping[str, str]
    secrets: tuple[Secret, ...]
    identify: Callable[[Credentials, datetime], Identity]
    rates: Callable[[Identity], tuple[Rate, ...]]
    authorize: Callable[[Request, Credentials], Request]
    classify: Callable[[Response, Request], SourceError | None]
    probes: Mapping[str, Request]
    streams: tuple[Stream, ...]
    pipeline: tuple[Step, ...]
    zone: ZoneInfo
    name_shop: Callable[[Api], Awaitable[str]] | None = None
    attachment: Callable[[Api, str], Awaitable[bytes | NotYet]] | None = None
    analytics: tuple[str, ...] = ()
    receive: Receive | None = None

    def confidential(self, credentials: Credentials) -> Credentials:
        """The fields that nobody may see."""
        public = {secret.name for secret in self.secrets if secret.public}
        return {name: value for name, value in credentials.items() if name not in public}

    def stream(self, name: str) -> Stream:
        """Return the stream of this name; KeyError when there is none."""
        for stream in self.streams:
            if stream.name == name:
                return stream
        raise KeyError(name)
