"""Runs: attempts to move feeds of a shop, and the requests of people and programs for one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Trigger(StrEnum):
    """Why a run began."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    ONBOARDING = "onboarding"
    WEBHOOK = "webhook"
    STALE = "stale"


class Mode(StrEnum):
    """How much a run reads."""

    FULL = "full"
    """Everything again."""
    INCREMENTAL = "incremental"
    SELECTIVE = "selective"
    """Some streams only, incrementally."""
    FORCED = "forced"
    """Everything again, and a suspicion of emptiness is taken for the truth."""


class RunState(StrEnum):
    """Where a run stands; DONE, PARTLY, FAILED and CANCELLED are final verdicts computed from its feeds."""

    RUNNING = "running"
    WAITING = "waiting"
    """Every unfinished feed is snoozed; the reason says for what."""
    DONE = "done"
    PARTLY = "partly"
    """Some feeds failed or are parked, others are done."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """Its daemon went away; what was committed stays, the feeds go on in a later run."""


class FeedVerdict(StrEnum):
    """How one feed came out of one run."""

    OK = "ok"
    FAILED = "failed"
    PARKED = "parked"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A run that a person or a program asked for. Empty `streams` means all; `start` and `end` bound a manual date range (aware UTC)."""

    request_id: int
    shop_id: int
    trigger: Trigger
    mode: Mode
    streams: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
