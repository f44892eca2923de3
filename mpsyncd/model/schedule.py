"""Schedules as values: how often something is due, and in whose calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Either `every` so often, or at the times of a five-field `cron` line; `zone` is the IANA name of the calendar."""

    every: timedelta | None = None
    cron: str | None = None
    zone: str = "UTC"
