"""What the server needs of others, as one small value; `daemon` fills it. The server itself reaches for nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mpsyncd.model.overview import Overview
from mpsyncd.model.reload import ReloadOutcome
from mpsyncd.transport.budgets import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One number for /metrics under a name that `web.metrics` documents."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def _no_budgets() -> Sequence[Budget]:
    return ()


def _no_samples() -> Sequence[Sample]:
    return ()


def _no_facts() -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPorts:
    """The daemon as the server sees it.

    live: reasons why the process is stuck, () when it lives; must not touch the database. ready: reasons why it is not ready, or ().
    overview: everything about shops; raises StorageUnavailable. budgets: the gates. samples: numbers for /metrics that the overview does
    not yield. facts: what /status shows of the process itself (database, leases, last error), JSON values, no secret.
    now: the current instant, aware. reload: reads settings and shops again; None where nothing can be read again.
    """

    version: str
    started_at: datetime
    now: Callable[[], datetime]
    live: Callable[[], tuple[str, ...]]
    ready: Callable[[], Awaitable[tuple[str, ...]]]
    overview: Callable[[], Awaitable[Overview]]
    budgets: Callable[[], Sequence[Budget]] = _no_budgets
    samples: Callable[[], Sequence[Sample]] = _no_samples
    facts: Callable[[], Mapping[str, object]] = _no_facts
    reload: Callable[[], Awaitable[ReloadOutcome]] | None = None
