"""What came of reading settings and shops again: asked by SIGHUP or over HTTP, told by the same value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadOutcome:
    """Applied with its changes, refused with every problem at once and nothing changed, or unchanged."""

    state: Literal["applied", "refused", "unchanged"]
    changes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    at: datetime
