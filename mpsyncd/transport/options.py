"""What can be tuned about the way out, as plain values; `settings` fills them, nothing here reads a file or the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOverride:
    """A limit that somebody tuned by name; None keeps what the vendor publishes."""

    limit: int | None = None
    per: timedelta | None = None
    burst: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """How one source is reached.

    base_url: address that replaces the source's hosts, "{host}" stands for the short name of the host; None for the vendor's own.
    proxy: address of an HTTP proxy. ca_bundle: PEM file of authorities to trust besides the system's. limits: overrides by rate name.
    hosts: names (or "*.name" for what is below one) that shops with addresses of their own may have.
    """

    base_url: str | None = None
    hosts: tuple[str, ...] = ()
    proxy: str | None = None
    ca_bundle: Path | None = None
    limits: Mapping[str, LimitOverride] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportOptions:
    """The whole way out.

    limit_scale: how many times faster every limit refills; patience, ageing and safety margins shrink with it (sandbox and tests only).
    connect_timeout, read_timeout: until connected, between two reads; answer_timeout: for one answer as a whole.
    patience: the longest wait for a limit that is slept inside `send`. tries: how often a repeatable request is sent in all.
    retry_base, retry_cap: first and longest pause between them. spool_threshold: decoded bytes of a body that are kept in memory.
    answer_limit: decoded bytes at which an answer is given up. connections: open at one time over all sources.
    share: how many daemons go out by this machine's address; node: the name of this one among them.
    """

    sources: Mapping[str, SourceOptions] = field(default_factory=dict)
    limit_scale: float = 1.0
    connect_timeout: timedelta = timedelta(seconds=10)
    read_timeout: timedelta = timedelta(seconds=60)
    answer_timeout: timedelta = timedelta(minutes=15)
    patience: timedelta = timedelta(seconds=30)
    tries: int = 5
    retry_base: timedelta = timedelta(seconds=1)
    retry_cap: timedelta = timedelta(seconds=60)
    spool_threshold: int = MEGABYTE
    spool_directory: Path | None = None
    answer_limit: int = 1024 * MEGABYTE
    connections: int = 100
    share: int = 1
    node: str = ""
    user_agent: str = "mpsyncd"

    def source(self, name: str) -> SourceOptions:
        """The options of one source; the vendor's own addresses and limits when nothing is said."""
        return self.sources.get(name, SourceOptions())
